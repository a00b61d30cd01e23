"""The decks, printed: a module of its own, since printing starts a browser of its own."""

import pypdf
import pytest

from lecture_utils.authoring import decks, slides

DECKS = sorted(slides.FOLDER.glob("[0-9][0-9]_*.md"))


@pytest.mark.parametrize("path", DECKS, ids=lambda path: path.stem)
def test_the_print_has_a_page_for_each_slide(path, executable, tmp_path):
    (printed,) = decks.print_pdfs(decks.build([path.name[:2]], tmp_path))
    pages = pypdf.PdfReader(printed).pages
    assert len(pages) == len(slides.slides_of(path))
    for page in pages:
        assert page.extract_text().strip()
        assert page.mediabox.width / page.mediabox.height == pytest.approx(16 / 9, rel=0.01)

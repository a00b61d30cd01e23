"""The course map and what is generated from it."""

import re

import mistune
import pytest
import yaml

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import generated, notebooks
from lecture_utils.checks import start

ROOT = notebooks.ROOT


def test_generated_parts_are_up_to_date(course):
    for path, content in generated.pages(course).items():
        assert path.read_bytes() == content, f"{path.name} is out of date: run `make generate`"


def test_every_chapter_leads_to_sections_that_carry_its_mark(course):
    for lecture in course["lectures"].values():
        for name, chapter in lecture["chapters"].items():
            assert chapter["sections"], f"chapter {name} leads nowhere"
            for place in chapter["sections"]:
                number = f"{int(place.split('.')[0]):02}"
                found = notebooks.sections(notebooks.path_of(number))
                assert place in found, f"{name}: no section {place}"
                assert f"<!-- begin cue {name} -->" in found[place], f"{place} lacks {name}"
                assert name in course["notebooks"][number]["cues"]


def test_every_mark_stands_where_the_map_says(course):
    chapters = {}
    for lecture in course["lectures"].values():
        chapters |= lecture["chapters"]
    for number in course["notebooks"]:
        if number == "00":  # it shows what a mark looks like
            continue
        marks = 0
        for place, text in notebooks.sections(notebooks.path_of(number)).items():
            for name in re.findall(r"<!-- begin cue ([\w-]+) -->", text):
                assert place in chapters[name]["sections"], f"{place} carries {name}"
                marks += 1
        source = notebooks.path_of(number).read_text(encoding="utf-8")
        assert marks == source.count("<!-- begin cue "), f"{number}: a mark outside the sections"


def test_cue_marks_name_minute_and_link(course):
    mark = course_map.cue(course, "mathematics")
    assert mark == "[Lecture 22, 9:56](https://youtu.be/2r0QahNdwMw?t=596)"
    with pytest.raises(ValueError, match=r"unknown chapter 'nonsense'; course\.yml has .*opening"):
        course_map.cue(course, "nonsense")


def test_no_badge_while_no_repository_is_set_and_everywhere_once_it_is(course):
    empty, named = dict(course, repository=""), dict(course, repository="someone/shortcuts")
    assert not any(b"mybinder.org" in page for page in generated.pages(empty).values())
    pages = generated.pages(named)
    shown = [path for path in pages if path.suffix in (".md", ".ipynb")]
    for path in (generated.GUIDE, generated.BY_NOTEBOOK, generated.ROOM):
        shown.remove(path)
    assert len(shown) == len(course["notebooks"]) + 1
    for path in shown:
        for site in (
            b"mybinder.org/v2/gh/",
            b"colab.research.google.com/github/",
            b"codespaces.new/",
        ):
            assert site + b"someone/shortcuts" in pages[path], path.name


def broken(course_text, tmp_path, old, new):
    assert old in course_text
    path = tmp_path / "course.yml"
    path.write_text(course_text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("start: 596", "start: 300", "must ascend"),
        ("\nrepository:", '\nrepository: "https://x.org/a/b" #', "owner/name"),
        ("lectures:", "lessons:", "no key 'lectures'"),
    ],
)
def test_a_broken_course_map_says_what_is_wrong(tmp_path, old, new, says):
    path = broken(course_map.COURSE.read_text(encoding="utf-8"), tmp_path, old, new)
    with pytest.raises(ValueError, match=says):
        course_map.load(path)


def test_an_unknown_generated_part_is_an_error(course):
    with pytest.raises(ValueError, match="unknown generated part 'nothing'"):
        generated.fill("<!-- begin nothing --><!-- end -->", course)


def links(text):
    def walk(tokens):
        for token in tokens:
            if token["type"] in ("link", "image"):
                yield token["attrs"]["url"]
            yield from walk(token.get("children", []))

    return walk(mistune.create_markdown(renderer=None, plugins=["table"])(text))


def anchors(text):
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def documents():
    pages = ("README.md", "CONTRIBUTING.md", "slides/README.md", "slides/by_notebook.md")
    yield from (ROOT / name for name in (*pages, "binder/README.md"))
    yield from sorted(notebooks.FOLDER.glob("*.ipynb"))


def text_of(path):
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    found = notebooks.read(path).cells
    return "\n\n".join(c.source for c in found if c.cell_type == "markdown")


@pytest.mark.parametrize(
    "path", list(documents()), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_links_inside_the_repository_lead_somewhere(path):
    found = [url for url in links(text_of(path)) if not url.startswith(("http", "mailto"))]
    assert found
    for url in found:
        name, _, anchor = url.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{path.name} links to {url}"
        if anchor:
            assert anchor in anchors(text_of(target)), f"{path.name} links to {url}"


def test_dependencies_are_pinned_in_one_list():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *_, pip = environment["dependencies"]
    packages = [line for line in pip["pip"] if not line.startswith("--")]
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in packages)
    pins = dict(line.split("==") for line in packages)
    assert {name: pins[name] for name in start.NEEDED} == start.NEEDED
    assert "\ndependencies" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")

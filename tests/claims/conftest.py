"""Each file of claims gets the definitions of the notebook whose number is in its name."""

import pytest

from lecture_utils.authoring import notebooks


@pytest.fixture(scope="module")
def notebook(request: pytest.FixtureRequest):
    number = request.path.stem.split("_")[1]
    return notebooks.definitions(notebooks.path_of(number))

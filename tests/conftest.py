"""What all tests share: the course map and the notebooks."""

import pytest
import torch

from lecture_utils.authoring import course as course_map


@pytest.fixture(scope="session")
def course() -> dict:
    return course_map.load()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)

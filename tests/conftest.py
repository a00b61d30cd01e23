"""What all tests share: the course map, two processes' fair shares, and what `make quick` runs."""

import os
import re

import hypothesis
import pytest
import torch
from xdist.scheduler import LoadScopeScheduling

from lecture_utils.authoring import butterfly
from lecture_utils.authoring import course as course_map

# Parts of the suite that stay in one process, as their tests share nets, a kernel or a page, with
# the seconds each took on a quiet machine, all alike on two cores: the longest begin first, and
# none is left running alone. What is not listed is short, and stays together by file.
SECONDS = {
    r"claims/test_10": 360,
    r"claims/test_11": 220,
    r"claims/test_04": 110,
    r"claims/test_05": 77,
    r"claims/test_(07|12)": 60,
    r"tests/hub": 200,
    r"browser/test_decks": 120,
    r"browser/test_editions": 40,
    r"tests/test_(editions|handouts|slides)": 60,
    r"tests/test_kubernetes": 25,
    r"browser/test_site": 75,
    r"browser/test_print": 20,
    r"browser/test_without_browser": 17,
    r"browser/test_copies": 15,
    r"(browser/test_notebooks|test_execution).*\[10": 210,
    r"(browser/test_notebooks|test_execution).*\[11": 105,
    r"(browser/test_notebooks|test_execution).*\[12": 65,
    r"(browser/test_notebooks|test_execution).*\[05": 105,
    r"(browser/test_notebooks|test_execution).*\[04": 95,
    r"(browser/test_notebooks|test_execution).*\[07": 110,
    r"(browser/test_notebooks|test_execution).*\[09": 70,
    r"(browser/test_notebooks|test_execution).*\[03": 60,
    r"(browser/test_notebooks|test_execution).*\[0[01]": 70,
    r"(browser/test_notebooks|test_execution).*\[0[268]": 75,
    r"notebooks/10": 70,
    r"notebooks/1[12]": 50,
    r"test_together": 50,
    r"test_language": 35,
    r"test_speedrun": 25,
    r"notebooks/07": 45,
    r"notebooks/05": 45,
    r"notebooks/04": 53,
    r"notebooks/03": 12,
    r"notebooks/09": 30,
    r"notebooks/0[68]": 20,
    r"notebooks/02": 13,
    r"notebooks/01": 11,
    r"test_explorers": 40,
    r"test_clinic": 25,
    r"tests/test_practice": 25,
    r"tests/test_(designs|scorecard)": 12,
    r"exercises/test_11": 60,
    r"exercises/test_(0[019]|10)": 40,
    r"exercises/test_0[23]": 25,
    r"exercises/test_0[4-8]": 35,
    r"properties/test_(models|drawing)": 35,
    r"properties/test_(training|gradients|course|files|landscape|language)": 60,
    r"test_site": 13,
    r"test_colab": 11,
    r"test_package": 10,
}
# What `make quick` leaves out, and why.
SLOW = {
    r"notebooks/(0[45679]|1[012])|test_execution": "notebooks 04 to 12, and all of them again",
    r"claims/test_(0[457]|1[012])": "the claims of trained nets",
    r"properties/|test_mutants_": "bad inputs by the hundred, and the mutants of the solutions",
    r"test_together": "a training in two processes",
    r"browser/": "the browser: notebooks in JupyterLab, decks and pages",
    r"tests/hub": "a room with its accounts",
}


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="leave out what takes minutes")


def pytest_configure(config):
    butterfly.fly()
    compile_once(config)
    # the same bad inputs in each run, and nothing written beside the tests
    hypothesis.settings.register_profile(
        "course", derandomize=True, database=None, deadline=None, max_examples=50
    )
    hypothesis.settings.load_profile("course")


def compile_once(config):
    """Where Python is told to keep no compiled modules, keep them for the tests, in pytest's cache.

    The tests start a hundred Pythons and more that import PyTorch: to compile it each time takes
    longer than most tests.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.rootpath / ".pytest_cache" / "compiled")


def share_of(nodeid):
    """The part of the suite that a test belongs to, which one process runs."""
    place = nodeid.replace("::", " ")
    return next((part for part in SECONDS if re.search(part, place)), nodeid.partition("::")[0])


class Shares(LoadScopeScheduling):
    """Hands whole parts of the suite to whichever process is free, in the order of collection."""

    def _split_scope(self, nodeid):
        return share_of(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return Shares(config, log)


def pytest_collection_modifyitems(config, items):
    if config.getoption("--quick"):
        places = {item: item.nodeid.replace("::", " ") for item in items}
        left = [i for i in items if any(re.search(slow, places[i]) for slow in SLOW)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]
    items.sort(key=lambda item: -SECONDS.get(share_of(item.nodeid), 0))  # stable: parts stay whole


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--quick"):
        terminalreporter.section("left out by `make quick`")
        for why in SLOW.values():
            terminalreporter.line(why)
        terminalreporter.line("`make test` runs them, too.")


@pytest.fixture(scope="session")
def course() -> dict:
    return course_map.load()


@pytest.fixture(scope="session")
def runs() -> dict:
    """Notebooks as JupyterLab ran them, by number: tests/test_execution.py compares with them."""
    return {}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)

"""A real browser: the machine's Chromium, driven by playwright; without one, what was left out."""

import os

import pytest
from browser.lab import Server
from browser.watch import Watch

from lecture_utils.authoring import printing

LEFT_OUT = "no Chromium or Chrome was found"
HOW = (
    "To get them, install Chromium (Debian, Ubuntu: `apt-get install chromium`; elsewhere Chromium "
    "or Google Chrome, so that the command is found) and run the tests again."
)


def _missing(reason: str) -> None:
    """Leave a check out, or fail where a browser is required, as in continuous integration."""
    if os.environ.get("BROWSER_REQUIRED"):
        pytest.fail(f"{reason}, and BROWSER_REQUIRED is set. {HOW}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def executable() -> str:
    """The path of the browser."""
    return printing.browser_path() or _missing(LEFT_OUT)


@pytest.fixture(scope="module")  # its event loop must not outlive the module: nbclient has its own
def chromium(executable):
    """A running browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=executable)
        yield running
        running.close()


@pytest.fixture(scope="module")
def watch(chromium):
    """Open pages that reach nothing but this machine, and whose troubles are written down."""
    return Watch(chromium)


@pytest.fixture(scope="session")
def server(executable, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("lab"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = [report.nodeid for report in skipped if LEFT_OUT in str(report.longrepr)]
    if not left_out:
        return
    names = [node.split("[")[0].replace("::", ": ") for node in left_out]
    terminalreporter.section(f"{len(left_out)} checks left out: {LEFT_OUT}")
    for name in dict.fromkeys(names):
        terminalreporter.line(f"{name} ({names.count(name)})")
    terminalreporter.line(HOW)

"""Each notebook runs without a network, in little memory, and gives the same bytes again."""

import json

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import notebooks

MEMORY = {"04": 700}  # MB resident, else 600: the course's promise to a reader with 1 GB
STARTUP = r"""
import atexit, re, socket

_connect = socket.socket.connect
def _loopback_only(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"the course must not need a network; a cell tried {address}")
    return _connect(self, address)
socket.socket.connect = _loopback_only

def _peak():  # not ru_maxrss: that counts the parent, too, if it was larger when it forked
    with open("/proc/self/status") as status, open(REPORT, "w") as report:
        report.write(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])
atexit.register(_peak)
"""


@pytest.fixture
def sealed(tmp_path, monkeypatch):
    """Kernels without a network, which write their peak memory to the returned file."""
    report = tmp_path / "peak"
    folder = tmp_path / "ipython" / "profile_default" / "startup"
    folder.mkdir(parents=True)
    (folder / "00-sealed.py").write_text(f"REPORT = {str(report)!r}\n{STARTUP}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return report


def without_pictures(text):
    """The notebook without its PNGs, which differ between machines."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/png", None)
    return notebook


@pytest.mark.parametrize("number", list(course_map.load()["notebooks"]))
def test_runs_sealed_and_the_same_again(number, sealed):
    path = notebooks.path_of(number)
    first = notebooks.text_of(notebooks.execute(path))
    peak = int(sealed.read_text()) / 1024
    assert peak < MEMORY.get(number, 600), f"{path.name} took {peak:.0f} MB"
    committed = path.read_text(encoding="utf-8")
    assert without_pictures(first) == without_pictures(committed), "run `make notebooks`"
    assert notebooks.text_of(notebooks.execute(path)) == first, "a second run differs"


def test_the_seal_holds(sealed, tmp_path):
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    cell = notebooks.nbformat.v4.new_code_cell(code)
    path = tmp_path / "probe.ipynb"
    notebooks.write(notebooks.nbformat.v4.new_notebook(cells=[cell]), path)
    with pytest.raises(Exception, match="must not need a network"):
        notebooks.execute(path)

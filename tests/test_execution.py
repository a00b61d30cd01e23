"""Each notebook runs with a learner's packages, offline, in little memory, and twice alike.

And it does so under other kernels than this machine's own.
"""

import json
import re
import subprocess
import sys

import pytest

from lecture_utils import ready
from lecture_utils.authoring import butterfly, chaos, costs, notebooks
from lecture_utils.authoring import course as course_map

MEMORY = {}  # MB resident, else 600: the course's promise to a reader with 1 GB
TORCH = 220  # MB resident once torch is imported, built for processors alone, as on Binder
# not hypothesis: torch itself looks whether it is there, as soon as an optimiser is made
AUTHORS = [name.replace("-", "_") for name in ready.pins(ready.AUTHORS) if name != "hypothesis"]
SEAL = (
    f"""
import socket, sys

class _LearnersOnly:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {AUTHORS} + ["_pytest", "xdist", "repo2docker"]:
            raise ModuleNotFoundError(f"a learner has no {{name}}", name=name)
sys.meta_path.insert(0, _LearnersOnly())
"""
    + """

_connect = socket.socket.connect
def _loopback_only(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"the course must not need a network; a cell tried {address}")
    return _connect(self, address)
socket.socket.connect = _loopback_only
"""
)
# The cells of a kernel in which an optimiser took a step, by their execution counts.
TRAINS = """
import json
from torch.optim.optimizer import register_optimizer_step_post_hook

_counts = set()
register_optimizer_step_post_hook(lambda *_: _counts.add(len(get_ipython().user_ns["In"]) - 1))
get_ipython().events.register(
    "post_run_cell", lambda *_: open({report!r}, "w").write(json.dumps(sorted(_counts))))
"""


@pytest.fixture
def sealed(tmp_path, monkeypatch):
    """Kernels without a network and without authors' packages, with other arithmetic.

    They write their peak memory to the first returned file, and to the second in which cells a
    net was trained.
    """
    trained = tmp_path / "trained"
    settings, peak = costs.watch(tmp_path, SEAL + TRAINS.format(report=str(trained)))
    for name, value in (settings | butterfly.SSE).items():
        monkeypatch.setenv(name, value)
    return peak, trained


@pytest.fixture(scope="session")
def more_for_cuda():
    """MB that torch takes here beyond TORCH, as its builds for graphics cards do."""
    code = "import torch; print(open('/proc/self/status').read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return max(0, int(re.search(r"VmHWM:\s+(\d+) kB", done.stdout)[1]) / 1024 - TORCH)


def comparable(text):
    """A notebook without what differs between machines: PNGs, and what trained nets print."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if set(chaos.TAGS) & set(cell["metadata"].get("tags", [])):
            cell["outputs"] = len(cell["outputs"])
        for output in cell.get("outputs", []) if isinstance(cell.get("outputs"), list) else []:
            output.get("data", {}).pop("image/png", None)
    return notebook


def differing(one, other):
    """The ids of the cells in which two notebooks differ; their outputs fill screens."""
    pairs = zip(*(json.loads(text)["cells"] for text in (one, other)), strict=True)
    return [a["id"] for a, b in pairs if a != b]


@pytest.mark.parametrize("number", list(course_map.load()["notebooks"]))
def test_runs_sealed_under_other_kernels_and_the_same_again(number, sealed, more_for_cuda, runs):
    path, (peak, trained) = notebooks.path_of(number), sealed
    first = notebooks.text_of(notebooks.execute(path))
    megabytes = int(peak.read_text()) / 1024
    allowed = MEMORY.get(number, 600) + more_for_cuda
    assert megabytes < allowed, f"{path.name} took {megabytes:.0f} MB"
    committed = path.read_text(encoding="utf-8")
    assert comparable(first) == comparable(committed), "run `make notebooks`"
    code = [cell for cell in notebooks.read(path).cells if cell.cell_type == "code"]
    ran = [code[count - 1] for count in json.loads(trained.read_text())]
    # a check may train what it is given; what it says stays under strict nbval
    assert {c.id for c in ran if not notebooks.is_exercise(c)} <= set(chaos.of_training(path))
    # the second run is JupyterLab's where its kernel's own surroundings change no digit: where a
    # deep net is trained they do, and there, or without a browser, it is one more
    kept = runs.pop(number, None)
    alike = kept is not None and not chaos.tagged(path)
    again = notebooks.text_of(notebooks.cleaned(kept) if alike else notebooks.execute(path))
    assert again == first, f"a second run differs in {differing(first, again)}"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
            "must not need a network",
        ),
        ("import pytest", "a learner has no pytest"),
        ("import transformers.models", "a learner has no transformers"),
    ],
)
def test_the_seal_holds(code, says, sealed, tmp_path):
    cell = notebooks.nbformat.v4.new_code_cell(code)
    path = tmp_path / "probe.ipynb"
    notebooks.write(notebooks.nbformat.v4.new_notebook(cells=[cell]), path)
    with pytest.raises(Exception, match=says):
        notebooks.execute(path)

"""One learner of many: opens notebooks, thinks, runs every cell, errs, solves, saves."""

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from nbformat import NotebookNode

from lecture_utils.authoring import notebooks
from lecture_utils.hub.client import Client, ClientError, Kernel

FOLDER = "my_notebooks"
_STUB = re.compile(r"ex-(\d+)-(\d+)-stub")
_VERDICTS = ("○ Not attempted", "✗ Not yet", "✓ Right")  # of the stub, a wrong answer, the solution
ANSWERS = len(_VERDICTS)
_WRONG = (("    ...", "    return 0.0"), ("= ...", "= 3"))  # what makes of a stub a wrong answer


@dataclass(frozen=True)
class Part:
    """What one learner is to do.

    Attributes:
        numbers: the notebooks, such as "01".
        cells: how many of the code cells of each, from the top; 0: all.
        think: seconds before each cell, on average.
        arrives: seconds until the learner comes.
        forgets: whether kernels of finished notebooks are left running.
        seed: of the thinking.
    """

    numbers: tuple[str, ...]
    cells: int
    think: float
    arrives: float
    forgets: bool
    seed: int


@dataclass
class Story:
    """What one learner has met.

    Attributes:
        name: the account.
        login: seconds to log in.
        start: seconds until the seat's server stood.
        cells: each cell that was run: its name, and the seconds from sending it to the end.
        solved: the cells of checks that said right.
        troubles: what went wrong, a line each; empty where the learner has finished.
        lost: notebooks that are not on the disk as they were last saved.
        ended: how many kernels were ended.
    """

    name: str
    login: float = 0.0
    start: float = 0.0
    cells: list[tuple[str, float]] = field(default_factory=list)
    solved: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    ended: int = 0


class Learner:
    """Someone at a seat, from logging in to the last save."""

    def __init__(self, base: str, name: str, password: str, part: Part):
        self.client, self.password, self.part = Client(base, name), password, part
        self.story, self.random = Story(name), random.Random(part.seed)
        self.saved: dict[str, dict] = {}  # what was last saved, by path
        self.number = ""  # the notebook that is open

    async def play(self) -> Story:
        """Do the part; what goes wrong is in the story."""
        await asyncio.sleep(self.part.arrives)
        try:
            await self._come_in()
            for number in self.part.numbers:
                await self._work_through(number)
        except ClientError as error:
            self.story.troubles.append(str(error))
        except Exception as error:  # whatever it is, the others play on
            self.story.troubles.append(f"{type(error).__name__}: {error}")
        await self._look_after()
        return self.story

    async def _come_in(self) -> None:
        begun = time.monotonic()
        await self.client.log_in(self.password)
        self.story.login = time.monotonic() - begun
        begun = time.monotonic()
        await self.client.start()
        self.story.start = time.monotonic() - begun

    async def _work_through(self, number: str) -> None:
        """Open a notebook, run it from top to bottom, save it, and close its kernel, or forget."""
        self.number, original = number, notebooks.path_of(number)
        exercises = {ex.number: ex for ex in notebooks.exercises(original)}
        path = f"{FOLDER}/{original.name}"
        notebook = (await self.client.api(f"contents/{path}"))["content"]
        left = self.part.cells or len(notebook["cells"])
        async with session(self.client, path, close=not self.part.forgets) as kernel:
            try:
                for place, cell in enumerate(notebook["cells"]):
                    if cell["cell_type"] == "markdown" and cell["source"].startswith("#"):
                        await self._save(path, notebook)  # at the end of a section
                    if cell["cell_type"] != "code" or left <= 0:
                        continue
                    left -= 1
                    if found := _STUB.fullmatch(cell["id"]):
                        check = notebook["cells"][place + 1]
                        exercise = exercises[".".join(found.groups())]
                        await self._solve(kernel, cell, check, exercise)
                    elif not cell["id"].endswith("-check"):
                        await self._run(kernel, cell)
            finally:
                self.story.ended += kernel.ended
            await self._save(path, notebook)

    async def _run(self, kernel: Kernel, cell: dict) -> None:
        """Think, run a cell, and put its outputs into the notebook."""
        await asyncio.sleep(self.part.think * self.random.uniform(0.2, 1.8))
        begun = time.monotonic()
        cell["outputs"], cell["execution_count"] = await kernel.run(cell["source"])
        self.story.cells.append((self._name(cell), time.monotonic() - begun))
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                said = f"{output['ename']}: {output['evalue']}"
                self.story.troubles.append(f"{self._name(cell)}: {said}")

    async def _solve(
        self, kernel: Kernel, stub: dict, check: dict, exercise: notebooks.Exercise
    ) -> None:
        """Leave the stub, answer wrongly, answer rightly; each time read the verdict."""
        answers = (exercise.stub, wrong(exercise.stub), exercise.solution)
        for answer, verdict in zip(answers, _VERDICTS, strict=True):
            stub["source"] = answer
            await self._run(kernel, stub)
            await self._run(kernel, check)
            said = "".join(str(out.get("data", {})) for out in check["outputs"])
            if verdict not in said:
                self.story.troubles.append(f"{self._name(check)}: not {verdict!r} but {said!r}")
            elif verdict == _VERDICTS[-1]:
                self.story.solved.append(check["id"])

    def _name(self, cell: dict) -> str:
        """Return how the notes name a cell, such as "1.3 a", else notebook and name."""
        label = notebooks.label(NotebookNode(source=cell["source"]))
        return label or f"{self.number} {cell['id']}"

    async def _save(self, path: str, notebook: dict) -> None:
        """Save what has changed, as JupyterLab does by itself."""
        if notebook == self.saved.get(path):
            return
        model = {"type": "notebook", "format": "json", "content": notebook}
        await self.client.api(f"contents/{path}", "PUT", model)
        self.saved[path] = json.loads(json.dumps(notebook))

    async def _look_after(self) -> None:
        """Compare the files with what was saved in them last."""
        for path, saved in self.saved.items():
            try:
                found = (await self.client.api(f"contents/{path}"))["content"]
                same = substance(found) == substance(saved)
            except ClientError as error:
                self.story.troubles.append(str(error))
                same = False
            if not same:
                self.story.lost.append(path)


@asynccontextmanager
async def session(client: Client, path: str, *, close: bool) -> AsyncIterator[Kernel]:
    """Start a kernel for a notebook; end it afterwards, if it is to be closed."""
    asked = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
    started = await client.api("sessions", "POST", asked)
    kernel = await client.connect(started["kernel"]["id"])
    try:
        yield kernel
    finally:
        kernel.close()
    if close:
        await client.api(f"sessions/{started['id']}", "DELETE")


def wrong(stub: str) -> str:
    """Return a wrong answer in place of a stub."""
    for dots, answer in _WRONG:
        if stub.rstrip().endswith(dots):
            return stub.rstrip().removesuffix(dots) + answer
    raise ValueError(f"this stub does not end with ...: {stub!r}")


def substance(notebook: dict) -> list:
    """Return what must not be lost of a notebook: its cells' texts and outputs."""
    return [
        (cell["id"], cell["source"], cell.get("outputs"), cell.get("execution_count"))
        for cell in notebook["cells"]
    ]

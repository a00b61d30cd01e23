"""One learner who runs away with memory, again and again, in three ways."""

import asyncio
from dataclasses import dataclass, field

from lecture_utils.hub.client import Client, ClientError
from lecture_utils.hub.learners import FOLDER, session

NOTEBOOK = f"{FOLDER}/00_start_here.ipynb"
WAYS = {
    "a list that grows": "hog = []\nwhile True:\n    hog.append(b'x' * 50_000_000)",
    "a tensor too large": "import torch\nhog = [torch.ones(10**9) for _ in range(100)]",
    "children that grow": (
        "import multiprocessing, time\n"
        "def grow():\n"
        "    hog = [b'x' * 50_000_000 for _ in range(12)]\n"
        "    time.sleep(20)\n"
        "children = [multiprocessing.get_context('fork').Process(target=grow) for _ in range(8)]\n"
        "for child in children: child.start()\n"
        "for child in children: child.join()\n"
        "print('children ended with', [child.exitcode for child in children])"
    ),
}


@dataclass
class Chase:
    """What a runaway has met: for each try the way, how it ended, and whether the seat goes on."""

    tries: list[tuple[str, str, bool]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


async def run_away(base: str, name: str, password: str, times: int, pause: float) -> Chase:
    """Log in and take all the memory there is, `times` times, one way after the other.

    Args:
        base: the hub's address.
        name: the account.
        password: its own.
        times: how often.
        pause: seconds before each time.
    """
    chase, client = Chase(), Client(base, name)
    try:
        await client.log_in(password)
        await client.start()
        for k in range(times):
            await asyncio.sleep(pause)
            way = list(WAYS)[k % len(WAYS)]
            ended = await _once(client, WAYS[way])
            async with session(client, NOTEBOOK, close=True) as kernel:
                outputs, _ = await kernel.run("print(6 * 7)")
            goes_on = any(out.get("text", "").endswith("42\n") for out in outputs)
            chase.tries.append((way, ended, goes_on))
    except Exception as error:  # whatever it is, the others play on
        chase.troubles.append(f"{type(error).__name__}: {error}")
    return chase


async def _once(client: Client, code: str) -> str:
    """Run away once; return how that ended."""
    async with session(client, NOTEBOOK, close=False) as kernel:
        try:
            outputs, _ = await kernel.run(code)
        except ClientError as error:
            return f"{error}, then told: {await _told(client)}"
    last = outputs[-1] if outputs else {}
    return last.get("ename") or last.get("text", "nothing").strip()


async def _told(client: Client) -> str:
    """Return what the kernel says that follows an ended one, in its first cell."""
    async with session(client, NOTEBOOK, close=False) as kernel:
        outputs, _ = await kernel.run("pass")
    said = "".join(out.get("text", "") for out in outputs)
    return said.partition(". ")[0].strip() or "nothing"

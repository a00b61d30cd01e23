"""The hub as a process: start it, wait for it, stop it and all seats."""

import contextlib
import os
import pwd
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from lecture_utils.hub import install
from lecture_utils.hub.room import Room, RoomError

PROTECTED = -500  # of -1000: where the machine's memory runs out, hub and proxy go last
WAIT = 90  # seconds for the hub to answer
GRACE = 15  # seconds for a process to end by itself


def pid_of(path: Path, word: str) -> int:
    """Return the process whose number a file holds, if its command has a word; else 0."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(path.read_text())
        if word in Path(f"/proc/{pid}/cmdline").read_text():
            return pid
    return 0


def hub(room: Room) -> int:
    """Return the hub's process, 0 if it does not run."""
    return pid_of(room.state / "hub.pid", str(room.state))


def proxy(room: Room) -> int:
    """Return the proxy's process, 0 if it does not run."""
    return pid_of(room.state / "proxy.pid", "configurable-http-proxy")


def start(room: Room) -> float:
    """Start the hub and wait until it answers; return the seconds that took.

    Raises:
        RoomError: it ended, or does not answer; where its log is.
    """
    begun = time.monotonic()
    _end(services(room))
    if not proxy(room):  # after a reboot the number is another process's
        (room.state / "proxy.pid").unlink(missing_ok=True)
    settings, log = install.hub_settings(room), room.state / "hub.log"
    kept = ("LANG", "LC_ALL")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env |= {"PATH": f"{room.python.parent}:{os.environ['PATH']}", "ROOM": str(room.folder)}
    command = [str(room.python), "-P", "-m", "jupyterhub", "--config", str(settings)]
    with log.open("ab") as stream:
        os.chmod(log, 0o600)
        process = subprocess.Popen(
            command,
            cwd=room.state,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    with contextlib.suppress(OSError):
        Path(f"/proc/{process.pid}/oom_score_adj").write_text(str(PROTECTED))
    while not answers(room):
        if process.poll() is not None or time.monotonic() - begun > WAIT:
            raise RoomError(f"the hub did not start; the end of {log} says why")
        time.sleep(0.2)
    return time.monotonic() - begun


def answers(room: Room) -> bool:
    """Tell whether the hub answers, through the proxy, as a browser would ask."""
    url = f"{'https' if room.key else 'http'}://127.0.0.1:{room.port}/hub/api/"
    context = ssl._create_unverified_context() if room.key else None
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=5) as reply:
            return b"version" in reply.read()
    except (OSError, urllib.error.URLError):
        return False


def stop(room: Room) -> None:
    """Stop the hub, the proxy and all seats' servers and kernels."""
    _end([pid for pid in (hub(room),) if pid])
    _end([pid for pid in (proxy(room),) if pid] + services(room) + seats(room))


def services(room: Room) -> list[int]:
    """Return the processes of the hub's services; they outlive a hub that was killed."""
    ours = f"JUPYTERHUB_API_URL=http://127.0.0.1:{room.port + 1}/hub/api".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "environ").read_bytes().split(b"\0")
            if ours in words and any(w.startswith(b"JUPYTERHUB_SERVICE_NAME=") for w in words):
                found.append(int(process.name))
    return found


def seats(room: Room) -> list[int]:
    """Return the processes of all the room's accounts."""
    homes = room.folder / "homes"
    ours = {entry.pw_uid for entry in pwd.getpwall() if Path(entry.pw_dir).parent == homes}
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if process.stat().st_uid in ours and _lives(int(process.name)):
                found.append(int(process.name))
    return found


def _end(pids: list[int]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        until = time.monotonic() + GRACE
        while (pids := [pid for pid in pids if _lives(pid)]) and time.monotonic() < until:
            time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

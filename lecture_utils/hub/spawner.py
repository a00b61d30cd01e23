"""How a seat's server starts: in its control group, under its limits, as its account."""

import os
import pwd
import resource
from collections.abc import Callable
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Instance

from lecture_utils.hub import groups
from lecture_utils.hub.room import Room

_MB = 1 << 20


class SeatSpawner(LocalProcessSpawner):
    """Starts a seat's server."""

    room = Instance(Room, help="the room's settings").tag(config=True)

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Return what the new process does before it becomes the seat."""
        become = super().make_preexec_fn(name)
        doors = groups.make(name, self.room.hard, self.room.tasks)
        data, largest = self.room.data * _MB, self.room.disk * _MB

        def enter() -> None:
            for door in doors:
                door.write_text("0")
            Path("/proc/self/oom_score_adj").write_text("0")  # the hub's own is lower
            resource.setrlimit(resource.RLIMIT_DATA, (data, data))
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            become()
            os.umask(0o077)

        return enter

    def get_env(self) -> dict[str, str]:
        """Return the variables of a seat's processes.

        What Jupyter and IPython write as they start, or as a notebook is opened, lies outside of
        the home: a home that is full must not keep its owner out.
        """
        name = self.user.name
        own = self.room.runtime(name)
        return super().get_env() | {
            "JUPYTER_RUNTIME_DIR": str(own),
            "JUPYTER_CONFIG_DIR": str(own / "config"),
            "JUPYTER_DATA_DIR": str(own / "data"),
            "IPYTHONDIR": str(own / "ipython"),
            "SHELL": "/bin/sh",  # for `!` in a cell: the account's own lets nobody in
            "SHORTCUT_COPIES": str(self.room.home(name) / "my_notebooks"),
        }

    def load_state(self, state: dict) -> None:
        """Take up a server that outlived the hub; after a reboot its number is another's."""
        super().load_state(state)
        if self.pid and not self._is_ours(self.pid):
            self.pid = 0

    def _is_ours(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam(self.user.name).pw_uid
        except (OSError, KeyError):
            return False

"""What the hub is told: JupyterHub's settings, from the room's."""

import asyncio
import hmac
import os
import sys
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Instance
from traitlets.config import Config

from lecture_utils.hub import accounts
from lecture_utils.hub.room import Room, read
from lecture_utils.hub.spawner import SeatSpawner

PAUSE = 1.0  # seconds after a wrong password; others who log in meanwhile do not wait
FIRST_PAGE = "/lab/tree/my_notebooks/00_start_here.ipynb"


class SeatAuthenticator(Authenticator):
    """Knows the passwords on the cards.

    The accounts themselves have none, so that nobody logs in to the machine with a card.
    """

    room = Instance(Room, help="the room's settings").tag(config=True)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """Return the account's name if the password is its own."""
        name, given = data["username"], data["password"].strip().lower()
        expected = accounts.passwords(self.room).get(name, "")
        if expected and hmac.compare_digest(given.encode(), expected.encode()):
            return name
        await asyncio.sleep(PAUSE)
        return None


def configure(c: Config, room: Room) -> None:
    """Fill in JupyterHub's settings."""
    _the_hub(c, room)
    _who_comes_in(c, room)
    _the_seats(c, room)
    _services(c, room)


def _the_hub(c: Config, room: Room) -> None:
    c.JupyterHub.bind_url = f"{'https' if room.key else 'http'}://:{room.port}"
    c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = room.certificate, room.key
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{room.port + 1}"
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{room.port + 2}"
    proxy = room.folder / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy"
    c.ConfigurableHTTPProxy.command = [str(proxy)]
    c.ConfigurableHTTPProxy.pid_file = str(room.state / "proxy.pid")
    c.JupyterHub.pid_file = str(room.state / "hub.pid")
    c.JupyterHub.db_url = f"sqlite:///{room.state / 'hub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(room.state / "cookie_secret")
    # while the hub is away, seats and the way to them stay
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.cleanup_proxy = False


def _who_comes_in(c: Config, room: Room) -> None:
    c.JupyterHub.authenticator_class = SeatAuthenticator
    c.SeatAuthenticator.room = room
    c.Authenticator.allowed_users = set(room.accounts)
    c.Authenticator.admin_users = {room.teacher}


def _the_seats(c: Config, room: Room) -> None:
    c.JupyterHub.spawner_class = SeatSpawner
    c.SeatSpawner.room = room
    c.Spawner.cmd = [str(room.python), "-P", "-m", "lecture_utils.hub.seat"]
    idle = room.idle_kernel * 60
    c.Spawner.args = [f"--MappingKernelManager.cull_idle_timeout={idle}"]
    c.Spawner.default_url = FIRST_PAGE
    c.Spawner.env_keep = ["LANG", "LC_ALL"]
    c.Spawner.environment = {
        "PATH": f"{room.python.parent}:/usr/local/bin:/usr/bin:/bin",
        "OMP_NUM_THREADS": "1",
    }
    # thirty who come at once take turns on two cores for a minute or two
    c.JupyterHub.concurrent_spawn_limit = len(room.accounts)
    c.Spawner.start_timeout = c.Spawner.http_timeout = 300


def _services(c: Config, room: Room) -> None:
    culler = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={room.idle_server * 60}"]
    counter = [sys.executable, "-P", "-m", "lecture_utils.hub.solved_page", str(room.folder)]
    solved = {
        "name": "solved",
        "command": counter,
        "url": f"http://127.0.0.1:{room.port + 3}",
        "oauth_no_confirm": True,
        "display": True,
    }
    c.JupyterHub.services = [{"name": "idle", "command": culler}, solved]
    c.JupyterHub.load_roles = [
        {
            "name": "idle",
            "services": ["idle"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        }
    ]


def load(c: Config) -> None:
    """Fill in JupyterHub's settings for the room that the variable ROOM names."""
    configure(c, read(Path(os.environ["ROOM"])))

"""The instructor's page of solved exercises: a service that the hub starts, and guards.

    python -m lecture_utils.hub.solved_page FOLDER

Who may see it is the hub's to say: accounts with the scope `access:services`, as admins have it.
"""

import os
import sys
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import Application, RequestHandler, authenticated

from lecture_utils import solved
from lecture_utils.hub import room as rooms
from lecture_utils.hub import solved_count


class SolvedPage(HubOAuthenticated, RequestHandler):
    """Shows how many seats have solved each exercise."""

    def initialize(self, room: rooms.Room, known: dict[str, str]) -> None:
        """Take the room, and the course's exercises as `solved.exercises` returns them."""
        self.room, self.known = room, known

    @authenticated
    def get(self) -> None:
        """Count anew and answer with the page."""
        counts = solved_count.count(map(self.room.home, self.room.names), self.known)
        self.set_header("Cache-Control", "no-store")
        self.finish(solved_count.page(counts, self.room.seats))


def main() -> None:
    """Serve until the hub ends this."""
    room = rooms.read(Path(sys.argv[1]))
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    settings = {"room": room, "known": solved.exercises()}
    app = Application(
        [(prefix, SolvedPage, settings), (f"{prefix}oauth_callback", HubOAuthCallbackHandler)],
        cookie_secret=os.urandom(32),
    )
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    HTTPServer(app).listen(address.port, address.hostname)
    PeriodicCallback(partial(_end_without, os.getppid()), 1000).start()
    IOLoop.current().start()


def _end_without(hub: int) -> None:
    """End where the hub was ended: it starts a new one, which needs this one's port."""
    if os.getppid() != hub:
        IOLoop.current().stop()


if __name__ == "__main__":
    main()

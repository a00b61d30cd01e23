"""Who comes in to a hub: those who type the name and the password of a card, and nobody else.

JupyterHub runs this with its other settings, and `c` is their collection. The passwords are made by
`python -m lecture_utils.hub.elsewhere`.
"""

import asyncio
import hmac
import json
from pathlib import Path

from jupyterhub.auth import Authenticator

PASSWORDS = json.loads(Path("/usr/local/etc/jupyterhub/passwords.json").read_text("utf-8"))


class Cards(Authenticator):
    """Knows the passwords on the cards."""

    async def authenticate(self, handler: object, data: dict[str, str]) -> str | None:
        """Return the name if the password is its own; a wrong one costs a second."""
        given, expected = data["password"].strip().lower(), PASSWORDS.get(data["username"], "")
        if expected and hmac.compare_digest(given.encode(), expected.encode()):
            return data["username"]
        await asyncio.sleep(1)
        return None


c.JupyterHub.authenticator_class = Cards  # noqa: F821
c.Authenticator.allowed_users = set(PASSWORDS)  # noqa: F821
c.Authenticator.admin_users = {"teacher"}  # noqa: F821

"""What a browser does for a learner, without the browser: logs in, opens, saves, runs cells."""

import asyncio
import email.message
import json
import time
import urllib.request
import uuid
from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from nbformat.v4 import output_from_msg
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

PATIENCE = 300  # seconds that a server may take to start, or a cell to end
_OUTPUTS = ("stream", "display_data", "execute_result", "error")
_MOVED = (301, 302, 303, 307, 308)


class ClientError(Exception):
    """What kept a learner from going on, in one line."""


class Client:
    """One learner's browser: its cookies, and what it asks of the hub and of the seat's server.

    Attributes:
        base: the hub's address, such as "http://127.0.0.1:8000".
        name: the account.
    """

    def __init__(self, base: str, name: str):
        self.base, self.name = base.rstrip("/"), name
        self.cookies = CookieJar()
        self.http = AsyncHTTPClient()

    def address(self, path: str) -> str:
        """Return the address of something on the seat's server, such as "api/sessions"."""
        return f"{self.base}/user/{self.name}/{quote(path)}"

    async def ask(self, url: str, method: str = "GET", **more: Any) -> HTTPResponse:
        """Ask once, with the cookies that belong there; keep those that come back."""
        headers = {"Cookie": self._cookies_for(url), "X-XSRFToken": self._token_for(url)}
        if isinstance(more.get("body"), str) and method != "GET":
            headers["Content-Type"] = more.pop("kind", "application/json")
        request = HTTPRequest(
            url, method, {k: v for k, v in headers.items() if v}, follow_redirects=False,
            request_timeout=PATIENCE, connect_timeout=60, **more,
        )  # fmt: skip
        answer = await self.http.fetch(request, raise_error=False)
        if answer.code == 599:  # tornado's number for no answer at all
            raise ClientError(f"no answer from {url}: {answer.error}")
        said = email.message.Message()
        for key, value in answer.headers.get_all():
            said[key] = value
        self.cookies.extract_cookies(
            SimpleNamespace(info=lambda: said), urllib.request.Request(url)
        )
        return answer

    async def visit(self, url: str, method: str = "GET", **more: Any) -> HTTPResponse:
        """Ask, and go on to wherever the answer sends a browser."""
        answer = await self.ask(url, method, **more)
        for _ in range(20):
            if answer.code not in _MOVED:
                return answer
            url = urljoin(url, answer.headers["Location"])
            answer = await self.ask(url)
        raise ClientError(f"{url} sends a browser round in circles")

    async def log_in(self, password: str) -> None:
        """Fill in the form of the hub's first page.

        Raises:
            ClientError: the hub does not let this account in.
        """
        page = f"{self.base}/hub/login"
        await self.visit(page)
        form = {"username": self.name, "password": password, "_xsrf": self._token_for(page)}
        answer = await self.ask(
            page, "POST", body=urlencode(form), kind="application/x-www-form-urlencoded"
        )
        if answer.code not in _MOVED:
            raise ClientError(f"{self.name} cannot log in: the hub answers {answer.code}")

    async def start(self) -> None:
        """Ask for the seat's server, and wait until it answers this account.

        Raises:
            ClientError: it does not start.
        """
        await self.visit(f"{self.base}/hub/spawn/{self.name}")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = await self.visit(self.address("lab"))
            here = urlsplit(answer.effective_url).path
            if answer.code == 200 and here.startswith(f"/user/{self.name}/"):
                return
            await asyncio.sleep(1)
        raise ClientError(f"{self.name}'s server did not start in {PATIENCE} s")

    async def api(self, path: str, method: str = "GET", value: Any = None) -> Any:
        """Ask the seat's server through its interface; return what it says.

        Raises:
            ClientError: it refuses.
        """
        body = {} if value is None else {"body": json.dumps(value)}
        answer = await self.ask(self.address(f"api/{path}"), method, **body)
        if answer.code >= 400:
            said = answer.body[:200].decode(errors="replace")
            raise ClientError(f"{method} {path}: the server answers {answer.code}, {said}")
        return json.loads(answer.body) if answer.body else None

    def _cookies_for(self, url: str) -> str:
        request = urllib.request.Request(url)
        self.cookies.add_cookie_header(request)
        return request.get_header("Cookie", "")

    def _token_for(self, url: str) -> str:
        """Return the token against forged requests that belongs to an address."""
        path = urlsplit(url).path
        found = [c for c in self.cookies if c.name == "_xsrf" and path.startswith(c.path)]
        return max(found, key=lambda cookie: len(cookie.path)).value if found else ""

    async def connect(self, kernel: str) -> "Kernel":
        """Open the line to a kernel."""
        url = self.address(f"api/kernels/{kernel}/channels")
        session = uuid.uuid4().hex
        token = self._token_for(url)
        line = f"ws{url.removeprefix('http')}?{urlencode({'session_id': session, '_xsrf': token})}"
        request = HTTPRequest(line, headers={"Cookie": self._cookies_for(url)}, connect_timeout=60)
        return Kernel(await websocket_connect(request, max_message_size=1 << 26), session)


class Kernel:
    """The line to one kernel.

    Attributes:
        ended: how often the kernel was ended and came back, or not.
    """

    def __init__(self, line: WebSocketClientConnection, session: str):
        self.line, self.session, self.ended = line, session, 0

    async def run(self, code: str, patience: float = PATIENCE) -> tuple[list[dict], int | None]:
        """Run code; return its outputs, as a notebook holds them, and its number.

        Raises:
            ClientError: the kernel is ended, the line is cut, or nothing comes for too long.
        """
        sent = self._message(code)
        await self.line.write_message(json.dumps(sent))
        outputs: list[dict] = []
        number, idle = None, False
        while number is None or not idle:
            message = await self._next(patience)
            content = message["content"]
            if content.get("execution_state") in ("restarting", "dead"):
                self.ended += 1
                raise ClientError("the kernel was ended")
            if message["parent_header"].get("msg_id") != sent["header"]["msg_id"]:
                continue
            if message["msg_type"] == "execute_reply":
                number = content.get("execution_count", 0)
            elif message["msg_type"] in _OUTPUTS:
                _append(outputs, output_from_msg(message))
            idle = idle or content.get("execution_state") == "idle"
        return outputs, number

    async def _next(self, patience: float) -> dict:
        said: str | bytes | None = b""
        while isinstance(said, bytes):  # only widgets talk in bytes
            try:
                said = await asyncio.wait_for(self.line.read_message(), patience)
            except TimeoutError:
                raise ClientError(f"nothing came from the kernel for {patience:.0f} s") from None
        if said is None:
            raise ClientError("the line to the kernel was cut")
        return json.loads(said)

    def _message(self, code: str) -> dict:
        header = {
            "msg_id": uuid.uuid4().hex, "session": self.session, "username": "", "date": "",
            "msg_type": "execute_request", "version": "5.3",
        }  # fmt: skip
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True,
        }  # fmt: skip
        return {
            "header": header, "parent_header": {}, "metadata": {}, "content": content,
            "channel": "shell", "buffers": [],
        }  # fmt: skip

    def close(self) -> None:
        """Hang up; the kernel goes on."""
        self.line.close()


def _append(outputs: list[dict], output: dict) -> None:
    """Append an output; what is printed in pieces is one text."""
    last = outputs[-1] if outputs else {}
    if output["output_type"] == "stream" and last.get("name") == output["name"]:
        last["text"] += output["text"]
    else:
        outputs.append(output)

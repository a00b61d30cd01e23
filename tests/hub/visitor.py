"""A visitor of a room: what a browser does, without a browser."""

import http.client
import json
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import requests
from websocket import ABNF, create_connection


class Visitor:
    """One person at one computer, who has logged in or not."""

    def __init__(self, url: str, name: str):
        self.url, self.name = url, name
        self.web = requests.Session()
        self.web.trust_env = False  # no proxy of the machine's

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request as the pages' own scripts do."""
        tokens = {c.path: c.value for c in self.web.cookies if c.name == "_xsrf"}
        fits = [p for p in tokens if path.startswith(p)]
        headers = {"X-XSRFToken": tokens[max(fits, key=len)]} if fits else {}
        headers["Referer"] = self.url + "/hub/home"
        return self.web.request(method, self.url + path, headers=headers, timeout=120, **options)

    def ask_as_it_stands(self, path: str) -> tuple[int, str]:
        """Send a path that a browser, and requests, would tidy up first; status and reply."""
        place = urlsplit(self.url)
        line = http.client.HTTPConnection(place.hostname, place.port, timeout=120)
        cookies = [f"{c.name}={c.value}" for c in self.web.cookies if path.startswith(c.path)]
        line.request("GET", path, headers={"Cookie": "; ".join(cookies), "Referer": self.url})
        reply = line.getresponse()
        text = reply.read().decode()
        line.close()
        return reply.status, text

    def log_in(self, password: str) -> requests.Response:
        """Fill in the form."""
        self.ask("GET", "/hub/login")
        token = next(c.value for c in self.web.cookies if c.name == "_xsrf")
        form = {"username": self.name, "password": password, "_xsrf": token}
        return self.web.post(self.url + "/hub/login", data=form, timeout=120)

    def open(self, seconds: float = 180) -> None:
        """Start the seat's server, unless it runs, and enter it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            reply = self.ask("GET", f"/user/{self.name}/lab")
            place = urlsplit(reply.url).path
            if reply.ok and place.startswith(f"/user/{self.name}/"):
                return
            if not place.startswith("/hub/spawn-pending/"):  # it was not asked for, or was stopped
                self.ask("GET", "/hub/spawn")
            time.sleep(0.3)
        raise TimeoutError(f"{self.name}'s server did not start: {reply.status_code} {reply.url}")

    def api(self, method: str, path: str, whose: str = "", **options: Any) -> requests.Response:
        """Ask a seat's server, the own one if no other is named."""
        return self.ask(method, f"/user/{whose or self.name}/api/{path}", **options)

    def read(self, path: str) -> Any:
        """Return what a file of the home holds."""
        reply = self.api("GET", f"contents/{path}?content=1")
        reply.raise_for_status()
        return reply.json()["content"]

    def save(self, path: str, text: str) -> requests.Response:
        """Save a text file."""
        return self.api(
            "PUT",
            f"contents/{path}",
            json={"type": "file", "format": "text", "content": text},
        )

    def kernel(self) -> "Kernel":
        """Start a kernel."""
        reply = self.api("POST", "kernels", json={"name": "python3"})
        reply.raise_for_status()
        return Kernel(self, reply.json()["id"])


class Kernel:
    """One kernel of a seat, and the line to it."""

    def __init__(self, visitor: Visitor, key: str):
        self.visitor, self.key = visitor, key
        self.connect()

    def connect(self) -> None:
        """Open the line, as a page does when it has lost it."""
        v = self.visitor
        place = f"{v.url}/user/{v.name}/api/kernels/{self.key}/channels"
        cookies = "; ".join(f"{c.name}={c.value}" for c in v.web.cookies if c.path in place)
        self.line = create_connection(
            place.replace("http", "ws", 1), cookie=cookies, timeout=120, http_no_proxy=["*"]
        )

    def run(self, code: str, seconds: float = 120) -> str:
        """Run a cell; return all that it printed, or "died" if its kernel did."""
        key, printed = uuid.uuid4().hex, []
        header = {"msg_id": key, "msg_type": "execute_request", "version": "5.3"}
        header |= {"session": key, "username": "", "date": "2026-01-01T00:00:00Z"}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self.line.send(json.dumps(message | {"channel": "shell", "buffers": []}))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            kind_of_frame, frame = self.line.recv_data_frame(control_frame=True)
            if kind_of_frame != ABNF.OPCODE_TEXT:  # the server asks whether the page still listens
                continue
            told = json.loads(frame.data)
            kind, said = told["header"]["msg_type"], told["content"]
            if said.get("execution_state") in ("restarting", "dead"):
                time.sleep(1)
                self.line.close()
                self.connect()  # as JupyterLab does: the kernel may answer elsewhere now
                return "died"
            if told["parent_header"].get("msg_id") != key:
                continue
            if kind == "stream":
                printed.append(said["text"])
            elif kind == "error":
                printed.append(f"{said['ename']}: {said['evalue']}")
            elif kind == "status" and said["execution_state"] == "idle":
                return "".join(printed)
        raise TimeoutError(f"no end of {code!r} in {seconds} s")

"""JupyterLab: one server for all tests, and a notebook opened in it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat

from lecture_utils.authoring import butterfly, notebooks

OPEN = """async () => {
    const app = window.jupyterapp;
    await app.restored;
    const panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    panel.content.notebookConfig = {...panel.content.notebookConfig, windowingMode: "none"};
    app.shell.collapseLeft();
}"""
DONE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const waits = cell => cell.type === "code" && cell.sharedModel.source.trim()
        && (cell.executionCount === null || cell.executionState === "running");
    return ![...panel.content.model.cells].some(waits)
        && panel.sessionContext.session.kernel.status === "idle";
}"""
IDLE = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
SAVED = "() => JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())"
INDEX = """id => [...window.jupyterapp.shell.currentWidget.content.model.cells]
    .findIndex(cell => cell.id === id)"""


class Server:
    """A JupyterLab of its own, on a copy of the notebooks; nothing of the reader's is touched.

    Its kernels compute as those of tests/test_execution.py, which compares with what they made.
    """

    def __init__(self, folder: Path):
        self.course = folder / "course"
        shutil.copytree(notebooks.FOLDER, self.course / "notebooks")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
        env = os.environ | {name: str(folder / name.lower()) for name in own}
        env |= {"PYTHONPATH": str(notebooks.ROOT)} | butterfly.SSE
        settings = {
            "ip": "127.0.0.1",
            "port": self.url.rsplit(":")[-1],
            "IdentityProvider.token": "",
            "ServerApp.disable_check_xsrf": "True",
            "ServerApp.root_dir": str(self.course),
            "LabApp.expose_app_in_browser": "True",
            "LabApp.extension_manager": "readonly",
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += [f"--{name}={value}" for name, value in settings.items()]
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            command, env=env, stdout=self.log, stderr=subprocess.STDOUT, cwd=folder
        )

    def ask(self, path: str, method: str = "GET") -> list | dict | None:
        """Ask the server's own interface."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or "null")

    def wait(self, seconds: float = 60) -> None:
        """Wait until the server answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.ask("status")
            except OSError:
                time.sleep(0.2)
            else:
                return
        self.log.seek(0)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read()[-2000:]}")

    def shut_kernels_down(self) -> None:
        """End every session and its kernel."""
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", method="DELETE")

    def stop(self) -> None:
        """End the server, and with it whatever still runs."""
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


class Notebook:
    """A notebook in JupyterLab, all cells run."""

    def __init__(self, watched: object):
        self.page, self.troubles = watched.page, watched.troubles
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.page.evaluate(OPEN)
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(DONE, timeout=180_000)

    def saved(self) -> nbformat.NotebookNode:
        """The notebook as JupyterLab would save it now."""
        return nbformat.reads(self.page.evaluate(SAVED), as_version=4)

    def cell(self, name: str) -> object:
        """Find a cell by its id."""
        place = self.page.evaluate(INDEX, name)
        assert place >= 0, f"no cell {name}"
        return self.page.locator(".jp-Notebook .jp-Cell").nth(place)

    def settle(self) -> None:
        """Wait until the kernel has nothing more to do."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_function(IDLE, timeout=60_000)
        self.page.wait_for_timeout(100)

    def write(self, name: str, code: str) -> None:
        """Type into a cell, as a reader would, and run it."""
        self.cell(name).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(code)
        self.page.keyboard.press("Shift+Enter")
        self.settle()

    def run(self, name: str) -> str:
        """Run a cell; return what it says."""
        self.cell(name).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        self.settle()
        return self.cell(name).locator(".jp-OutputArea-output").last.inner_text()

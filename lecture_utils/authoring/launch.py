"""Launching in a browser: the links to Binder, Colab and Codespaces, and what each needs."""

import tomllib
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import nbformat
from nbformat import NotebookNode

from lecture_utils import copies
from lecture_utils.authoring import notebooks

ENVIRONMENT = notebooks.ROOT / "environment.yml"
COPY = notebooks.ROOT / "binder" / "environment.yml"  # a real copy: Windows breaks links
LEARNERS = "learners"  # the branch that holds the learner's copies and the package, for other hubs
COLAB = "colab"  # the id of the cell that installs the package on Colab
_COLAB = """\
# @title Just run this: on Colab, install the package of the course
import subprocess
import sys
if "google.colab" in sys.modules:  # nothing to do on Binder or on your own machine
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                    "git+https://github.com/{repository}@{tag}"], check=True)"""


def tag() -> str:
    """Return the git tag of this version of the course, `v` and the version of pyproject.toml."""
    project = tomllib.loads((notebooks.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return f"v{project['version']}"


def links(course: dict, page: str) -> dict[str, str]:
    """Return where a notebook can be launched or read; nothing while no repository is named.

    Binder opens the learner's copy, which it has made. Colab gets the notebook as it was at the
    tag, because it installs the package of that tag.
    """
    if not (repository := course["repository"]):
        return {}
    copy = page.replace("notebooks/", f"{copies.FOLDER.name}/")
    return {
        "Binder": f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/{copy}",
        "Colab": f"https://colab.research.google.com/github/{repository}/blob/{tag()}/{page}",
        "Codespaces": f"https://codespaces.new/{repository}",
        "source": f"https://github.com/{repository}/blob/HEAD/{page}",
    }


def badges(course: dict, page: str) -> str:
    """Write the launch links of a page; nothing while course.yml names no repository."""
    words = {"Binder": "launch on Binder", "Colab": "open in Colab"}
    words |= {"Codespaces": "open in Codespaces", "source": "source"}
    return "".join(f" · [{words[to]}]({url})" for to, url in links(course, page).items())


def paragraph(course: dict) -> str:
    """Write the README's paragraph about launching in a browser."""
    to = links(course, f"notebooks/{course['notebooks']['00']['file']}")
    if not to:
        return (
            "Launch links and badges appear here, and in every notebook, once `repository:` in "
            "[course.yml](course.yml) names the repository (`owner/name`) and `make generate` has "
            "run."
        )
    return (
        "**In a browser, without installing anything:**\n\n"
        f"- [launch on Binder]({to['Binder']}): no account; 1 GB of memory, so one notebook at a "
        "time; the first launch takes some minutes, and after ten idle ones it is gone\n"
        f"- [open in Colab]({to['Colab']}): with a Google account; run each notebook's first code "
        "cell, which installs the course's package there\n"
        f"- [open in Codespaces]({to['Codespaces']}): with a GitHub account; notebook 00 opens in "
        "the editor once the environment is made; choose `.venv` as its kernel"
    )


def nbgitpuller(course: dict, hub: str, page: str) -> str:
    """Return the link by which an existing hub fetches the learner's copies and opens one.

    It pulls the branch `learners`: notebooks/ on the main branch shows outputs and answers.

    Args:
        course: the course map.
        hub: the hub's address, such as https://hub.example.org.
        page: the notebook, such as notebooks/00_start_here.ipynb.

    Raises:
        ValueError: course.yml names no repository, or this is no hub's address.
    """
    if not (repository := course["repository"]):
        raise ValueError("course.yml names no repository to pull from: fill in `repository:`")
    if urlsplit(hub).scheme not in ("http", "https") or not urlsplit(hub).netloc:
        raise ValueError(
            f"a hub's address is expected, such as https://hub.example.org; got {hub!r}"
        )
    folder = repository.rpartition("/")[2]
    asked = {
        "repo": f"https://github.com/{repository}",
        "branch": LEARNERS,
        "urlpath": f"lab/tree/{folder}/{Path(page).name}",
    }
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{urlencode(asked)}"


def puller(course: dict) -> str:
    """Write the paragraph with the link for an existing hub."""
    page = f"notebooks/{course['notebooks']['00']['file']}"
    if not course["repository"]:
        return (
            "The link appears here once `repository:` in [course.yml](../course.yml) names the "
            "repository (`owner/name`) and `make generate` has run."
        )
    return (
        "The link, with your hub's address in the place of `https://hub.example.org`:\n\n"
        f"    {nbgitpuller(course, 'https://hub.example.org', page)}"
    )


def environment() -> dict[Path, bytes]:
    """Return what binder/environment.yml must hold: the root's list, byte for byte."""
    return {COPY: ENVIRONMENT.read_bytes()}


def fit_colab(notebook: NotebookNode, course: dict) -> None:
    """Put the cell for Colab before the set-up cell, or take it away where no repository is named.

    The cell shows nothing elsewhere, so it counts as executed: the numbers of all code cells move
    by one, as executing the notebook again would number them.
    """
    cells = [cell for cell in notebook.cells if cell.id != COLAB]
    had, wants = len(cells) < len(notebook.cells), bool(course["repository"])
    if wants:
        code = _COLAB.format(repository=course["repository"], tag=tag())
        folded = {"jupyter": {"source_hidden": True}, "cellView": "form"}
        cell = nbformat.v4.new_code_cell(code, id=COLAB, execution_count=1, metadata=folded)
        place = next(k for k, other in enumerate(cells) if other.cell_type == "code")
        cells.insert(place, cell)
    for cell in cells:
        if cell.cell_type == "code" and cell.id != COLAB:
            _renumber(cell, wants - had)
    notebook.cells = cells


def _renumber(cell: NotebookNode, by: int) -> None:
    for part in (cell, *cell.outputs):
        if part.get("execution_count"):
            part.execution_count += by

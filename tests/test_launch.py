"""Launching in a browser: the recipe for Binder, the list of dependencies, the container."""

import io
import json
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import tomllib
import types
import urllib.error
import urllib.request

import pytest
import yaml
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks import CondaBuildPack

from lecture_utils import copies, ready
from lecture_utils.authoring import __main__ as commands
from lecture_utils.authoring import decks, generated, launch, notebooks

ROOT = notebooks.ROOT
NAMED = "someone/shortcuts"
REPOSITORY = ("binder", "course.yml", "environment.yml", "lecture_utils", "notebooks", "slides")


@pytest.fixture(scope="module")
def named(course):
    return dict(course, repository=NAMED)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout as Binder sees it, as the current folder."""
    for name in (*REPOSITORY, "pyproject.toml"):
        if (ROOT / name).is_dir():
            left_out = shutil.ignore_patterns(
                "__pycache__", "built", ".ipynb_checkpoints", "kernel-ipc-*"
            )
            shutil.copytree(ROOT / name, tmp_path / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Binder


def recipe():
    """What repo2docker sends to Docker for the current folder: Dockerfile and files by name."""
    app = Repo2Docker()
    packs = (kind(app.base_image) for kind in app.buildpacks)
    pack = next(pack for pack in packs if pack.detect())  # it takes the first, too
    pack.platform = "linux/amd64"
    sent = []
    docker = types.SimpleNamespace(build=lambda fileobj, **_: sent.append(fileobj.read()) or [])
    list(pack.build(docker, "course", 0, {}, [], {}))
    with tarfile.open(fileobj=io.BytesIO(sent[0])) as context:
        files = {member.name: member for member in context.getmembers()}
        text = context.extractfile("Dockerfile").read().decode()
        listed = context.extractfile("src/binder/environment.yml").read()
    return pack, text, files, listed


def test_binder_makes_the_environment_builds_the_decks_and_starts(checkout):
    pack, dockerfile, files, listed = recipe()
    assert isinstance(pack, CondaBuildPack)
    assert pack.python_version == python_of_the_list()
    steps = [
        "COPY --chown=1000:1000 src/binder/environment.yml ${REPO_DIR}/binder/environment.yml",
        'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"',
        "COPY --chown=1000:1000 src/ ${REPO_DIR}/",  # after it: a new sentence keeps the layer
        "RUN ./binder/postBuild",
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
    ]
    places = [dockerfile.find(step) for step in steps]
    assert -1 not in places, steps[places.index(-1)]
    assert places == sorted(places)
    assert listed == launch.ENVIRONMENT.read_bytes()
    assert files["src/binder/environment.yml"].isreg()  # a link would dangle in that layer
    for page in ("notebooks/00_start_here.ipynb", "lecture_utils/ready.py", "pyproject.toml"):
        assert f"src/{page}" in files


def run(command, **settings):
    done = subprocess.run(command, capture_output=True, text=True, env=settings, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shims(folder):
    """A folder with a shell, the core tools, and a Python that only notes what it was asked."""
    folder.mkdir()
    for tool in ("bash", "mkdir"):
        (folder / tool).symlink_to(shutil.which(tool))
    (folder / "python").write_text(f'#!{shutil.which("bash")}\necho "python $*" >> "$NOTES"\n')
    (folder / "python").chmod(0o755)
    return folder


def test_post_build_installs_the_package_alone_and_builds_decks_and_pages(checkout):
    notes = checkout / "notes"
    tools = shims(checkout / "tools")
    prefix = checkout / "prefix"
    run(["binder/postBuild"], PATH=str(tools), NOTES=str(notes), NB_PYTHON_PREFIX=str(prefix))
    install, copied, *built = notes.read_text().splitlines()
    assert install == "python -m pip install --no-deps --no-cache-dir --editable ."
    assert copied == "python -m lecture_utils.copies"
    assert built == [f"python -m lecture_utils.authoring {part}" for part in ("decks", "site")]
    assert callable(commands.decks)
    assert callable(commands.site)
    (settings,) = prefix.glob("share/jupyter/lab/settings/overrides.json")
    assert str(json.loads(settings.read_text())) in str(yaml.safe_load(quiet_news()))


def quiet_news():
    """The settings that `make env` writes, so that Lab asks nothing on its first page."""
    return re.search(r"echo '(\{.*\})'", (ROOT / "Makefile").read_text())[1]


def test_start_caps_the_threads_and_runs_what_it_is_given():
    printed = run([ROOT / "binder" / "start", "env"], PATH="/usr/bin:/bin", OMP_NUM_THREADS="8")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        assert f"{name}=1\n" in printed
    assert run([ROOT / "binder" / "start", "printf", "%s|", "a b", "c"]) == "a b|c|"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def lab(checkout):
    """The address of a JupyterLab that binder/start has started in the checkout."""
    run([sys.executable, "-m", "lecture_utils.copies"], PATH="/usr/bin:/bin")
    port = free_port()
    command = [checkout / "binder" / "start", sys.executable, "-m", "jupyterlab", "--no-browser"]
    command += ["--allow-root", f"--port={port}", "--IdentityProvider.token=", "--ip=127.0.0.1"]
    with open(checkout / "log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    yield f"http://127.0.0.1:{port}/"
    server.terminate()
    server.wait(timeout=20)


def get(server, path):
    """Fetch a page as a click in Lab does; wait for a server that is starting."""
    request = urllib.request.Request(server + path, headers={"Referer": f"{server}lab"})
    for _ in range(60):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.headers, answer.read().decode()
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            time.sleep(0.5)
    raise TimeoutError(f"no answer from {server}")


def test_the_launch_link_opens_lab_on_notebook_00_and_the_decks_can_be_reached(
    lab, checkout, named
):
    link = launch.links(named, "notebooks/00_start_here.ipynb")["Binder"]
    place = link.partition("?urlpath=")[2]
    assert "JupyterLab" in get(lab, place)[1]
    (page,) = decks.build(["01"], checkout / "slides" / "built")
    headers, text = get(lab, f"files/slides/built/{page.name}")
    assert "allow-scripts" in headers["Content-Security-Policy"]
    assert text == page.read_text(encoding="utf-8")
    opened = get(lab, place.replace("lab/tree", "api/contents"))[1]
    assert json.loads(opened)["path"] == "my_notebooks/00_start_here.ipynb"


def test_the_reader_is_told_to_shut_kernels_down():
    cells = notebooks.read(notebooks.path_of("00")).cells
    (told,) = (cell.source for cell in cells if "Shut Down Kernel" in cell.source)
    assert "1 GB of memory" in told
    assert "before you open the next" in told


# the list of dependencies


def dependencies():
    """Every dependency of environment.yml, conda's and pip's."""
    *conda, pip = yaml.safe_load(launch.ENVIRONMENT.read_text(encoding="utf-8"))["dependencies"]
    return conda, [line for line in pip["pip"] if not line.startswith("--")]


def python_of_the_list():
    python, only_pip = dependencies()[0]
    assert only_pip == "pip"
    return re.fullmatch(r"python=(3\.\d+)", python)[1]


def test_dependencies_are_pinned_and_are_what_is_installed():
    """That the list installs from nothing is what `make env` does, and .ci/run begins with it."""
    for line in dependencies()[1]:
        name, version = re.fullmatch(r"([A-Za-z][\w-]*)==([\d.]+)", line).groups()
        assert ready.installed(name) == version, line


def test_python_of_the_list_is_one_that_the_package_takes():
    version = tuple(int(part) for part in python_of_the_list().split("."))
    assert ready.OLDEST <= version <= ready.NEWEST


def test_links_for_launching_lead_to_the_page_and_the_tag(named):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    links = launch.links(named, "notebooks/x.ipynb")
    assert links["Binder"].endswith(f"/{NAMED}/HEAD?urlpath=lab/tree/my_notebooks/x.ipynb")
    assert links["Colab"].endswith(f"/github/{NAMED}/blob/v{version}/notebooks/x.ipynb")
    assert links["Codespaces"].endswith(f"/{NAMED}")
    readme = generated.pages(named)[generated.README].decode()
    for number, page in named["notebooks"].items():
        header = generated.header(named, number)
        for to, link in launch.links(named, f"notebooks/{page['file']}").items():
            assert f"]({link})" in header, f"{number} lacks {to}"
            assert number != "00" or to == "source" or f"]({link})" in readme, to
    assert launch.links(dict(named, repository=""), "notebooks/x.ipynb") == {}


# Codespaces


def test_the_container_makes_the_environment_and_opens_notebook_00():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    version = python_of_the_list()
    assert re.fullmatch(rf"python:{re.escape(version)}(-\w+)?", container["image"])
    commands = [text for key, text in container.items() if key.endswith("Command")]
    assert commands == ["make copies"]
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):.*##", makefile, flags=re.MULTILINE)
    for command in commands:
        make, target = command.split()
        assert make == "make"
        assert target in targets
    assert container["forwardPorts"] == [8888]  # JupyterLab's, as `make lab` names no other
    (lab,) = re.findall(r"^lab:.*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)
    assert "--port" not in lab + re.search(r"^LAB := .*", makefile, flags=re.MULTILINE)[0]
    assert "gpu" not in container["hostRequirements"]
    custom = container["customizations"]
    (opened,) = custom["codespaces"]["openFiles"]
    assert opened == f"{copies.FOLDER.name}/{notebooks.path_of('00').name}"
    python = custom["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == "${containerWorkspaceFolder}/.venv/bin/python"
    assert "VENV ?= .venv" in makefile
    assert "ms-toolsai.jupyter" in custom["vscode"]["extensions"]


def test_lab_in_a_codespace_accepts_the_address_that_the_browser_sees():
    def asked(*variables):
        return run(
            [shutil.which("make"), "-n", "-C", ROOT, "lab", *variables], PATH="/usr/bin:/bin"
        )

    named = ("CODESPACE_NAME=blue-moon", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN=example.dev")
    assert "--ServerApp.allow_origin=https://blue-moon-8888.example.dev " in asked(*named)
    assert "allow_origin" not in asked()

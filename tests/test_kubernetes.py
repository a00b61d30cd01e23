"""A room on several machines: the image's recipe, the chart's values and their sizes, the cards."""

import asyncio
import copy
import dataclasses
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import types
from urllib.parse import parse_qs, urlsplit

import jsonschema
import nbformat
import pytest
import yaml
from traitlets.config.loader import PyFileConfigLoader

from lecture_utils import copies
from lecture_utils.authoring import generated, launch, notebooks, sizing
from lecture_utils.hub import elsewhere
from lecture_utils.hub.room import RoomError

ROOT = notebooks.ROOT
Z2JH = ROOT / "binder" / "z2jh"
README = generated.ROOM.read_text(encoding="utf-8")
HOME = "/home/jovyan"


# the image


def recipe():
    """The instructions of the Dockerfile: each with its words, lines joined."""
    text = re.sub(r"\\\n", "", (Z2JH / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def told(kind):
    return [words for what, words in recipe() if what == kind]


def listed():
    """The learner's list as YAML reads it: every line of environment.yml's pip section."""
    environment = yaml.safe_load(launch.ENVIRONMENT.read_text(encoding="utf-8"))
    return environment["dependencies"]


def test_the_image_has_the_course_s_python_at_a_pinned_version():
    (base,) = told("FROM")
    version = re.fullmatch(r"docker\.io/library/python:(3\.\d+)\.\d+-slim-[a-z]+", base)[1]
    assert f"python={version}" in listed()


def test_the_image_installs_the_learners_list_and_names_no_other_package_but_jupyterhub(tmp_path):
    install = next(words for words in told("RUN") if "requirements.txt" in words)
    made, asked = re.split(r"\s+&& ", install)
    shutil.copy(launch.ENVIRONMENT, tmp_path)
    subprocess.run(["sh", "-c", made], cwd=tmp_path, check=True)
    assert (tmp_path / "requirements.txt").read_text().splitlines() == listed()[-1]["pip"]
    install_all = "python -m pip install --no-cache-dir --requirement requirements.txt"
    assert re.fullmatch(rf"{re.escape(install_all)} jupyterhub==[\d.]+", asked)
    others = [words for words in told("RUN") if words != install and "pip install" in words]
    assert [re.findall(r"pip install (.*?)\s+&&", words) for words in others] == [
        ["--no-cache-dir --no-deps --editable ."]
    ]


def test_readme_installs_the_chart_that_the_image_fits():
    (named,) = re.findall(r"chart ([\d.]+):", (Z2JH / "Dockerfile").read_text(encoding="utf-8"))
    assert f"--version {named} " in README


def test_the_image_gets_what_it_needs_and_nothing_of_the_machine_that_builds_it():
    taken = [words.split() for words in told("COPY")]
    for *sources, place in taken:
        for name in sources:
            assert (ROOT / name).exists(), name
            assert place in ("./", f"./{name}")
    names = {name for *sources, _ in taken for name in sources}
    assert {"environment.yml", "pyproject.toml", "lecture_utils", "notebooks", "binder"} <= names
    assert "." not in names  # the folder may hold an environment, and passwords
    # the list comes first: a new sentence in the course keeps the layer of packages
    kinds = [words for what, words in recipe() if what in ("COPY", "RUN")]
    assert "requirements.txt" in kinds[1]


def test_a_seat_is_not_root_and_starts_with_the_course_s_script():
    steps = recipe()
    assert steps[-3:] == [
        ("USER", "1000"),  # a number: Kubernetes cannot tell who a name is
        ("ENTRYPOINT", '["/srv/shortcut-connections/binder/z2jh/start"]'),
        ("CMD", '["jupyterhub-singleuser"]'),
    ]
    assert [words for what, words in steps if what == "WORKDIR"][-1] == HOME
    assert any("useradd --create-home --uid 1000 jovyan" in words for words in told("RUN"))
    assert os.access(Z2JH / "start", os.X_OK)


def test_lab_asks_for_no_news_as_in_the_other_environments():
    (news,) = re.findall(r"echo '(\{.*\})'", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert any(news in words for words in told("RUN"))


def started(*command, **variables):
    """What a command prints that the image's start script starts."""
    settings = {"PATH": os.environ["PATH"]} | variables
    done = subprocess.run(
        [Z2JH / "start", *command], capture_output=True, text=True, env=settings, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_process_may_take_three_quarters_of_a_seat_and_is_told_when_it_wants_more():
    limit = "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0], flush=True)"
    ask = f"{limit}\ntry:\n    bytearray(1 << 30)\nexcept MemoryError:\n    print('too much')"
    size = 1250 << 20
    said = started(sys.executable, "-c", ask, MEM_LIMIT=str(size)).split("\n")
    assert said == [str(size * 3 // 4), "too much"]
    unlimited = str(resource.getrlimit(resource.RLIMIT_DATA)[0])
    assert started(sys.executable, "-c", limit) == unlimited
    assert started("sh", "-c", "echo $OMP_NUM_THREADS") == "1"  # as on Binder


# the values


def values():
    return yaml.safe_load((Z2JH / "values.yaml").read_text(encoding="utf-8"))


def given(found):
    """The values with what README's command gives besides."""
    for name in ("seats", "passwords"):
        found["hub"]["extraFiles"][name]["stringData"] = "text"
    return found


def exactly(**parts):
    return {
        "type": "object", "additionalProperties": False, "required": list(parts),
        "properties": parts,
    }  # fmt: skip


def a(kind, **more):
    return {"type": kind} | more


MEMORY = exactly(
    guarantee=a("string", pattern=r"^\d+[MG]$"), limit=a("string", pattern=r"^\d+[MG]$")
)
CORES = a("number", exclusiveMinimum=0)
RESOURCES = exactly(
    requests=exactly(cpu=a("string", pattern=r"^\d+m$"), memory=a("string", pattern=r"^\d+Mi$"))
)
FILE = exactly(mountPath=a("string", pattern="^/usr/local/etc/jupyterhub/"), stringData=a("string"))
SWITCH = exactly(enabled=a("boolean"))
# What we rely on: the keys that we use, with the types and units in which the chart takes them.
SCHEMA = exactly(
    hub=exactly(
        config=exactly(JupyterHub=exactly(authenticator_class={"const": "null"})),
        extraFiles=exactly(seats=FILE, passwords=FILE),
        resources=RESOURCES,
    ),
    proxy=exactly(chp=exactly(resources=RESOURCES)),
    singleuser=exactly(
        image=exactly(name=a("string"), tag=a("string", pattern=r"^v[\d.]+$")),
        defaultUrl=a("string", pattern="^/lab/tree/"),
        startTimeout=a("integer", minimum=300),
        memory=MEMORY,
        cpu=exactly(guarantee=CORES, limit=CORES),
        storage=exactly(
            type={"const": "dynamic"},
            homeMountPath={"const": HOME},
            capacity=a("string", pattern=r"^\d+Gi$"),
        ),
        lifecycleHooks=exactly(
            postStart=exactly(exec=exactly(command=a("array", items=a("string"))))
        ),
    ),
    scheduling=exactly(
        userScheduler=SWITCH,
        podPriority=SWITCH,
        userPlaceholder=exactly(enabled=a("boolean"), replicas=a("integer", minimum=0)),
    ),
    prePuller=exactly(hook=SWITCH, continuous=SWITCH),
    cull=exactly(enabled=a("boolean"), timeout=a("integer", minimum=3600), every=a("integer")),
)


def test_the_values_are_what_the_chart_takes():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(given(values()), SCHEMA)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("singleuser.memory.limit", "1250 MB"),
        ("singleuser.memory.limits", "1250M"),
        ("singleuser.startTimeout", "600"),
        ("singleuser.cpu.limit", "1"),
        ("singleuser.storage.type", "disk"),
        ("cull.timeout", "8h"),
        ("scheduling.userPlaceholder.replicas", "3"),
        ("hub.config.jupyterhub", {}),
        ("hub.config.JupyterHub.authenticator_class", "dummy"),  # which lets everybody in
    ],
)
def test_a_broken_value_is_seen(place, value):
    broken = given(values())
    *way, key = place.split(".")
    part = broken
    for name in way:
        part = part[name]
    part[key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_without_the_passwords_nothing_is_installed():
    with pytest.raises(jsonschema.ValidationError, match="stringData"):
        jsonschema.validate(values(), SCHEMA)
    for name in ("seats", "passwords"):
        assert f"--set-file hub.extraFiles.{name}.stringData=" in README


def test_the_image_s_tag_is_the_course_s():
    assert values()["singleuser"]["image"]["tag"] == launch.tag()
    assert f"REGISTRY/shortcut-connections:{launch.tag()}" in README
    assert f":{launch.tag()} ." in (Z2JH / "Dockerfile").read_text(encoding="utf-8")


def test_a_seat_finds_its_copies_in_its_home_and_keeps_them(course, tmp_path):
    """The hook of the values, with the variable of the image, in a home of this machine."""
    (setting,) = told("ENV")
    name, _, place = setting.partition("=")
    page = values()["singleuser"]["defaultUrl"].removeprefix("/lab/tree/")
    assert place == f"{HOME}/{page.partition('/')[0]}"
    assert page.partition("/")[2] == course["notebooks"]["00"]["file"]
    command = values()["singleuser"]["lifecycleHooks"]["postStart"]["exec"]["command"]
    folder = tmp_path / "my_notebooks"
    settings = os.environ | {name: str(folder)}
    settings["PATH"] = f"{os.path.dirname(sys.executable)}:{settings['PATH']}"

    def run():
        subprocess.run(command, env=settings, cwd=tmp_path, check=True, timeout=60)

    run()
    assert len(list(folder.glob("*.ipynb"))) == len(course["notebooks"])
    mine = tmp_path / page
    mine.write_text("mine", encoding="utf-8")
    run()
    assert mine.read_text(encoding="utf-8") == "mine"
    shutil.rmtree(folder)
    folder.write_text("in the way")  # as a full home, a fault must not keep its owner out
    run()


# the sizes


FOUND = sizing.Measured("10", 576, 0, "10", 94, 55)


def test_the_values_are_the_sizes_that_are_worked_out(course):
    one = sizing.seat(sizing.measured(course))
    seat = values()["singleuser"]
    assert seat["memory"] == {"guarantee": f"{one.memory}M", "limit": f"{one.memory_limit}M"}
    assert seat["cpu"] == {"guarantee": one.cores, "limit": one.cores_limit}
    assert f"limits.memory {one.memory_limit}M" in README  # on a rented server
    assert f"a seat {one.memory_limit}M" in README  # on an existing hub


def test_a_seat_is_promised_the_largest_notebook_and_may_forget_a_second():
    one = sizing.seat(FOUND)
    assert (
        (sizing.SERVER + 576) * 1e6 <= one.memory << 20 < (sizing.SERVER + 576) * 1e6 + (50 << 20)
    )
    assert (one.memory_limit << 20) >= (sizing.SERVER + 2 * 576) * 1e6
    larger = sizing.seat(dataclasses.replace(FOUND, mean=900))
    assert larger.memory << 20 >= 900e6
    assert larger.memory_limit > one.memory_limit
    slower = sizing.seat(dataclasses.replace(FOUND, seconds=300))
    assert slower.cores >= 4 * 300 / (55 * 60) > one.cores


@pytest.mark.parametrize("seats", [1, 16, 17, 30, 34, 35, 100])
def test_all_seats_and_the_hub_fit_the_machines(seats):
    one = sizing.seat(FOUND)
    count = sizing.machines(one, seats)
    assert sizing.fit(one, 16, 4) * one.memory <= 0.8 * 16 * 1024
    assert sizing.fit(one, 16, 4) * one.cores <= 3.5
    assert (count - 1) * sizing.fit(one, 16, 4) < seats + 2 <= count * sizing.fit(one, 16, 4)
    memory, cores = sizing.server(one, seats)
    assert memory * 1024 >= (seats + 2) * one.memory
    assert cores >= seats * one.cores


def test_what_is_no_room_is_refused():
    one = sizing.seat(FOUND)
    with pytest.raises(ValueError, match="1 seat or more; got 0"):
        sizing.machines(one, 0)
    with pytest.raises(ValueError, match="2 GB and 4 cores is too small"):
        sizing.machines(one, 30, 2)


def test_a_played_room_counts_where_there_is_one(course, tmp_path):
    load = tmp_path / "load.json"
    assert sizing.measured(course, load).mean == 0
    load.write_text(json.dumps({"learners": 29, "meter": {"together": 30_000}}))
    assert sizing.measured(course, load).mean == pytest.approx(1000 * 1.048576)
    load.write_text("{}")
    with pytest.raises(ValueError, match=r"load\.json is not what `make load` writes"):
        sizing.measured(course, load)


# who comes in


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """The class that JupyterHub's settings get from seats.py, and the passwords."""
    page = elsewhere.write(
        elsewhere.Elsewhere(folder=tmp_path / "cards", seats=9, address="https://hub.example.org")
    )
    passwords = page.with_name("passwords.json")
    auth = types.ModuleType("jupyterhub.auth")
    auth.Authenticator = object
    monkeypatch.setitem(sys.modules, "jupyterhub", types.ModuleType("jupyterhub"))
    monkeypatch.setitem(sys.modules, "jupyterhub.auth", auth)
    text = (Z2JH / "seats.py").read_text(encoding="utf-8")
    place = values()["hub"]["extraFiles"]["passwords"]["mountPath"]
    assert text.count(place) == 1
    (tmp_path / "seats.py").write_text("c = get_config()\n" + text.replace(place, str(passwords)))
    found = PyFileConfigLoader("seats.py", path=str(tmp_path)).load_config()
    return found, json.loads(passwords.read_text(encoding="utf-8"))


def test_who_has_a_card_comes_in_and_nobody_else(cards, monkeypatch):
    found, passwords = cards
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    door = found.JupyterHub.authenticator_class()

    def comes(name, password):
        return asyncio.run(door.authenticate(None, {"username": name, "password": password}))

    for name, password in passwords.items():
        assert comes(name, password) == name
    assert comes("seat01", f" {passwords['seat01'].upper()} ") == "seat01"
    assert not waited
    wrong = [("seat01", passwords["seat02"]), ("seat01", ""), ("seat10", ""), ("root", "é")]
    assert [comes(*pair) for pair in wrong] == [None] * 4
    assert waited == [1] * 4
    assert found.Authenticator.allowed_users == set(passwords)
    assert found.Authenticator.admin_users == {"teacher"}
    assert "teacher" in passwords


def test_cards_for_a_hub_elsewhere_say_its_address_and_are_secret(tmp_path):
    here = elsewhere.Elsewhere(folder=tmp_path / "c", seats=9, address="https://hub.example.org")
    page = elsewhere.write(here)
    passwords = json.loads(page.with_name("passwords.json").read_text(encoding="utf-8"))
    assert list(passwords) == [*(f"seat0{k}" for k in range(1, 10)), "teacher"]
    assert len(set(passwords.values())) == 10
    text = page.read_text(encoding="utf-8")
    assert text.count("https://hub.example.org") == 10
    assert all(password in text for password in passwords.values())
    for path in (page, page.with_name("passwords.json")):
        assert path.stat().st_mode & 0o077 == 0
    # more seats: those that have a card keep it
    elsewhere.write(dataclasses.replace(here, seats=12))
    more = json.loads(page.with_name("passwords.json").read_text(encoding="utf-8"))
    assert len(more) == 13
    assert passwords.items() <= more.items()
    page.with_name("passwords.json").write_text("{")
    with pytest.raises(RoomError, match=r"passwords\.json cannot be read"):
        elsewhere.write(here)


# an existing hub


@pytest.fixture(scope="module")
def named(course):
    return dict(course, repository="someone/shortcuts")


def test_the_link_pulls_the_learners_branch_and_opens_the_page(named):
    link = launch.nbgitpuller(named, "https://hub.example.org/", "notebooks/00_start_here.ipynb")
    parts = urlsplit(link)
    assert (parts.netloc, parts.path) == ("hub.example.org", "/hub/user-redirect/git-pull")
    assert parse_qs(parts.query) == {
        "repo": ["https://github.com/someone/shortcuts"],
        "branch": ["learners"],
        "urlpath": ["lab/tree/shortcuts/00_start_here.ipynb"],
    }
    under = launch.nbgitpuller(named, "https://example.org/jupyter", "notebooks/x.ipynb")
    assert under.startswith("https://example.org/jupyter/hub/user-redirect/git-pull?")
    assert link.replace("org//", "org/") in launch.puller(named)


def test_a_link_that_leads_nowhere_is_refused(named, course):
    for address in ("hub.example.org", "ftp://hub.example.org", "https://"):
        with pytest.raises(ValueError, match="a hub's address is expected"):
            launch.nbgitpuller(named, address, "notebooks/x.ipynb")
    with pytest.raises(ValueError, match="names no repository"):
        launch.nbgitpuller(dict(course, repository=""), "https://h.org", "notebooks/x.ipynb")
    assert "`repository:`" in launch.puller(dict(course, repository=""))


def commands(heading):
    """The indented lines of a section of the README."""
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


def test_the_learners_branch_holds_copies_without_answers_and_the_package(tmp_path):
    """README's commands, on a repository of three notebooks with a remote of this machine."""
    top = tmp_path / "course"
    (top / "notebooks").mkdir(parents=True)
    for path in sorted(notebooks.FOLDER.glob("0[0-2]_*.ipynb")):
        shutil.copy(path, top / "notebooks")
    (top / "lecture_utils").mkdir()
    for name in ("__init__.py", "copies.py"):
        shutil.copy(ROOT / "lecture_utils" / name, top / "lecture_utils")
    settings = os.environ | {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        settings |= {f"GIT_{who}_NAME": "A", f"GIT_{who}_EMAIL": "a@example.org"}
    begin = [
        "git init --quiet --bare --initial-branch=main ../origin", "git init --quiet",
        "git add --all", "git commit --quiet --message first",
        "git remote add origin ../origin",
        "git remote set-url origin \"$(realpath ../origin)\"", "git push --quiet origin HEAD:main",
    ]  # fmt: skip
    typed = [
        line.replace(".venv/bin/python", sys.executable)
        for line in commands("An existing hub: a link")
        if not line.startswith("https://")
    ]
    assert len(typed) == 7
    script = "\n".join(["set -e", *begin, *typed])
    done = subprocess.run(
        ["bash", "-c", script], cwd=top, env=settings, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    there = tmp_path / "learner" / "shortcuts"
    clone = ["git", "clone", "--quiet", "--branch", launch.LEARNERS, tmp_path / "origin", there]
    subprocess.run(clone, env=settings, check=True)
    count = ["git", "-C", there, "rev-list", "--count", "HEAD"]
    assert subprocess.check_output(count, text=True) == "1\n"  # no history that shows answers
    pages = sorted(there.glob("*.ipynb"))
    originals = sorted((top / "notebooks").glob("*.ipynb"))
    assert [page.name for page in pages] == [page.name for page in originals]
    for page, original in zip(pages, originals, strict=True):
        expected = copies.learners(nbformat.read(original, as_version=4))
        assert nbformat.read(page, as_version=4) == expected
    assert not (there / "notebooks").exists()
    found = subprocess.run(
        [sys.executable, "-c", "import lecture_utils; print(lecture_utils.__file__)"],
        cwd=there, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert found == str(there / "lecture_utils" / "__init__.py")  # without installing it


# the README


def test_the_readme_is_short_enough_to_be_read_the_evening_before():
    assert len(README.splitlines()) < 180
    headings = re.findall(r"^## (.+)$", README, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", README)) <= anchors


def test_the_readme_s_files_exist():
    for path in re.findall(r"\bbinder/[\w/.]+\w", README):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"-m (lecture_utils[\w.]+)", README):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


def test_no_secret_stands_in_the_files():
    text = "".join(path.read_text(encoding="utf-8") for path in Z2JH.iterdir() if path.is_file())
    assert not re.search(r"(?i)(secret|token|password)\w*: *[\"']?[\w-]{8,}", text)
    assert "stringData" not in yaml.safe_dump(copy.deepcopy(values()))

"""What a room says where it cannot start, and the parts that need no room to be tried."""

import re
import subprocess
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("a room needs Linux", allow_module_level=True)

from lecture_utils.authoring import printing
from lecture_utils.hub import accounts, cards, groups, install, needs, room, told
from lecture_utils.hub.install import ROOT
from lecture_utils.hub.room import Room, RoomError


@pytest.fixture
def here(tmp_path):
    (tmp_path / "state").mkdir()
    return Room(folder=tmp_path, seats=10, prefix="nobody-has", address="room.example.org")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"seats": 0}, "seats must be a number from 1 to 99; got 0"),
        ({"seats": "3"}, "got '3'"),
        ({"port": 70000}, "port must be"),
        ({"prefix": "Seat 1"}, "prefix must be small letters"),
        ({"teacher": "../root"}, "teacher must be small letters"),
        ({"folder": "here"}, "the folder must begin with /"),
        ({"key": "/k.pem"}, "https needs both"),
    ],
)
def test_what_is_no_room_is_refused(given, says):
    with pytest.raises(RoomError) as refused:
        Room(**given)
    assert says in str(refused.value)


def test_settings_are_kept_and_what_is_given_goes_before(here):
    here.save()
    assert room.read(here.folder) == here
    assert room.read(here.folder, seats=12).seats == 12
    here.settings.write_text("{")
    with pytest.raises(RoomError, match="cannot be read"):
        room.read(here.folder)


def test_thirty_seats_fit_in_24_gb(monkeypatch):
    monkeypatch.setattr(room, "machine_memory", lambda: 23_500)
    thirty = Room(seats=30)
    assert room.LEAST <= thirty.share <= thirty.hard <= room.MOST
    assert thirty.data < thirty.hard
    assert needs.memory(thirty) == ""
    assert "50 seats need 29 GB" in needs.memory(Room(seats=50))
    assert Room(seats=1).hard == room.MOST


def test_each_missing_piece_is_one_line_that_says_what_to_do(here, monkeypatch, tmp_path):
    monkeypatch.setattr(needs.os, "geteuid", lambda: 1000)
    assert "you are not root: run `sudo make hub`" in needs.rights(here)
    monkeypatch.setattr(needs.sys, "platform", "darwin")
    assert "a room needs Linux, and this is darwin" in needs.system(here)
    monkeypatch.setattr(needs.shutil, "which", lambda name: None if name == "npm" else "/bin/x")
    assert needs.programs(here).startswith("there is no npm: install it")
    monkeypatch.setattr(needs.accounts, "strangers", lambda _: ["seat01"])
    assert "an account seat01 already: choose another" in needs.names(here)
    assert "cannot be read" in needs.certificate(Room(key="/no/key", certificate="/no/cert"))
    (tmp_path / "closed").mkdir(mode=0o700)
    closed = Room(folder=tmp_path / "closed" / "room")
    assert "is closed to them; choose another ROOM" in needs.folder(closed)
    monkeypatch.setattr(needs.sys, "executable", str(tmp_path / "closed"))
    assert "say PYTHON=/usr/bin/python3" in needs.python(here)


def test_a_port_that_is_taken_is_named(here):
    import socket

    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        taken = other.getsockname()[1]
        if taken > 65_000:
            pytest.skip("no ports above")
        assert f"another program has port {taken}" in needs.ports(Room(port=taken))
        assert f"another program has port {taken}" in needs.ports(Room(port=taken - 3))


def test_the_command_ends_with_one_line_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "lecture_utils.hub", "--folder", str(tmp_path), "remove"]
    done = subprocess.run([*command, "--yes"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert re.match(r"✗ .*(is no room: say which one|you are not root)", done.stderr)


def test_a_password_is_long_and_has_no_letter_that_reads_as_another():
    many = {accounts.new_password() for _ in range(500)}
    assert len(many) == 500
    assert all(re.fullmatch(r"[a-z2-9]{4}-[a-z2-9]{4}", word) for word in many)
    assert not set("lio01") & set("".join(many))


def test_the_cards_are_eight_a_page_and_the_instructors_apart(here, tmp_path):
    known = {name: accounts.new_password() for name in here.accounts}
    accounts.keep_secret(here.state / "passwords.json", str(known).replace("'", '"'))
    path = cards.write(here)
    assert path.stat().st_mode & 0o077 == 0
    sheets = re.findall(r"<section>.*?</section>", path.read_text(), flags=re.DOTALL)
    assert [sheet.count("<article>") for sheet in sheets] == [8, 2, 1]
    for name, password in known.items():
        (holder,) = [sheet for sheet in sheets if password in sheet]
        assert f"<dd>{name}</dd><dt>Password</dt><dd>{password}</dd>" in holder
        assert (holder is sheets[-1]) == (name == here.teacher)
    assert path.read_text().count("<dd>http://room.example.org:8000</dd>") == 11
    with printing.open_tab() as tab:
        if tab is None:
            return
        tab.goto(path.as_uri())
        pdf = tab.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 3


def test_a_room_has_the_learners_packages_and_its_own():
    lists = install.requirements()
    assert "jupyterlab==" in lists["learners.txt"]
    assert "--extra-index-url" in lists["learners.txt"]
    own = [line for line in lists["room.txt"].splitlines() if not line.startswith("#")]
    assert own
    assert all("==" in line for line in own)
    assert '"configurable-http-proxy": "' in (install.DATA / "package.json").read_text()


def second_tree(tmp_path, kinds="cpuset cpu io memory pids"):
    (tmp_path / "cgroup.controllers").write_text(kinds)
    return tmp_path


def test_a_group_of_the_second_version(tmp_path):
    tree = second_tree(tmp_path)
    (door,) = groups.make("seat01", 700, 400, tree)
    group = tree / groups.OURS / "seat01"
    assert door == group / "cgroup.procs"
    assert (group / "memory.max").read_text() == str(700 << 20)
    assert (group / "memory.swap.max").read_text() == "0"
    assert (group / "pids.max").read_text() == "400"
    for folder in (tree, tree / groups.OURS):
        assert (folder / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"
    (group / "memory.events").write_text("low 0\nmax 7\noom 2\noom_kill 1\n")
    (tree / "self").write_text(f"0::/{groups.OURS}/seat01\n")
    assert groups.own(tree, tree / "self") == group
    assert (groups.ended(group), groups.cap(group)) == (1, 700)
    assert groups.version(second_tree(tmp_path, "cpu io")) == 0


def test_a_group_of_the_first_version(tmp_path):
    for kind in ("memory", "cpu", "pids"):
        (tmp_path / kind).mkdir()
    doors = groups.make("seat01", 700, 400, tmp_path)
    assert [door.relative_to(tmp_path).parts[0] for door in doors] == ["memory", "cpu", "pids"]
    group = tmp_path / "memory" / groups.OURS / "seat01"
    (group / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    (tmp_path / "self").write_text(f"9:cpu:/\n4:memory:/{groups.OURS}/seat01\n0::/\n")
    assert groups.own(tmp_path, tmp_path / "self") == group
    assert (groups.ended(group), groups.cap(group)) == (3, 700)


def test_a_machine_without_groups_has_none(tmp_path):
    assert groups.version(tmp_path) == 0
    assert groups.make("seat01", 700, 400, tmp_path) == []


def test_what_a_learner_is_told_is_one_line():
    assert "\n" not in told.SAID

"""Hard to break: what people do to a room, by mistake or on purpose, harms nobody else."""

import contextlib
import json
import os
import pwd
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from hub.conftest import DISK, SEATS, command, visitor

from lecture_utils import copies
from lecture_utils.authoring import course as course_map
from lecture_utils.hub import accounts, disks, groups, service

NUMBERS = list(course_map.load()["notebooks"])
SECRET = "what only its owner may read"


def server_of(name):
    """The process of a seat's server."""
    uid = pwd.getpwnam(name).pw_uid
    ours = [pid for pid in os.listdir("/proc") if pid.isdigit() and owner(pid) == uid]
    return next(int(pid) for pid in ours if "lecture_utils.hub.seat" in command_of(pid))


def owner(pid):
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as stream:
            return stream.read()
    except OSError:
        return ""


def pid_of(kernel):
    return int(kernel.run("import os; print(os.getpid())"))


def end(pid, how):
    assert pid > 1  # kill() means a whole group of processes by 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
    while command_of(pid):
        time.sleep(0.05)


@pytest.fixture
def kernels(visitors):
    """Start a kernel for a visitor; all are ended afterwards."""
    started = []

    def start(person):
        started.append(person.kernel())
        return started[-1]

    yield start
    for kernel in started:
        kernel.line.close()
        kernel.visitor.api("DELETE", f"kernels/{kernel.key}")


def test_each_seat_has_its_copies_and_opens_the_first(room, visitors):
    for person in visitors:
        opened = person.ask("GET", f"/user/{person.name}/")
        assert opened.url.endswith("/lab/tree/my_notebooks/00_start_here.ipynb")
        names = [c["name"] for c in person.read("my_notebooks") if c["type"] == "notebook"]
        assert sorted(name[:2] for name in names) == NUMBERS
        first = person.read("my_notebooks/00_start_here.ipynb")
        assert not [cell for cell in first["cells"] if cell.get("outputs")]
        assert any(cell["source"].startswith("<details>") for cell in first["cells"])
        assert person.api("GET", "terminals").status_code == 404


def test_a_seat_runs_the_course_and_is_told_so(visitors, kernels):
    kernel = kernels(visitors[0])
    assert "✗" not in (said := kernel.run("from lecture_utils import checks; checks.environment()"))
    assert "✓ torch" in said
    assert kernel.run("import lecture_utils; print(lecture_utils.__file__)").startswith("/")
    assert kernel.run("!echo $((6 * 7))").strip() == "42"
    assert "Permission denied" in kernel.run(
        "from lecture_utils import copies; (copies.ORIGINALS / '00_start_here.ipynb').open('w')"
    )


def test_twice_in_one_seat_is_one_seat(room, visitors, kernels):
    here = visitors[0]
    first, pid = kernels(here), server_of(here.name)
    first.run("x = 41")
    there = visitor(room, here.name)
    there.open()
    assert server_of(here.name) == pid
    assert first.key in [kernel["id"] for kernel in there.api("GET", "kernels").json()]
    second = type(first)(there, first.key)
    assert second.run("print(x + 1)") == "42\n"
    assert here.save("shared.txt", "from here").ok
    assert there.read("shared.txt") == "from here"
    assert there.save("shared.txt", "from there").ok
    assert here.read("shared.txt") == "from there"
    second.line.close()


def test_twenty_wrong_passwords_and_then_the_right_one(room, visitors):
    name = room.names[0]
    with ThreadPoolExecutor(20) as pool:
        wrong = list(pool.map(lambda k: visitor(room, name, f"wrong-{k}"), range(20)))
    for person in wrong:
        assert person.reply.status_code == 403
        assert "Invalid username or password" in person.reply.text
        assert "my_notebooks" not in person.api("GET", "contents/").text
    right = visitor(room, name)
    right.open()
    assert right.read("my_notebooks")
    other = visitor(room, name, accounts.passwords(room)[room.names[1]])
    assert other.reply.status_code == 403  # a password opens its own seat
    assert visitor(room, "root", "root").reply.status_code == 403


def test_no_password_is_in_a_log_or_open_to_others(room, visitors):
    log = (room.state / "hub.log").read_text()
    known = accounts.passwords(room)
    assert len(set(known.values())) == SEATS + 1
    assert not [name for name, password in known.items() if password in log]
    for path in (room.state, room.state.parent / "disks"):
        assert path.stat().st_mode & 0o777 == 0o700
    assert room.cards.stat().st_mode & 0o077 == 0


def test_no_path_leads_to_anothers_files(room, visitors, kernels):
    mine, other = visitors[0], visitors[1]
    other.save("diary.txt", SECRET)
    home = room.home(other.name)
    kernel = kernels(mine)
    there = [home, home / "diary.txt", home / "my_notebooks", room.runtime(other.name)]
    there += [room.state, room.state / "passwords.json", room.cards, disks.image(room, other.name)]
    kernel.run("import os, pathlib")
    for path in there:
        said = kernel.run(
            f"p = pathlib.Path({str(path)!r})\n"
            "print(os.listdir(p) if p.is_dir() or not p.suffix else p.read_text())"
        )
        assert "PermissionError" in said, path
    said = kernel.run(f"pathlib.Path({str(home / 'planted.txt')!r}).write_text('x')")
    assert "PermissionError" in said
    assert not (home / "planted.txt").exists()
    for path in (f"/proc/{server_of(other.name)}/environ", "/proc/1/environ", "/etc/shadow"):
        assert "PermissionError" in kernel.run(f"open({path!r}).read()")
    assert "PermissionError" in kernel.run(f"os.kill({server_of(other.name)}, 9)")
    assert other.read("diary.txt") == SECRET


WAYS = [
    "../{name}/diary.txt",
    "..%2F{name}%2Fdiary.txt",
    "%2e%2e/{name}/diary.txt",
    "link/diary.txt",
    "linked.txt",
]


def test_the_own_server_gives_nothing_of_anothers(room, visitors, kernels):
    mine, other = visitors[0], visitors[1]
    assert other.save("diary.txt", SECRET).ok
    home = room.home(other.name)
    kernel = kernels(mine)
    kernel.run("import os")
    for link, target in (("link", home), ("linked.txt", home / "diary.txt")):
        assert kernel.run(f"os.symlink({str(target)!r}, {link!r})") == ""
        assert (room.home(mine.name) / link).is_symlink()
    for way in WAYS:
        gives_nothing(way, mine, other)
    assert other.read("diary.txt") == SECRET


def gives_nothing(way, mine, other):
    for place in ("api/contents", "files"):
        path = f"/user/{mine.name}/{place}/{way.format(name=other.name)}"
        status, text = mine.ask_as_it_stands(path)
        assert status in (400, 403, 404, 500), (place, way)
        assert SECRET not in text, (place, way)
    assert mine.ask_as_it_stands(f"/user/{mine.name}/api/contents/my_notebooks")[0] == 200
    planted = mine.save(way.format(name=other.name), "planted")
    assert not planted.ok or "/hub/" in planted.url, way


def test_anothers_server_gives_nothing(room, visitors):
    mine, other = visitors[0], visitors[1]
    assert other.save("diary.txt", SECRET).ok
    for method, path in (
        ("GET", "contents/diary.txt"),
        ("GET", "kernels"),
        ("GET", "contents/"),
        ("DELETE", "contents/diary.txt"),
        ("PUT", "contents/diary.txt"),
        ("POST", "kernels"),
    ):
        reply = mine.api(method, path, whose=other.name, json={} if method != "GET" else None)
        assert reply.status_code == 403, (method, path)
        assert SECRET not in reply.text
    for page in ("lab", "files/diary.txt", ""):
        reply = mine.ask("GET", f"/user/{other.name}/{page}")
        assert SECRET not in reply.text
        assert reply.status_code == 403
    assert other.read("diary.txt") == SECRET


def test_a_server_without_the_way_through_the_hub_gives_nothing(room, visitors):
    """Its port is open inside the machine, and a seat can find it."""
    other = visitors[1]
    assert other.save("diary.txt", SECRET).ok
    for port in listening(server_of(other.name)):
        with requests.Session() as web:
            web.trust_env = False
            place = f"http://127.0.0.1:{port}/user/{other.name}/api/contents/diary.txt"
            reply = web.get(place, timeout=10, allow_redirects=False)
        assert reply.status_code in (302, 403)
        assert SECRET not in reply.text


def listening(pid):
    """The ports inside the machine on which a process waits."""
    inodes = set()
    for entry in os.scandir(f"/proc/{pid}/fd"):
        inodes.add(os.readlink(entry.path).removeprefix("socket:[").removesuffix("]"))
    with open("/proc/net/tcp") as stream:
        rows = [line.split() for line in stream.readlines()[1:]]
    ports = [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and row[9] in inodes]
    assert ports
    return ports


def test_what_a_kernel_prints_goes_through_no_port(room, visitors, kernels):
    """Whoever knows a port of the machine could listen to what a kernel prints."""
    here, there = visitors[0], visitors[1]
    told = kernels(here).run(
        "from ipykernel import connect; print(connect.get_connection_info(unpack=False))"
    )
    meets = json.loads(told)
    assert meets["transport"] == "ipc"
    assert meets["ip"].startswith(f"{room.runtime(here.name)}/kernel-")
    said = kernels(there).run(f"import os; os.listdir({str(room.runtime(here.name))!r})")
    assert "PermissionError" in said


def test_only_the_instructor_rules_the_hub(room, visitors):
    boss = visitor(room, room.teacher)
    people = boss.ask("GET", "/hub/api/users").json()
    assert {p["name"] for p in people} >= set(room.accounts)
    assert [p["name"] for p in people if p["admin"]] == [room.teacher]
    assert boss.ask("GET", "/hub/admin").status_code == 200
    mine, other = visitors[0], visitors[1]
    pid = server_of(other.name)
    for method, path in (
        ("GET", "users"),
        ("GET", f"users/{other.name}"),
        ("DELETE", f"users/{other.name}/server"),
        ("POST", f"users/{other.name}/tokens"),
        ("POST", "shutdown"),
    ):
        reply = mine.ask(method, f"/hub/api/{path}")
        assert reply.status_code in (403, 404), (method, path)
    assert mine.ask("GET", "/hub/admin").status_code == 403
    assert server_of(other.name) == pid


def test_a_kernel_that_is_killed_takes_nothing_along(visitors, kernels):
    here, there = visitors[0], visitors[1]
    kernel, beside, other = kernels(here), kernels(here), kernels(there)
    assert here.save("work.txt", "saved").ok
    kernel.run("x = 1")
    beside.run("x = 2")
    other.run("x = 3")
    pid = server_of(here.name)
    assert kernel.run("import os; os.kill(os.getpid(), 9)") == "died"
    assert kernel.run("print('x' in globals())") == "False\n"  # and no word about memory
    assert (beside.run("print(x)"), other.run("print(x)")) == ("2\n", "3\n")
    assert here.read("work.txt") == "saved"
    assert server_of(here.name) == pid


GROW = """
held = []
try:
    while True:
        held.append(bytearray(10_000_000))
except MemoryError:
    much = len(held) * 10
    del held
    print("refused after", much > 100)
"""


def test_a_cell_that_runs_away_with_memory_only_fails(visitors, kernels):
    here, there = visitors[0], visitors[1]
    kernel, other = kernels(here), kernels(there)
    kernel.run("import torch; x = 41")
    other.run("x = 3")
    assert kernel.run(GROW) == "refused after True\n"
    assert "can't allocate memory" in kernel.run("torch.zeros(1 << 40)")
    assert kernel.run("print(x + 1)") == "42\n"
    assert other.run("print(x)") == "3\n"


def test_a_kernel_that_takes_the_seats_memory_ends_alone_and_is_told(room, visitors, kernels):
    here, there = visitors[2], visitors[1]
    pid = server_of(here.name)
    kernel, other = kernels(here), kernels(there)
    other.run("x = 3")
    assert here.save("work.txt", "saved").ok
    half = room.hard // 2 << 20  # each of the two is under its own limit, both are over the seat's
    kernel.run("import subprocess, sys, time")
    kernel.run(f"code = 'held = b\"a\" * {half - (100 << 20)}; import time; time.sleep(30)'")
    kernel.run("beside = subprocess.Popen([sys.executable, '-c', code]); time.sleep(3)")
    assert kernel.run(f"held = b'a' * {half + (100 << 20)}; print('room for both')") == "died"
    said = kernel.run("print('next')")
    assert said.startswith(f"✗ The memory of this seat ({room.hard} MB) was full")
    assert "Run > Run All Above Selected Cell" in said
    assert said.endswith("next\n")
    assert kernel.run("print('then')") == "then\n"  # once is enough
    assert server_of(here.name) == pid
    assert here.read("work.txt") == "saved"
    assert other.run("print(x)") == "3\n"
    assert groups.peak(here.name) <= room.hard << 20
    assert kernels(here).run("print('new')") == "new\n"  # another notebook is not told


THREADS = """
import threading
threading.stack_size(1 << 16)
end, started = threading.Event(), []
try:
    while len(started) < 2000:
        started.append(threading.Thread(target=end.wait))
        started[-1].start()
except RuntimeError as error:
    print(len(started), error)
end.set()
"""


def test_a_cell_that_starts_more_and_more_only_fails(room, visitors, kernels):
    here, there = visitors[0], visitors[1]
    kernel, other = kernels(here), kernels(there)
    many, said = kernel.run(THREADS).split(" ", 1)
    assert said == "can't start new thread\n"
    assert room.tasks // 2 < int(many) < room.tasks
    assert kernel.run("print(6 * 7)") == "42\n"
    assert other.run("print(6 * 7)") == "42\n"


FILL = """
import os
with open("big.bin", "wb", buffering=0) as stream:
    try:
        while True:
            stream.write(bytes(1 << 20))
    except OSError:
        pass
    try:
        while True:
            stream.write(bytes(1))
    except OSError as error:
        print(error.strerror)
"""


def test_a_full_home_harms_nobody_and_can_be_emptied(room, visitors, kernels):
    here, there = visitors[2], visitors[1]
    path = "my_notebooks/01_vanishing_gradients.ipynb"
    saved = {"type": "notebook", "content": here.read(path)}
    assert here.api("PUT", f"contents/{path}", json=saved).ok  # so that Jupyter trusts it
    before = here.read(path)
    kernel = kernels(here)
    assert "No space left" in kernel.run(FILL)
    used = os.statvfs(room.home(here.name))
    assert used.f_blocks * used.f_frsize <= DISK << 20
    fuller = dict(before)
    fuller["metadata"] = before["metadata"] | {"filling": "x" * 3_000_000}
    reply = here.api("PUT", f"contents/{path}", json={"type": "notebook", "content": fuller})
    assert reply.status_code == 500
    said = reply.json()["message"]
    assert "disk is full" in said or "No space left" in said
    assert here.read(path) == before
    assert there.save("other.txt", "others go on").ok
    assert kernel.run("print(6 * 7)") == "42\n"
    # its owner gets in again, and makes room in the page's file list
    assert here.ask("DELETE", f"/hub/api/users/{here.name}/server").ok
    here.open()
    assert here.read(path) == before
    assert here.api("DELETE", "contents/big.bin").status_code == 204
    reply = here.api("PUT", f"contents/{path}", json={"type": "notebook", "content": fuller})
    assert reply.ok
    assert here.read(path)["metadata"]["filling"]


def test_one_more_start_changes_nothing(room, visitors):
    before = accounts.passwords(room)
    done = command(room, "start")
    assert done.returncode == 0
    assert done.stdout.startswith("✓ the room is open already: http://127.0.0.1:")
    assert accounts.passwords(room) == before


def test_the_hub_is_killed_and_work_goes_on(room, visitors, kernels):
    here = visitors[0]
    kernel = kernels(here)
    kernel.run("x = 41")
    assert here.save("work.txt", "saved").ok
    before, pid = accounts.passwords(room), server_of(here.name)
    end(service.hub(room), signal.SIGKILL)
    assert kernel.run("print(x + 1)") == "42\n"  # while there is no hub
    assert here.save("work.txt", "saved without a hub").ok
    done = command(room, "start")
    assert done.returncode == 0, done.stderr
    assert "0 accounts made" in done.stdout
    kernel.connect()
    assert kernel.run("print(x + 2)") == "43\n"
    assert here.read("work.txt") == "saved without a hub"  # with the login of before
    assert server_of(here.name) == pid
    assert accounts.passwords(room) == before
    assert len(service.services(room)) == 2  # those of the hub that was killed are gone
    assert visitor(room, room.names[1]).ask("GET", "/hub/home").ok


def test_the_machine_is_restarted(room, visitors, kernels):
    here = visitors[0]
    kernel = kernels(here)
    kernel.run("x = 41")
    assert here.save("work.txt", "saved").ok
    notebook = here.read("my_notebooks/00_start_here.ipynb")
    notebook["cells"][0]["source"] = "mine"
    path = "contents/my_notebooks/00_start_here.ipynb"
    assert here.api("PUT", path, json={"type": "notebook", "content": notebook}).ok
    before = accounts.passwords(room)
    end(service.hub(room), signal.SIGTERM)
    assert kernel.run("print(x + 1)") == "42\n"  # a hub that ends by itself ends no seat
    for pid in [service.proxy(room), *service.services(room), *service.seats(room)]:
        end(pid, signal.SIGKILL)
    disks.release(room)
    for name in room.accounts:
        groups.remove(name)
        assert not room.home(name).is_mount()
    done = command(room, "start")
    assert done.returncode == 0, done.stderr
    assert accounts.passwords(room) == before
    again = visitor(room, here.name)
    again.open()
    assert again.read("work.txt") == "saved"
    assert again.read("my_notebooks/00_start_here.ipynb")["cells"][0]["source"] == "mine"
    assert again.kernel().run("print(6 * 7)") == "42\n"
    assert copies.FOLDER.name == "my_notebooks"


def test_closed_and_open_again(room, visitors):
    work = room.home(room.names[0]) / "closed.txt"
    work.write_text("saved")
    done = command(room, "stop")
    assert done.returncode == 0
    assert done.stdout == "✓ the room is closed; accounts, passwords and work stay\n"
    assert not service.seats(room)
    assert (service.hub(room), service.proxy(room), service.services(room)) == (0, 0, [])
    assert all(room.home(name).is_mount() for name in room.names)
    done = command(room, "start")
    assert done.returncode == 0, done.stderr
    assert work.read_text() == "saved"
    assert visitor(room, room.names[0]).ask("GET", "/hub/home").ok

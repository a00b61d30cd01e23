"""The instructor's count: right, without names, and blind to what a seat puts in its way."""

import json
import os
import re
import sys

import pytest
from hub.conftest import visitor
from hub.visitor import Visitor

from lecture_utils import solved

if sys.platform == "win32":
    pytest.skip("a room needs Linux", allow_module_level=True)

from lecture_utils.hub import solved_count

KNOWN = solved.exercises()
SOLVED = json.dumps({"layers_until": "2026-11-27", "clip": "2026-11-27"}).encode()


@pytest.fixture
def home(tmp_path):
    (tmp_path / "seat01" / "my_notebooks").mkdir(parents=True)
    return tmp_path / "seat01"


def record(home, content=SOLVED):
    place = home / "my_notebooks" / solved.RECORD
    place.write_bytes(content)
    return place


def counted(*homes):
    counts = solved_count.count(homes, KNOWN)
    assert list(counts) == list(KNOWN)
    return {number: n for number, n in counts.items() if n}


def bars_of(page):
    """The exercises on a page: number, width in per cent, count."""
    return re.findall(r'<th scope="row">([\d.]+)</th>.*?width:(\d+)%.*?<td>(\d+)</td>', page)


def test_it_counts_the_seats_of_each_exercise(tmp_path, home):
    assert counted(home, tmp_path / "nobody") == {}
    record(home)
    (tmp_path / "seat02" / "my_notebooks").mkdir(parents=True)
    record(tmp_path / "seat02", b'{"clip": "2026-11-27", "9.9": "2026-11-27", "x": "2026-11-27"}')
    assert counted(home, tmp_path / "seat02") == {"0.2": 1, "1.4": 2}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"[" * 30_000, b"[]", b'{"clip": 1}', b'{"clip": "<script>"}',
        SOLVED + b" " * solved.MOST,
    ],
)  # fmt: skip
def test_what_is_no_record_counts_for_nothing(home, content):
    record(home, content)
    assert counted(home) == {}


def test_no_link_is_followed_out_of_a_home(tmp_path, home):
    other = tmp_path / "other"
    (other / "my_notebooks").mkdir(parents=True)
    foreign = record(other)
    (home / "my_notebooks" / solved.RECORD).symlink_to(foreign)
    assert solved_count.record_of(home) == b""
    (home / "my_notebooks" / solved.RECORD).unlink()
    (home / "my_notebooks").rmdir()
    (home / "my_notebooks").symlink_to(other / "my_notebooks")
    assert solved_count.record_of(home) == b""
    (tmp_path / "seat02").symlink_to(other)
    assert solved_count.record_of(tmp_path / "seat02") == b""
    assert solved_count.record_of(other) == SOLVED


def test_a_pipe_a_folder_and_a_flood_block_nobody(home):
    place = home / "my_notebooks" / solved.RECORD
    os.mkfifo(place)
    assert solved_count.record_of(home) == b""
    writer = os.open(place, os.O_RDWR | os.O_NONBLOCK)
    os.write(writer, SOLVED)
    assert solved_count.record_of(home) == b""
    os.close(writer)
    place.unlink()
    place.mkdir()
    assert solved_count.record_of(home) == b""
    place.rmdir()
    with place.open("wb") as stream:
        stream.truncate(1 << 40)  # a hole of a terabyte
    assert len(solved_count.record_of(home)) == solved.MOST + 1
    assert counted(home) == {}


def test_no_descriptor_is_left_open(home):
    record(home)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        counted(home, home / "none")
        (home / "my_notebooks" / solved.RECORD).unlink(missing_ok=True)
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before


def test_the_page_shows_a_bar_for_each_exercise():
    counts = dict.fromkeys(KNOWN, 0) | {"0.1": 12, "12.3": 30}
    page = solved_count.page(counts, 30)
    bars = bars_of(page)
    assert [bar[0] for bar in bars] == list(KNOWN)
    assert bars[0][1:] == ("40", "12")
    assert bars[1][1:] == ("0", "0")
    assert bars[-1][1:] == ("100", "30")
    assert "of 30 seats" in page
    assert '<meta http-equiv="refresh" content="20">' in page
    assert "color-scheme: light dark" in page
    assert "seat01" not in page
    assert "<!--" not in page


def test_a_seat_solves_and_the_teacher_alone_sees_the_count(room, visitors):
    """Exercise 1.3: no other check of this room solves it."""
    page = "/services/solved/"
    teacher = visitor(room, room.teacher)
    assert dict((n, k) for n, _, k in bars_of(teacher.ask("GET", page).text))["1.3"] == "0"
    visitors[0].open()
    kernel = visitors[0].kernel()
    said = kernel.run(
        "import os; os.chdir('my_notebooks'); from lecture_utils import checks\n"
        "print(checks.weight_std(lambda n, a: (2 / ((1 + a * a) * n)) ** 0.5))"
    )
    made = kernel.run('!python -m lecture_utils.authoring.certificate "Ada Lovelace"')
    visitors[0].api("DELETE", f"kernels/{kernel.key}")
    assert said.startswith("✓ Right")
    assert made.startswith("certificate.html"), made  # as binder/README.md tells a learner
    assert "Ada Lovelace" in visitors[0].read("my_notebooks/certificate.html")
    reply = teacher.ask("GET", page)
    assert ("1.3", "33", "1") in bars_of(reply.text)
    assert not any(name in reply.text for name in room.names)
    refused = visitors[1].ask("GET", page)
    assert refused.status_code == 403
    assert "do not have permission" in refused.text
    stranger = Visitor(room.url, "nobody").ask("GET", page)
    assert stranger.url.startswith(f"{room.url}/hub/login")
    assert not bars_of(refused.text + stranger.text)

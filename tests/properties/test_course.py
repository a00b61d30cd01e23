"""course.yml, glossary.yml and costs.yml: what an instructor may write, and what is refused."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from properties.bad import refusal

from lecture_utils.authoring import addresses, costs, generated, glossary, launch, maps, teaching
from lecture_utils.authoring import course as course_map

TEXT = course_map.COURSE.read_text(encoding="utf-8")
TRUE = yaml.safe_load(TEXT)
ID = "2r0QahNdwMw"


@pytest.fixture
def changed(tmp_path):
    """A course map in which one passage has become another."""

    def write(old, new, text=TEXT, name="course.yml"):
        assert old in text
        path = tmp_path / name
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return write


def place(text):
    """A value as it stands in a file."""
    return maps.Place("x.yml", ("key",), yaml.compose(text, Loader=yaml.SafeLoader))


def test_what_is_read_is_what_yaml_reads_in_the_courses_own_map():
    assert course_map.load() == TRUE


# A moment of the video, in every spelling (yaml/pyyaml#272)

SPELLINGS = {
    "9:56": 596, '"9:56"': 596, "596": 596, "596.0": 596, '"596"': 596, "0596": 596, "9m56s": 596,
    "596s": 596, "0:00": 0, '"0:00"': 0, "0": 0, "1:02:03": 3723, '"1:02:03"': 3723, "62:03": 3723,
    "1h2m3s": 3723, "01:30": 90, "'10:00'": 600, "100:00": 6000,
}  # fmt: skip
NO_MOMENT = [
    "-5", "-9:56", '"9:75"', "9:75", "9:5", "9:56.5", "596.5", "null", "~", "", "[9, 56]", "{a: 1}",
    "true", "soon", "1:2:3", "1:75:00", "9:56:61", ".inf", ".nan", "1e3", "0x254", "1_000",
    "9 : 56", "9;56", "9.56 min", "1234567", "٩:٥٦", '""', '" "', "2026-11-26",
]  # fmt: skip


@pytest.mark.parametrize(("written", "seconds"), SPELLINGS.items())
def test_a_moment_may_be_written_in_any_way(written, seconds):
    assert addresses.seconds(place(written)) == seconds


@given(st.integers(0, 999_999))
def test_seconds_and_minutes_are_the_same_moment(second):
    clock = course_map.clock(second)
    assert clock == f"{second // 60}:{second % 60:02}"
    assert addresses.seconds(place(str(second))) == second
    if second < 60_000:
        assert addresses.seconds(place(f'"{clock}"')) == addresses.seconds(place(clock)) == second
    if 3600 <= second < 360_000:
        hours = f"{second // 3600}:{second // 60 % 60:02}:{second % 60:02}"
        assert addresses.seconds(place(hours)) == second
        read = yaml.safe_load(hours)  # YAML's own reading, where it has one
        assert read in (second, hours)


@pytest.mark.parametrize("written", NO_MOMENT)
def test_what_is_no_moment_is_refused_by_key_and_line(written, changed):
    path = changed("start: 596", f"start: {written}")
    line = TEXT[: TEXT.index("start: 596")].count("\n") + 1
    said = refusal(lambda: course_map.load(path))
    where = f"course.yml, line {line}, lectures.22.chapters.mathematics.start: "
    assert said.startswith(where) or "it is no YAML" in said
    assert "got" in said or "YAML" in said


def test_a_time_in_minutes_gives_the_same_pages(changed):
    path = changed("start: 596", "start: 9:56")
    assert course_map.load(path) == TRUE
    mark = f"[Lecture 22, 9:56](https://youtu.be/{ID}?t=596)"
    assert course_map.cue(course_map.load(path), "mathematics") == mark


@pytest.mark.parametrize("start", ["300", "393", "1:00", "0", "900", "16:38"])
def test_chapters_that_do_not_ascend_are_named(start, changed):
    said = refusal(lambda: course_map.load(changed("start: 596", f"start: {start}")))
    assert "chapter times must ascend: " in said
    assert "'mathematics'" in said


# A video (devopsdays/devopsdays-web#3862) and a repository

VIDEOS = [
    ID, f'"{ID}"', f"https://youtu.be/{ID}", f"http://youtu.be/{ID}?t=596", f"youtu.be/{ID}",
    f"https://youtu.be/{ID}?si=abc&t=5", f"https://www.youtube.com/watch?v={ID}",
    f"https://www.youtube.com/watch?v={ID}&t=596s", f"https://youtube.com/watch?t=5&v={ID}",
    f"https://m.youtube.com/watch?v={ID}&list=PL1&index=2", f"www.youtube.com/watch?v={ID}",
    f"https://www.youtube.com/embed/{ID}", f"https://www.youtube.com/embed/{ID}?start=5",
    f"https://www.youtube.com/live/{ID}?feature=share", f"https://www.youtube.com/shorts/{ID}/",
    f"https://www.youtube-nocookie.com/embed/{ID}", f"HTTPS://YouTu.be/{ID}#t=5",
    f"https://music.youtube.com/watch?v={ID}",
]  # fmt: skip
NO_VIDEOS = [
    "https://vimeo.com/2r0QahNdwMw", f"https://example.org/watch?v={ID}", "2r0QahNdwM", f"{ID}x",
    f"https://youtu.be.example.org/{ID}", f"https://notyoutube.com/watch?v={ID}", "null", "", "[a]",
    "https://www.youtube.com/playlist?list=PLabcdefghij", "https://www.youtube.com/@channel",
    "https://www.youtube.com/embed/videoseries?list=PL1", "videoseries", "https://youtu.be/", "~",
    "https://www.youtube.com/watch", f"https://www.youtube.com/watch?v={ID}&v=ABCDEFGHIJK",
    f"ftp://youtu.be/{ID}", f"https://youtu.be/{ID}/x", "2r0Qah dwMw", "https://[youtu.be/x", "5",
    f"javascript:youtu.be/{ID}", f'"<iframe src=https://youtu.be/{ID}>"', "{id: 2r0QahNdwMw}",
    f"https://youtu.be/https://youtu.be/{ID}", "https://www.youtube.com/embed/live_stream?channel=x",
]  # fmt: skip


@pytest.mark.parametrize("written", VIDEOS)
def test_of_an_address_of_a_video_its_id_is_used(written, changed):
    course = course_map.load(changed(f"video: {ID}", f"video: {written}"))
    assert course == TRUE
    assert f"watch?v={ID})" in generated.beside(course)


@pytest.mark.parametrize("written", NO_VIDEOS)
def test_another_address_is_refused_by_key(written, changed):
    said = refusal(lambda: course_map.load(changed(f"video: {ID}", f"video: {written}")))
    assert "lectures.22.video: " in said


REPOSITORIES = [
    "someone/shortcuts", '"someone/shortcuts"', "https://github.com/someone/shortcuts",
    "https://github.com/someone/shortcuts/", "https://github.com/someone/shortcuts.git",
    "git@github.com:someone/shortcuts.git", "ssh://git@github.com/someone/shortcuts.git",
    "github.com/someone/shortcuts", "http://www.github.com/someone/shortcuts",
    "someone/shortcuts.git",
    "HTTPS://GitHub.com/someone/shortcuts",
]  # fmt: skip
NO_REPOSITORIES = [
    "shortcuts", "https://gitlab.com/someone/shortcuts", "https://github.com/someone", "a/b/c",
    "https://github.com/someone/shortcuts/tree/main", "someone/", "/shortcuts",
    "some one/shortcuts",
    "git@example.org:someone/shortcuts.git", "someone/..", "someone/.", "-a/b", "a--b/c", "ü/ü",
    "https://github.com/someone/shortcuts?tab=readme", "[someone, shortcuts]", "true", "5",
    "{a: b}",
    "someone/short#cuts", "someone\\shortcuts", "github.com/shortcuts", "someone/.git",
]  # fmt: skip


@pytest.mark.parametrize("written", REPOSITORIES)
def test_a_repository_may_be_named_in_any_way(written, changed):
    course = course_map.load(changed('repository: ""', f"repository: {written}"))
    assert course["repository"] == "someone/shortcuts"
    links = launch.links(course, "notebooks/x.ipynb")
    assert links["Codespaces"] == "https://codespaces.new/someone/shortcuts"


@pytest.mark.parametrize("written", ['""', "", "null", "~", "''"])
def test_no_repository_is_none_yet(written, changed):
    assert course_map.load(changed('repository: ""', f"repository: {written}")) == TRUE


@pytest.mark.parametrize("written", NO_REPOSITORIES)
def test_what_is_no_repository_of_github_is_refused(written, changed):
    said = refusal(lambda: course_map.load(changed('repository: ""', f"repository: {written}")))
    assert "repository: a repository on GitHub is expected here: owner/name" in said or (
        written[0] in "[{" and "repository: one text or number is expected here" in said
    )


# Everything else that can be got wrong: (passage, what it becomes, what the message says)

OPENING = "      opening:\n        start: 0"
WRONG = [
    ("title:", "titel:", "it has no key 'title': was 'titel' meant to be it?"),
    ("lectures:", "lessons:", "it has no key 'lectures'"),
    ("\nteaching:", "\nteach:", "it has no key 'teaching'"),
    ("\nnotebooks:", "\nbooks:", "it has no key 'notebooks'"),
    ("title:", "more: 1\ntitle:", "unknown key 'more': known are title, repository, lectures"),
    ("title:", "title: A\ntitle:", "the key stands twice, in line 4, too"),
    ("  22:\n", "  21:\n", "lectures.21: the key stands twice, in line "),
    ("      coding:\n", "      opening:\n", "chapters.opening: the key stands twice, in line"),
    ("      gelu:\n", "      layer-norm:\n", "another lecture has a chapter of this name"),
    ("  22:\n", "  twenty:\n", "a lecture's number is expected here"),
    ("  22:\n", "  [2]:\n", "a key must be one word or number"),
    ("  22:\n", "  <<: &a\n", ""),
    (f"    video: {ID}\n", "", "lectures.22: it has no key 'video': add it"),
    (f"video: {ID}", f"vidoe: {ID}", "was 'vidoe' meant to be it?"),
    ("      opening:\n", "      the opening:\n", "a chapter's name is expected here"),
    (OPENING, "      opening: 0\n      other:\n        start: 0", "keys with values are expected"),
    ('sections: ["1.1"]', "sections: 1.1", "a list is expected here"),
    ('sections: ["1.1"]', "sections: []", "needs at least one item"),
    ('sections: ["1.1"]', 'sections: ["1.9"]', "notebook 01 has no section 1.9: it has 1.1, 1.2"),
    ('sections: ["1.1"]', 'sections: ["77.1"]', "there is no notebook 77 in this file"),
    ('sections: ["1.1"]', "sections: [one]", "a section is expected here, such as"),
    ('sections: ["1.1"]', "sections: [null]", "one text or number is expected here; got nothing"),
    ('slides: ["01#predict-ten-sigmoids"]', "slides: [ten]", "a slide is expected here"),
    ('slides: ["01#predict-ten-sigmoids"]', "slides: 01#ten", "a list is expected here"),
    ("series:", "serie:", "it has no key 'series'"),
    ("title: Where we are; the", "title: [Where] #", "one text or number is expected"),
    ("title: Where we are;", "title: a | b", "a text of tables has no |"),
    ("title: Where we are;", "title: <!-- end -->", "no <!--"),
    ("title: Where we are;", "title: |\n          a\n          b\n        x:", ""),
    ("teaching:\n", "teaching: []\nmore:\n", "unknown key 'more'"),
    ('["00", "01", "02"], ["03"', '["00", "01", "02"], ["00"', "notebook 00 stands there twice"),
    ("blocks: [[", "blocks: [5, [", "a list is expected here, such as [a, b]; got '5'"),
    ('starts: "09:00"', 'starts: "25:00"', "a time of day is expected here"),
    ('starts: "09:00"', 'starts: "9:60"', "a time of day is expected here"),
    ('starts: "09:00"', "starts: noon", "a time of day is expected here"),
    ('starts: "09:00"', "starts: 9", "a time of day is expected here"),
    ("      projector: []\n", "", "teaching.editions.days: it has no key 'projector'"),
    ("    day:\n", "    Day:\n", "a name in small letters is expected here"),
    ("[welcome 15, ", "[welcome, ", 'with minutes ("break 15") is expected here'),
    ("[welcome 15, ", "[greetings 15, ", "welcome, questions, discussion, closing, break, lunch"),
    ("[welcome 15, ", "[welcome 0, ", "minutes are expected here, from 1 to 240"),
    ("[welcome 15, ", "[welcome 900, ", "minutes are expected here, from 1 to 240"),
    ("[welcome 15, ", "[welcome 1.5, ", "a notebook ("),
    ("[welcome 15, ", "[15, ", "there is no notebook 15 in this file"),
    ("[welcome 15, ", "[[welcome 15], ", "one text or number is expected here"),
    ('break 10, "01"', 'break 10, "1"', "a notebook ("),
    ('break 10, "01"', 'break 10, "99"', "there is no notebook 99 in this file"),
    ('break 10, "01"', 'break 10, "00"', "notebook 00 stands there twice"),
    ('"00 exercises", "01', '"00 pictures", "01', "a notebook ("),
    ('projector: ["04"', 'projector: ["94"', "it is no notebook of this file"),
    ('"00": [section 0.1', '"00": [section 0.9', "notebook 00 and its deck have no section 0.9"),
    ('"00": [section 0.1', '"00": [slide none', "notebook 00 and its deck have no slide none"),
    ("without: {}", "without: []", "keys with values are expected here"),
    ('      exercise 1.2: "', '      exercise 1.9: "', "notebook 01 has no exercise 1.9"),
    ('      exercise 1.2: "', '      exercise 2.2: "', 'or "exercise 1.1" of notebook 01'),
    ('      exercise 1.2: "', '      excercise 1.2: "', '"section 1.1" or "exercise 1.1"'),
    ('    "01":\n      exercise', '    "1":\n      exercise', "two digits such as"),
    ("file: 00_start_here", "file: 00_starts_here", "the folder notebooks has no such file"),
    ("file: 00_start_here", "file: ../00_start_here", "a file name such as 00_a_name.ipynb"),
    ("file: 00_start_here", "file: 01_vanishing_gradients", "a file name such as 00_a_name.ipynb"),
    ("builds: A working", "build: A working", "was 'build' meant to be it?"),
    ("    objectives:\n", "    objectives: []\n    more:\n", ""),
    ("    cues: []\n", "    cues: [nowhere]\n", "unknown chapter 'nowhere': known are"),
    ("    cues: []\n", "    cues: opening\n", "a list is expected here"),
    ("    cues: []\n", "    cues: [[opening]]\n", "one text or number is expected here"),
    ("    cues: []\n", "    cues:\n", "a list is expected here, such as [a, b]; got nothing"),
    ("lecture up to {minute:coding}.", "lecture up to {minute: coding}.", "without spaces"),
    ("lecture up to {minute:coding}", "lecture up to {minute:codign}", "unknown chapter 'codign'"),
    ("title: Start here", "title: At {minute:coding}", "is filled in under `before` alone"),
    ("title: Start here", "title:", "one text or number is expected here; got nothing"),
    ("title: Start here", 'title: " "', "a text of one line is expected here"),
    ('  "00":\n    file', '  "0":\n    file', ""),
    ("title: Start here", "\ttitle: Start here", "indent with spaces, not with a tab"),
    ("title: Start here", "title: 'Start here", "it is no YAML: line"),
    ("title: Start here", "title: Start: here", "it is no YAML: line"),
    ("title: Start here", "title: *here", "it is no YAML: line"),
    ("title: Start here", "title: &a [*a]", "one text or number is expected here"),
    ("title: Start here", 'title: "a\\x07b"', "control characters"),
    ("title:", "--- {}\n---\ntitle:", "it is no YAML: "),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), WRONG)
def test_what_is_not_understood_is_refused(old, new, says, changed):
    said = refusal(lambda: course_map.load(changed(old, new)))
    assert says in said
    assert said.startswith("course.yml")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"---\n", "keys with values are expected here; got nothing"),
        (b"- title\n- lectures\n", "keys with values are expected here; got a list"),
        (b"title\n", "keys with values are expected here; got 'title'"),
        (b"{}", "keys with values are expected here"),
        (b"\xff\xfet\x00i\x00", "it is no UTF-8 text"),
        (TEXT.encode("utf-16-le"), "course.yml: it is no"),
        (b"a: \x00", "it is no YAML"),
        (b"[" * 800, "it is no YAML"),
    ],
)
def test_a_file_that_is_no_map_is_refused(data, says, tmp_path):
    (tmp_path / "course.yml").write_bytes(data)
    assert says in refusal(lambda: course_map.load(tmp_path / "course.yml"))


def test_a_file_that_is_not_there_or_has_a_mark_of_its_encoding(tmp_path):
    for path in (tmp_path / "none.yml", tmp_path):
        said = refusal(lambda path=path: course_map.load(path), error=FileNotFoundError)
        assert str(path) in said
    (tmp_path / "course.yml").write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert course_map.load(tmp_path / "course.yml") == TRUE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('sections: ["1.1"]', "sections: [1.1]"),
        ('["00", "01", "02"], ["03"', "[00, 01, 02], [03"),
        ('[welcome 15, "00", break 10, "01"', "[welcome 15, 00, break 10, 01"),
        ('"00": [section 0.1', "00: [section 0.1"),
        ('starts: "09:00"', "starts: 9:00"),
        ('starts: "18:30"', "starts: 18:30"),
        ('  "09":\n    file', "  09:\n    file"),
        ('  "01":\n    file', "  01:\n    file"),
        ("[welcome 15", '["welcome 15"'),
        ("  22:\n", '  "22":\n'),
    ],
)
def test_what_yaml_would_misread_is_read_as_it_is_written(old, new, changed):
    assert course_map.load(changed(old, new)) == TRUE


def test_an_unquoted_section_keeps_its_last_zero(changed):
    assert yaml.safe_load("2.10") == 2.1  # why YAML's own reading will not do
    course = course_map.load(changed('sections: ["2.1"]', "sections: [2.10]"))
    assert course["lectures"][22]["chapters"]["mechanism"]["sections"] == ["2.10"]


KEYS = sorted({key for key in re.findall(r"^ *([\w-]+):", TEXT, re.MULTILINE) if key.isascii()})
VALUES = st.sampled_from(
    ["[]", "{}", "null", "[[]]", "{a: {b: 1}}", "!!python/object:os.x {}", "- "]
)


@given(st.sampled_from(KEYS), VALUES)
def test_no_value_of_the_wrong_kind_gets_through(tmp_path_factory, key, value):
    """Whatever key is given whatever value: read as before, or refused in words."""
    if (key, value) in [("repository", "null")] or (key in ("cues", "slides") and value == "[]"):
        return
    path = tmp_path_factory.mktemp("map") / "course.yml"
    text = re.sub(
        rf"^( *){key}:.*(?:\n\1 +.*)*", rf"\g<1>{key}: {value}", TEXT, count=1, flags=re.M
    )
    path.write_text(text, encoding="utf-8")
    assert refusal(lambda: course_map.load(path)).startswith("course.yml")


@given(st.integers(0, 24 * 60 - 1), st.integers(0, 3000))
def test_the_clock_goes_round(start, later):
    began = f"{start // 60:02}:{start % 60:02}"
    then = (start + later) % 1440
    assert teaching.clock(began, later) == f"{then // 60:02}:{then % 60:02}"


@pytest.mark.parametrize("start", ["25:00", "9", "9:60", "", "-1:00", None, 540, "a:b", "9:00:00"])
def test_what_is_no_time_of_day_has_no_later(start):
    assert "a time of day is expected" in refusal(lambda: teaching.clock(start, 5))


# glossary.yml and costs.yml

WORDS = glossary.GLOSSARY.read_text(encoding="utf-8")
X = '- {name: "$x$", means:'
WRONG_WORDS = [
    ("symbols:", "symbol:", "was 'symbol' meant to be it?"),
    ("free: [a,", "free: [[a],", "one text or number is expected here"),
    ("free:", "free: []\nmore:", ""),
    (X, '- {name: "$y$", means:', "$y$ stands there twice"),
    (X, '- {name: "x$", means:', "between two dollars"),
    (X, '- {name: "$x$", name: "$x$", means:', "the key stands twice"),
    (X, '- {name: "$x$", mean:', "was 'mean' meant to be it?"),
    (X, '- {name: "$x$", form: "(", means:', "a regular expression is expected here"),
    (X, "- {name: [], means:", "one text or number is expected here"),
    (X, "- {means:", "it has no key 'name'"),
    ('since: "00"}', 'since: "0"}', "two digits such as"),
    ("terms:\n", "terms: {}\nx:\n", ""),
]
SPENT = costs.MEASURED.read_text(encoding="utf-8")
SECONDS, MB, DAY = (re.search(rf"{key}.*", SPENT)[0] for key in ("seconds:", "MB:", "date:"))
WRONG_COSTS = [
    ("machine:", "machines:", "was 'machines' meant to be it?"),
    (SECONDS, "seconds: -6", "a whole number, zero or more"),
    (SECONDS, "seconds: six", "a whole number, zero or more"),
    (SECONDS, "seconds: 0", "a number above 0"),
    (MB, "MB: .nan", "a whole number, zero or more"),
    (MB, "GB: 416", "it has no key 'MB'"),
    ("'01':", "'77':", "unknown notebook '77'"),
    ("'01':", "'00':", "the key stands twice"),
    (DAY, "date: yesterday", "a day is expected here"),
    (DAY, "date: 2026-13-40", "a day is expected here"),
]


@pytest.mark.parametrize(("old", "new", "says"), WRONG_WORDS)
def test_a_glossary_that_is_not_understood_is_refused(old, new, says, changed):
    path = changed(old, new, WORDS, "glossary.yml")
    said = refusal(lambda: glossary.load(TRUE, path))
    assert says in said
    assert said.startswith("glossary.yml")


@pytest.mark.parametrize(
    ("old", "new", "says"), WRONG_COSTS, ids=[new for _, new, _ in WRONG_COSTS]
)
def test_costs_that_are_not_understood_are_refused(old, new, says, changed):
    path = changed(old, new, SPENT, "costs.yml")
    said = refusal(lambda: costs.load(TRUE, path))
    assert says in said
    assert said.startswith("costs.yml")


def test_both_files_are_read_as_yaml_reads_them(tmp_path):
    assert costs.load(TRUE) == yaml.safe_load(SPENT)
    found = yaml.safe_load(WORDS)
    entries, free = glossary.load(TRUE)
    wanted = [e for e in [*found["symbols"], *found["terms"]] if e["since"] in TRUE["notebooks"]]
    assert [(e.name, e.means, list(e.words)) for e in entries] == [
        (w["name"], w["means"], w.get("words", [])) for w in wanted
    ]
    assert free == found["free"]
    for load in (glossary.load, costs.load):
        refusal(lambda load=load: load(TRUE, tmp_path / "none.yml"), error=FileNotFoundError)

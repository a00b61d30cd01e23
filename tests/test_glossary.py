"""One meaning for each symbol and term: the notebooks are held to notebooks/glossary.yml."""

import re

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import generated, glossary
from lecture_utils.authoring.glossary import Entry

COURSE = course_map.load()
ENTRIES, FREE = glossary.load(COURSE)
PROSE = glossary.prose(COURSE)

# A formula is put into ⟦ ⟧ first; here one that is a symbol alone, perhaps with an index, a hat or
# a number: $L$, $\delta_l$, $\hat h$, $\eta = 0.1$.
_INDEX = r"(?:_(?:\{[^{}]*(?:\{[^{}]*\})?\}|\\?[A-Za-z0-9]+))?"
_NAME = r"(?:\\(?:hat|bar|tilde)\s*)?((?:\\mathcal\s*)?(?:\\[A-Za-z]+|[A-Za-z])" + _INDEX + ")"
_BARE, _VALUED = rf"⟦{_NAME}⟧", rf"⟦{_NAME}(?:\s*=\s*[-.,\d\s{{}}]+)?⟧"
_NOUNS = r"^(direction|position|eigenvector|slope|rate|constant|angle|vocabulary|temperature)s?$"
_INTRODUCTIONS = (
    # $L$ is the depth, $L$ stands for, $J$ belongs to, $L$: the depth, $d_h$ the width of
    _BARE + r"(?:,? (?:is|are|be) (?:the|an?|how|what)|,? stands? for|,? belongs? to|"
    r":(?= (?:the|an?|how|what|one) )| the| counts?) ([^.;:⟦]+)",
    # the depth $L$, a strength $s$, learning rate $\eta = 0.1$
    r"\b((?:[a-z-]+ ){0,2}[a-z-]+) " + _VALUED,
    # $L$ blocks, $n$ neurons
    _VALUED + r" ([a-z]+s)\b",
)


def introductions(text):
    """Each place that says what a symbol is: (symbol as written, the words about it, explicit)."""
    text = re.sub(r"\$\$.+?\$\$", "⟦ ⟧", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", re.sub(r"\$([^$]+)\$", r"⟦\1⟧", text))
    for k, pattern in enumerate(_INTRODUCTIONS):
        for match in re.finditer(pattern, text, flags=re.IGNORECASE):
            symbol, words = match.groups() if k != 1 else reversed(match.groups())
            yield symbol, words, k == 0


def fits(entry, words):
    return any(re.search(word, words, flags=re.IGNORECASE) for word in entry.words)


def used_otherwise(text, entries=ENTRIES):
    """The introductions that do not go with the glossary.

    An explicit one ("$L$ is the …") must contain a key word of its symbol, and its first words must
    not be another symbol's; any other ("the depth $L$", "$L$ blocks") must not name another's.
    """
    for symbol, words, explicit in introductions(text):
        found = glossary.symbols(symbol)
        entry = glossary.entry_of(found[0][1], entries) if found else None
        if entry is None or not entry.words:
            continue
        first = " ".join(words.split()[:4]) if explicit else words.split()[-1]
        others = any(fits(e, first) for e in entries if e.words and e is not entry)
        foreign = not fits(entry, first if explicit and others else words)
        if foreign and (explicit or others or re.match(_NOUNS, first)):
            yield f"{entry.name} ({entry.means}) is introduced as {words[:60]!r}"


def missing(prose, entries, free):
    """Symbols in the formulas of two notebooks that are neither in the glossary nor free."""
    met = {}
    for number, text in prose.items():
        for formula in glossary.formulas(text):
            for name, rest in glossary.symbols(formula):
                if name not in free and glossary.entry_of(rest, entries) is None:
                    met.setdefault(glossary.kind_of(name, rest), set()).add(number)
    return {name: sorted(numbers) for name, numbers in met.items() if len(numbers) > 1}


@pytest.mark.parametrize("number", list(COURSE["notebooks"]))
def test_no_symbol_is_used_otherwise(number):
    assert list(used_otherwise(PROSE[number])) == []


def test_introductions_are_found():
    found = [entry for text in PROSE.values() for entry in introductions(text)]
    known = [f for f in found if any(glossary.symbols(f[0])[:1])]
    assert len(known) > 20 * len(PROSE) / 4


def test_every_symbol_of_two_notebooks_is_in_the_glossary():
    assert missing(PROSE, ENTRIES, FREE) == {}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_used_in_two_notebooks(entry):
    assert len(glossary.uses(COURSE, [entry] + [e for e in ENTRIES if e != entry])[entry.name]) > 1


def test_free_letters_are_in_no_entry():
    for letter in FREE:
        assert glossary.entry_of(letter, ENTRIES) is None, letter


def test_the_glossary_stands_in_notebook_00_and_in_the_readme():
    table = glossary.table(COURSE)
    pages = generated.pages(COURSE)
    assert table in pages[generated.README].decode()
    assert all(entry.name in table and entry.means in table for entry in ENTRIES)
    cells = course_map.notebooks.read(course_map.notebooks.path_of("00")).cells
    assert sum(table in cell.source for cell in cells) == 1


DEPTH = Entry("$L$", "depth", r"L", words=("depth", "block", "layer"))
WIDTH = Entry("$n$", "width", r"n(?![a-z])", words=("width", "neuron", "numbers"))
HEAD = Entry("$d_h$", "width of one head", "d_h", words=("head",))
STREAM = Entry("$d$", "width of the stream", r"d(?![a-z])", words=("stream", "numbers"))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("$L$ is the number of layers", False),
        ("$L$ is the number of neurons", True),
        ("Let $L$ be the width of a layer's input", False),  # a key word of its own is there
        ("Let $L$ be what comes before the first layer", False),
        ("Let $L$ be the width", True),
        ("Let $L$ be the number of neurons in a layer", True),
        ("the depth $L$", False),
        ("a width $L$", True),
        ("$L$ blocks of $n$ neurons", False),
        ("$L$ neurons", True),
        ("$n$ blocks", True),
        ("with $d_h$ the width of one head", False),
        ("with $d_h$ the width of the stream", True),
        ("$d$: numbers of a token", False),
        ("$d$: a small step", True),
        ("$L$: the depth", False),
        ("two directions $d$ of length 1", True),
        ("at position $n$", True),
        ("where $L$ belongs to the branch", True),
        ("of width $n = 64$", False),
        ("of depth $n = 64$", True),
        ("a width $q$", False),  # not in the glossary: not this rule's business
        ("$L$ times", False),
    ],
)
def test_a_symbol_used_otherwise_is_found(text, wrong):
    assert bool(list(used_otherwise(text, [DEPTH, WIDTH, HEAD, STREAM]))) is wrong, text


def test_a_symbol_that_is_missing_is_found():
    prose = {"01": r"$L + q_1$ and $\lambda$, $\sigma'(z)$", "02": r"$q^2$, $\sigma_{\min}$, $z$"}
    assert missing(prose, [DEPTH], ["z"]) == {"q": ["01", "02"]}
    assert missing(prose, [DEPTH], []) == {"q": ["01", "02"], "z": ["01", "02"]}


def test_text_in_a_formula_is_no_symbol():
    formula = r"\mathrm{Var}(W) \text{ for } \tfrac1n \mathrm dy + \mathcal L + \mathbb E[\varphi']"
    names = [name for name, _ in glossary.symbols(formula)]
    assert names == ["W", "n", "y", r"\mathcalL", r"\mathbbE", r"\varphi"]


def test_the_longest_form_wins():
    assert glossary.entry_of(r"d_h + d", [STREAM, HEAD]) == HEAD
    assert glossary.entry_of(r"d + d_h", [STREAM, HEAD]) == STREAM


def test_an_entry_that_stands_twice_is_an_error(tmp_path):
    text = glossary.GLOSSARY.read_text(encoding="utf-8")
    path = tmp_path / "glossary.yml"
    path.write_text(re.sub(r'name: "\$y\$"', 'name: "$x$"', text, count=1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"glossary\.yml: \$x\$ stands there twice"):
        glossary.load(COURSE, path)

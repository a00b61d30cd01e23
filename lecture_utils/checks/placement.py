"""Checks for notebook 07: place the norms, and find them from outside (exercises 7.1 and 7.2)."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded

KINDS = ("none", "pre", "post", "sandwich", "output")


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _norm(h: Tensor) -> Tensor:
    return nn.functional.layer_norm(h, h.shape[-1:])


@graded
def pre_norm_block(answer: Callable) -> str:
    """Exercise 7.1: a pre-norm block from its parts."""
    x, dim = _random(2, 3, 4), 4
    A, M = _random(dim, dim, seed=1), _random(dim, dim, seed=2)

    def attention(h: Tensor) -> Tensor:
        return torch.tanh(h @ A).cumsum(1)

    def feed_forward(h: Tensor) -> Tensor:
        return torch.tanh(h @ M)

    def norm_1(h: Tensor) -> Tensor:
        return 2 * _norm(h)

    def norm_2(h: Tensor) -> Tensor:
        return 3 * _norm(h)

    given = x.clone()
    found = tensor(answer(x, attention, feed_forward, norm_1, norm_2), (2, 3, 4))
    if not torch.equal(x, given):
        raise NotYet("Your block changes its input in place (`x +=`). Write x = x + … instead.")
    middle = x + attention(norm_1(x))
    if torch.allclose(found, middle + feed_forward(norm_2(middle))):
        return (
            "Read your two lines again: with both branches at 0 nothing is left but `return x`. "
            "No line of a post-norm block can say that."
        )
    name_slip(found, _placement_slips(x, attention, feed_forward, norm_1, norm_2))
    raise NotYet(
        "That is none of the usual slips, and not pre-norm. Follow the middle picture of section "
        "7.1 from below: what does each branch read, and what is its output added to?"
    )


def _placement_slips(
    x: Tensor, att: Callable, ff: Callable, n1: Callable, n2: Callable
) -> list[tuple[Tensor, str]]:
    """Return what the usual slips give."""
    mid, bare = x + att(n1(x)), att(n1(x))
    post, normed, out = n1(x + att(x)), n1(x), x + n1(att(x))
    late = normed + att(normed)
    from_normed = (
        "The shortcut starts behind the norm: `x = norm(x)` and then `x + …` adds the normed x. "
        "The norm belongs to the branch alone."
    )
    return [
        (n2(post + ff(post)), "That is post-norm: both norms stand after the sum."),
        (n2(late) + ff(n2(late)), from_normed),
        (late + ff(n2(late)), from_normed),
        (n2(mid) + ff(n2(mid)), from_normed),
        (out + n2(ff(out)), "Your norms stand at the branches' exits, as in OLMo 2. Pre-norm has "
                            "them at the entries."),
        (mid + ff(n2(x)), "Feed-forward reads the block's input: those are parallel branches, as "
                          "in GPT-J. Let it read the stream after the first sum."),
        (x + ff(n2(mid)), "The second shortcut starts at the block's input, so attention's update "
                          "is lost from the stream. Start it at the first sum."),
        (bare + ff(n2(bare)), "The shortcut around attention is missing."),
        (ff(n2(mid)), "The shortcut around feed-forward is missing."),
        (ff(n2(bare)), "Both shortcuts are missing: that is a plain block."),
        (mid + ff(n1(mid)), "norm_1 is used twice. Each norm has learned its own gain."),
        (mid + ff(mid), "Feed-forward reads the bare stream: norm_2 is not used."),
        (x + att(x) + ff(n2(x + att(x))), "Attention reads the bare stream: norm_1 is not used."),
        (n2(mid + ff(mid)), "The second norm stands after the sum: half pre-norm, half post-norm."),
        (mid, "Feed-forward is missing."),
        (mid + ff(n2(bare)), "Feed-forward reads attention's output alone. Let it read the stream "
                             "after the first sum."),
        (x + ff(n2(bare)), "Attention's output never reaches the stream: there are two sums, one "
                           "for each branch."),
        ((x + ff(n1(x))) + att(n2(x + ff(n1(x)))), "Attention comes first, then feed-forward."),
        ((x + ff(n2(x))) + att(n1(x + ff(n2(x)))), "Attention comes first, then feed-forward."),
    ]  # fmt: skip


def _sublayer(kind: str, branch: Callable, x: Tensor) -> Tensor:
    """Wire a branch in one of the five ways; gains 1, biases 0."""
    y = branch(_norm(x) if kind in ("pre", "sandwich") else x)
    y = _norm(y) if kind in ("sandwich", "output") else y
    return _norm(x + y) if kind == "post" else x + y


def _branches(dim: int, seed: int) -> dict[str, Callable]:
    """Return branches of several kinds; none is blind to a constant or to the length of x."""
    W, V = (_random(dim, dim, seed=seed + k) / dim**0.5 for k in (1, 2))
    bias = _random(dim, seed=seed + 3)

    def feed_forward(h: Tensor) -> Tensor:
        return nn.functional.gelu(h @ W + bias) @ V

    def attention(h: Tensor) -> Tensor:
        weights = (h @ W @ h.mT / dim**0.5).softmax(-1)
        return weights @ h @ V

    def linear(h: Tensor) -> Tensor:
        return h @ W

    def centred(h: Tensor) -> Tensor:
        y = 2 * feed_forward(h)
        return y - y.mean(-1, keepdim=True)

    return {"usual": feed_forward, "attention": attention, "linear": linear, "centred": centred}


def _hint(right: str, found: str, branch: str) -> str:
    """Say what probably went wrong."""
    if branch == "weak":
        return (
            "The branch was weak and the tokens that you were given came out of a norm: then f(x) "
            "looks normalised whatever the wiring. Try f on tokens of your own that are not, "
            "such as 3 * x + 1."
        )
    if branch == "linear" and {right, found} <= {"output", "sandwich"}:
        return (
            "The branch was linear: twice the input, twice its output. Then a norm at the exit "
            "already hides the length of x. A norm at the entrance hides the length, and one thing "
            "more."
        )
    if branch == "centred":
        return (
            "The branch's output had mean 0, but not mean square 1. A norm makes both: test both."
        )
    if right == "post":
        return "Only a norm after the sum makes mean 0 and mean square 1 of every f(x)."
    if found == "post":
        return "f(x) was not normalised. What was: the sum, or the update f(x) − x?"
    if right in ("pre", "sandwich") and found in ("none", "output"):
        return (
            "There was a norm at the entrance. Which change of x does such a norm hide from the "
            "branch? Then the *update* stays as it was, up to rounding."
        )
    if found in ("pre", "sandwich") and right in ("none", "output"):
        return (
            "There was no norm at the entrance. A change of x that such a norm would hide changed "
            "the update."
        )
    return (
        "Look at the update, f(x) − x, token by token: a norm at the exit of the branch gives it "
        "mean 0 and mean square 1."
    )


@graded
def placement(answer: Callable) -> str:
    """Exercise 7.2: find the norms of a sublayer by calling it."""
    for dim, seed in ((16, 0), (48, 7)):
        x = _random(5, dim, seed=seed)
        branches = _branches(dim, seed)
        trials = [(kind, name, F, x) for name, F in branches.items() for kind in KINDS]
        trials += [(kind, "usual", branches["usual"], 20 * x - 3) for kind in KINDS]
        weak = partial(_weakened, branches["usual"])
        trials.append(("pre", "weak", weak, _norm(x)))
        for right, name, F, tokens in trials:
            given = tokens.clone()
            found = answer(partial(_sublayer, right, F), tokens)
            if not torch.equal(tokens, given):
                raise NotYet("Your function changes the caller's x. Work on a copy.")
            if not isinstance(found, str) or found not in KINDS:
                names = ", ".join(f'"{kind}"' for kind in KINDS)
                raise NotYet(f"Return one of {names}; yours returned {found!r}.")
            if found != right:
                raise NotYet(
                    f'A sublayer "{right}" was taken for "{found}". {_hint(right, found, name)}'
                )
    return (
        "You never looked inside. Each norm leaves a trace: what it makes of its output, or what "
        "it hides from its input."
    )


def _weakened(branch: Callable, h: Tensor) -> Tensor:
    return 1e-3 * branch(h)

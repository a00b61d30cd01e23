"""The ten panels that the clinic's pictures are made of; each returns what it shows, in words."""

import copy
import itertools
import math

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from lecture_utils import plots
from lecture_utils.clinic.properties import recorded, shortcut_matrix, silenced
from lecture_utils.clinic.ward import DeepNormSublayer

SIZE = 11.5  # points: 14 px and more where the figure is 640 px wide
MATRICES = {  # how the figure calls a branch's matrices
    "query": "Q", "key": "K", "value": "V", "out": "out", "expand": "exp", "contract": "con",
}  # fmt: skip


def grid(
    ax: Axes,
    values: Tensor,
    xlabel: str,
    ylabel: str,
    digits: int | None = 1,
    top: float | None = None,
    signed: bool = False,
) -> None:
    """Draw a matrix as cells; numbers in them where `digits` is given, 0 for an exact zero.

    Args:
        ax: where.
        values: the matrix; nan leaves a gap.
        xlabel: name of the columns.
        ylabel: name of the rows.
        digits: after the point.
        top: the value with the darkest colour; the largest of the matrix if None.
        signed: red and blue even where no value is negative.
    """
    values = values.detach()
    top = top or values[values.isfinite()].abs().max().item()
    signed = signed or (values < 0).any().item()
    low, colours = (-top, "RdBu_r") if signed else (0.0, "Blues")
    ax.imshow(values.numpy(), cmap=colours, vmin=low, vmax=top, aspect="auto")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    numbered = digits is not None and values.isfinite().all()
    for set_ticks, count in zip((ax.set_yticks, ax.set_xticks), values.shape, strict=True):
        set_ticks(range(count) if numbered else [], range(1, count + 1) if numbered else [])
    ax.tick_params(length=0)
    ax.grid(False)
    for (row, column), value in zip(
        torch.cartesian_prod(*map(torch.arange, values.shape)), values.flatten(), strict=True
    ):
        if digits is not None and value.isfinite():
            dark = abs(value) > (0.55 if not signed else 0.7) * top
            text = "0" if value == 0 else f"{value:z.{digits}f}".replace("-", "−")
            ax.text(column, row, text, ha="center", va="center", fontsize=SIZE,
                    color="white" if dark else "black")  # fmt: skip


def influence(model: nn.Module, x: Tensor, axis: int) -> Tensor:
    """Change one sample (axis 0) or token (1) at random: how far each output moves, (n, n)."""
    draw = torch.Generator().manual_seed(7)
    rows = []
    for place in range(x.shape[axis]):
        kick = torch.zeros_like(x)
        size = x.select(axis, place).shape
        kick.select(axis, place).copy_(torch.randn(size, generator=draw, dtype=x.dtype))
        moved = (model(x + kick) - model(x)).square().mean(2).mean(1 - axis).sqrt()
        rows.append(torch.where(moved < 1e-9, 0.0, moved))
    return torch.stack(rows)


def _who_moves(ax: Axes, model: nn.Module, x: Tensor, axis: int) -> str:
    kind = ("sample", "token")[axis]
    moved = influence(model, x, axis)
    grid(ax, moved, f"{kind} whose output moves", f"{kind} changed", digits=2)
    reached = [", ".join(str(int(j) + 1) for j in row.nonzero()) for row in moved]
    return f"{kind}s reached from 1, 2, …: " + "; ".join(reached)


def samples(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw which samples' outputs move when one sample is changed."""
    return _who_moves(ax, model, x, 0)


def tokens(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw which tokens' outputs move when one token is changed."""
    return _who_moves(ax, model, x, 1)


def shortcut(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw the first attention sublayer's Jacobian less its branch's, (dim, dim)."""
    matrix = shortcut_matrix(model.blocks[0].attention, x[0, 0])
    diagonal = matrix.diagonal()
    other = matrix - torch.diag(diagonal)
    other = torch.where(other.abs() < 1e-9, 0.0, other)
    grid(
        ax, matrix, "", "entry of the output", digits=None, top=DeepNormSublayer.alpha, signed=True
    )
    ax.set(xticks=(0, 7, 15), yticks=(0, 7, 15), xticklabels=(1, 8, 16), yticklabels=(1, 8, 16))
    away = f"{other.min():z.2f} to {other.max():z.2f}" if other.any() else "0"
    words = f"diagonal {diagonal.min():.2f} to {diagonal.max():.2f}"
    ax.set_xlabel(f"{words},\nelsewhere {away}".replace("-", "−"))
    return f"the shortcut's 16 x 16 matrix has {words}, elsewhere {away}"


def _short(value: Tensor) -> str:
    """Print a whole number without decimals: an exact 0 is 0."""
    return f"{value:z.0f}" if value == value.round() else f"{value:z.1f}".replace("-", "−")


def shares(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw how many times each branch's output is found in its block's h_(l+1) − h_l."""
    found = []
    h, updates = recorded(model, x)
    for place, (before, after) in enumerate(itertools.pairwise(h)):
        pair = torch.stack([update.flatten() for update in updates[2 * place : 2 * place + 2]], 1)
        change = (after - before).flatten()[:, None]
        found.append(torch.linalg.lstsq(pair, change).solution[:, 0].detach())
    found = torch.stack(found).T.round(decimals=6)  # (2, blocks)
    places = torch.arange(1.0, found.shape[1] + 1).numpy()
    for share, side, label, hatch in zip(
        found, (-0.2, 0.2), ("attention", "feed-forward"), ("", "//"), strict=True
    ):
        bars = ax.bar(places + side, share.numpy(), 0.36, color=plots.SKY, edgecolor="black",
                      hatch=hatch, label=label)  # fmt: skip
        ax.bar_label(bars, [_short(value) for value in share], fontsize=SIZE)
    top = max(2.2, 1.6 * found.max().item())
    ax.set(xlabel="block", ylabel="times in the sum", xticks=places, yticks=[0, 1, 2])
    ax.set_ylim(min(0, 1.2 * found.min().item()), top)
    ax.legend(fontsize=SIZE, loc="upper right")
    return (
        "each block adds its attention's output "
        + ", ".join(map(_short, found[0]))
        + " times and its feed-forward's "
        + ", ".join(map(_short, found[1]))
    )


def training(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw what training with silent branches multiplies each entry of the stream with."""
    silent, runs = silenced(model).train(), []
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        for _ in range(25):  # the first is drawn
            h = silent.stream(x)
            runs.append(h[-1] / h[0])
    ratio = torch.stack(runs).detach()
    grid(ax, ratio[0, 0], "entry", "token", digits=None, top=0.9**-6)
    ax.set_yticks(range(6), range(1, 7))
    empty = (ratio == 0).double().mean()
    factor = f"times {ratio[ratio != 0].mean():.2f}"
    ax.set_xlabel(f"entry (white: 0, blue: {factor})" if empty else f"entry (all: {factor})")
    return f"in training, with silent branches, {empty:.1f} of the stream's entries are 0"


def padding(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw the first head's attention weights where tokens 1 and 2 are padding."""
    marked = torch.zeros(x.shape[:2], dtype=torch.bool)
    marked[0, :2] = True
    part = model.blocks[0].attention
    weights = part.branch.scores(part.norm_in(model.embed(x)), marked).softmax(-1)[0, 0]
    grid(ax, weights, "token seen (1 and 2: padding)", "token that looks", digits=2)
    last = ", ".join(f"{w:.2f}" for w in weights[-1])
    third = ", ".join(f"{w:.2f}" for w in weights[2])
    return f"attention weights of token 3: {third}; of token 6: {last}; 1 and 2 are padding"


def positions(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw what is added to the first entry of each token of each sample."""
    added = (model.embed(x) - x)[..., 0]
    grid(ax, added, "token (entry 1 of 16)", "sample")
    words = "; ".join(", ".join(f"{v:z.1f}" for v in row) for row in added)
    return f"added to the first entry of each token, by sample: {words}"


def _cosines(decoder: nn.Module) -> Tensor:
    """Return the cosine between the weights of each two blocks, (blocks, blocks)."""
    weights = [
        torch.cat([p.flatten() for p in block.parameters() if p.dim() == 2])
        for block in decoder.blocks
    ]
    u = nn.functional.normalize(torch.stack(weights), dim=1)
    return u @ u.T


def likeness(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw how alike the blocks' weights are, before and after one step of gradient descent."""
    trained = copy.deepcopy(model)
    draw = torch.Generator().manual_seed(3)
    (trained(x) * torch.randn(x.shape, generator=draw, dtype=x.dtype)).sum().backward()
    for parameter in trained.parameters():
        if parameter.grad is not None:
            parameter.data -= 0.3 * parameter.grad
    before, after = _cosines(model), _cosines(trained)
    gap = torch.full((len(before), 1), math.nan)
    grid(ax, torch.cat([before, gap, after], 1), "before         after one step", "block", 2, 1.0)
    size = len(before)
    names = [*range(1, size + 1), "", *range(1, size + 1)]
    ax.set_xticks(range(2 * size + 1), names)
    ax.set_yticks(range(size), range(1, size + 1))
    ax.set_xticks([k - 0.5 for k in range(2 * size + 2)], minor=True)
    ax.set_yticks([k - 0.5 for k in range(size + 1)], minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="minor", length=0)
    off = ~torch.eye(len(after), dtype=torch.bool)
    return (
        f"cosine between the weights of two blocks: {before[off].min():z.2f} to "
        f"{before[off].max():z.2f} before and {after[off].min():z.2f} to "
        f"{after[off].max():z.2f} after one step"
    )


def spread(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw the spread of each kind of starting matrix, over the usual one."""
    found = {name: [] for name in MATRICES}
    for name, parameter in model.blocks.named_parameters():
        if parameter.dim() == 2 and "norm" not in name:
            found[name.split(".")[-2]].append((parameter.std() / model.std).item())
    spreads = [sum(values) / len(values) for values in found.values()]
    bars = ax.bar(list(MATRICES.values()), spreads, color=plots.SKY, edgecolor="black")
    ax.bar_label(bars, fmt="{:.1f}", fontsize=SIZE, label_type="center")
    small = 1 / math.sqrt(2 * len(model.blocks))
    for height in (1.0, small):
        ax.axhline(height, color=plots.THEORY, linestyle=":", linewidth=1.2)
    ax.set(ylabel="spread / usual spread", ylim=(0, 1.25), yticks=[0, 0.5, 1])
    ax.set_xlabel(f"matrix (dotted: 1 and {small:.2f})")
    listed = zip(MATRICES, spreads, strict=True)
    return "spread at the start: " + ", ".join(f"{name} {s:.1f}" for name, s in listed)


def output(ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw mean and spread of every output token."""
    y = model(x).detach()
    mean, size = y.mean(-1).flatten(), y.std(-1, correction=0).flatten()
    ax.scatter(mean, size, s=24, color=plots.SHORTCUT, label="24 tokens")
    ax.plot(0, 1, "k+", markersize=13, markeredgewidth=2, label="mean 0, spread 1")
    ax.set(xlabel="mean of the token", ylabel="its spread", ylim=(-0.5, 2.9), xlim=(-1.1, 1.1))
    ax.set(xticks=[-1, 0, 1], yticks=[0, 1, 2])
    ax.legend(fontsize=SIZE, loc="lower right")
    return (
        f"output tokens have means {mean.min():z.2f} to {mean.max():z.2f} and spreads "
        f"{size.min():.2f} to {size.max():.2f}"
    )

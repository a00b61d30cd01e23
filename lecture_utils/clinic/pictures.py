"""One picture of one property for each patient of the wiring clinic."""

import copy
import math
from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from lecture_utils import plots

MATRICES = {  # how the figure calls a branch's matrices
    "query": "Q", "key": "K", "value": "V", "out": "out", "expand": "exp", "contract": "con",
}  # fmt: skip


def grid(ax: Axes, values: Tensor, xlabel: str, ylabel: str, digits: int | None = 1) -> None:
    """Draw a matrix as cells; numbers in them where `digits` is given, 0 for an exact zero."""
    values = values.detach()
    top = values[values.isfinite()].abs().max().item()
    signed = (values < 0).any().item()
    low, colours = (-top, "RdBu_r") if signed else (0.0, "Blues")
    ax.imshow(values, cmap=colours, vmin=low, vmax=top, aspect="auto")
    ax.set(xlabel=xlabel, ylabel=ylabel, xticks=[], yticks=[])
    ax.grid(False)
    for (row, column), value in zip(
        torch.cartesian_prod(*map(torch.arange, values.shape)), values.flatten(), strict=True
    ):
        if digits is not None and value.isfinite():
            dark = abs(value) > (0.55 if not signed else 0.7) * top
            text = "0" if value == 0 else f"{value:z.{digits}f}".replace("-", "−")
            ax.text(column, row, text, ha="center", va="center", fontsize=8,
                    color="white" if dark else "black")  # fmt: skip


def silence(model: nn.Module) -> nn.Module:
    """Return a copy in which every branch returns 0."""
    model = copy.deepcopy(model)
    for name, parameter in model.blocks.named_parameters():
        if ".branch." in name:
            parameter.data.zero_()
    return model


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


def _samples(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    return _who_moves(ax, model, x, 0)


def _tokens(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    return _who_moves(ax, model, x, 1)


def _shortcut(ax: Axes, model: nn.Module, x: Tensor, shortcut_matrix: Callable) -> str:
    matrix = shortcut_matrix(model.blocks[0].attention, x[0, 0])
    diagonal = matrix.diagonal()
    other = matrix - torch.diag(diagonal)
    grid(ax, matrix, "", "", digits=None)
    words = f"diagonal {diagonal.min():.2f} to {diagonal.max():.2f}"
    rest = f"elsewhere {other.min():z.2f} to {other.max():z.2f}"
    ax.set(xlabel=f"{words},\n{rest}", ylabel="entry of y")
    return f"the shortcut's 16 x 16 matrix has {words}, {rest}"


def _shares(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    shares = []
    h = model.stream(x)
    for block, before, after in zip(model.blocks, h, h[1:], strict=False):
        seen = []
        hooks = [
            part.branch.register_forward_hook(lambda *call, seen=seen: seen.append(call[-1]))
            for part in (block.attention, block.feed_forward)
        ]
        block(before)
        for hook in hooks:
            hook.remove()
        updates = torch.stack([update.flatten() for update in seen], 1)
        change = (after - before).flatten()[:, None]
        shares.append(torch.linalg.lstsq(updates, change).solution[:, 0].detach())
    shares = torch.stack(shares).T.round(decimals=6)  # (2, blocks)
    places = torch.arange(shares.shape[1]) + 1
    for share, side, label, hatch in zip(
        shares, (-0.2, 0.2), ("attention", "feed-forward"), ("", "//"), strict=True
    ):
        bars = ax.bar(places + side, share, 0.36, color=plots.SKY, edgecolor="black",
                      hatch=hatch, label=label)  # fmt: skip
        ax.bar_label(bars, fmt="{:z.1f}", fontsize=8)
    ax.set(xlabel="block", ylabel="times in the sum", xticks=places, ylim=(0, 2.4))
    ax.legend(fontsize=8, loc="upper right")
    return (
        "each block adds its attention's output "
        + ", ".join(f"{share:z.1f}" for share in shares[0])
        + " times and its feed-forward's "
        + ", ".join(f"{share:z.1f}" for share in shares[1])
    )


def _training(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    silent = silence(model).train()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        h = silent.stream(x[:1])
    ratio = (h[-1] / h[0])[0]
    grid(ax, ratio, "entry", "token", digits=None)
    kept = ratio[ratio != 0]
    words = f"{(ratio == 0).double().mean():.0%} are 0, the others {kept.mean():.2f}"
    ax.set_xlabel(f"entry; {words}")
    return f"in training, with silent branches, the stream is multiplied entry by entry: {words}"


def _padding(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    padding = torch.zeros(x.shape[:2], dtype=torch.bool)
    padding[0, :2] = True
    part = model.blocks[0].attention
    weights = part.branch.scores(part.norm_in(model.embed(x)), padding).softmax(-1)[0, 0]
    grid(ax, weights, "token seen (1 and 2 are padding)", "token that looks", digits=2)
    last = ", ".join(f"{w:.2f}" for w in weights[-1])
    third = ", ".join(f"{w:.2f}" for w in weights[2])
    return f"attention weights of token 3: {third}; of token 6: {last}; 1 and 2 are padding"


def _positions(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    added = (model.embed(x) - x)[..., 0]
    grid(ax, added, "token", "sample")
    words = "; ".join(", ".join(f"{v:z.1f}" for v in row) for row in added)
    return f"added to the first entry of each token, by sample: {words}"


def _likeness(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    def cosines(decoder: nn.Module) -> Tensor:
        weights = [
            torch.cat([p.flatten() for p in block.parameters() if p.dim() == 2])
            for block in decoder.blocks
        ]
        u = nn.functional.normalize(torch.stack(weights), dim=1)
        return u @ u.T

    trained = copy.deepcopy(model)
    draw = torch.Generator().manual_seed(3)
    (trained(x) * torch.randn(x.shape, generator=draw, dtype=x.dtype)).sum().backward()
    for parameter in trained.parameters():
        parameter.data -= 0.3 * parameter.grad
    before, after = cosines(model), cosines(trained)
    gap = torch.full((len(before), 1), math.nan)
    grid(ax, torch.cat([before, gap, after], 1), "before          after one step", "block", 2)
    other = after[~torch.eye(len(after), dtype=torch.bool)]
    return (
        f"cosine between the weights of two blocks: at least {before.min():.2f} before and "
        f"{other.min():.2f} to {other.max():.2f} after one step"
    )


def _spread(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    found = {name: [] for name in MATRICES}
    for name, parameter in model.blocks.named_parameters():
        if parameter.dim() == 2 and "norm" not in name:
            found[name.split(".")[-2]].append((parameter.std() / model.std).item())
    spreads = [sum(values) / len(values) for values in found.values()]
    bars = ax.bar(list(MATRICES.values()), spreads, color=plots.SKY, edgecolor="black")
    ax.bar_label(bars, fmt="{:.2f}", fontsize=8, label_type="center")
    small = 1 / math.sqrt(2 * len(model.blocks))
    for height in (1.0, small):
        ax.axhline(height, color=plots.THEORY, linestyle=":", linewidth=1.2)
    ax.set(ylabel="spread / std", ylim=(0, 1.25), xlabel=f"dotted: 1 and {small:.2f}")
    listed = zip(MATRICES, spreads, strict=True)
    return "spread at the start: " + ", ".join(f"{name} {s:.2f}" for name, s in listed)


def _output(ax: Axes, model: nn.Module, x: Tensor, _: Callable) -> str:
    y = model(x).detach()
    mean, spread = y.mean(-1).flatten(), y.std(-1, correction=0).flatten()
    ax.scatter(mean, spread, s=14, color=plots.SHORTCUT, label="24 tokens")
    ax.plot(0, 1, "k+", markersize=11, markeredgewidth=2, label="normalised")
    ax.set(xlabel="mean of an output token", ylabel="its spread", ylim=(0, None))
    ax.legend(fontsize=8, loc="lower right")
    return (
        f"output tokens have means {mean.min():z.2f} to {mean.max():z.2f} and spreads "
        f"{spread.min():.2f} to {spread.max():.2f}"
    )


PANELS = {
    "A": ("one sample changed", _samples),
    "B": ("what the shortcut contributes", _shortcut),
    "C": ("attention weights", _padding),
    "D": ("spread of the starting weights", _spread),
    "E": ("what is added to the input", _positions),
    "F": ("each branch in its block's sum", _shares),
    "G": ("one token changed", _tokens),
    "H": ("what the shortcut contributes", _shortcut),
    "I": ("cosine between blocks", _likeness),
    "J": ("in training, silent branches", _training),
    "K": ("the output", _output),
    "L": ("spread of the starting weights", _spread),
}


def pictures(models: dict[str, nn.Module], x: Tensor, shortcut_matrix: Callable) -> None:
    """Show one picture for each of six patients.

    Args:
        models: letter to decoder.
        x: sequences, (batch, time, dim).
        shortcut_matrix: the notebook's function of a sublayer and a token.
    """
    fig, axes = plt.subplots(2, 3, figsize=(8.6, 5.4), layout="constrained")
    first, *_, last = models
    fig.suptitle(f"{first} to {last}: one property of each patient, and none as it should be",
                 x=0.01, ha="left", weight="bold", size=12)  # fmt: skip
    words = []
    for ax, (letter, model) in zip(axes.flat, models.items(), strict=True):
        title, panel = PANELS[letter]
        ax.set_title(f"{letter}: {title}", size=10, loc="left")
        words.append(f"{letter}, {panel(ax, model, x, shortcut_matrix)}")
    plots.show(fig, alt="Six pictures. " + ". ".join(words) + ".")

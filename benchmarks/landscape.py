"""Time the loss surface: a batch of weights at once against a loop over the grid's points.

    python benchmarks/landscape.py

One thread. Both programs run side by side, alternating, and the best of five of each counts. It
also times both 51 x 51 surfaces of the 8-block twins, with their Hessian extremes.
"""

import time
from collections.abc import Callable

import torch
from torch.func import functional_call

from lecture_utils import data, training
from lecture_utils.landscape import filter_normalised, hessian_product, lanczos, surface
from lecture_utils.models import ShortcutMLP

DEPTH, WIDTH, EXAMPLES = 8, 32, 1437  # as in the notebook
ROUNDS = 5


def twin(use_shortcut: bool, digits: data.Digits, steps: int = 100) -> ShortcutMLP:
    """Return a net, trained briefly: the weights' values do not change the times."""
    torch.manual_seed(0)
    scale = DEPTH**-0.5 if use_shortcut else 1.0
    net = ShortcutMLP(WIDTH, DEPTH, use_shortcut=use_shortcut, init="he", branch_scale=scale)
    training.train(net, training.MiniBatches(digits.train_x, digits.train_y, steps=steps))
    return net


@torch.no_grad()
def by_loop(model, directions, x, y, steps):
    """The plain program: one grid point after the other."""
    theta = torch.nn.utils.parameters_to_vector(model.parameters())
    names, shapes = zip(*((n, p.shape) for n, p in model.named_parameters()), strict=True)
    losses = []
    for alpha, beta in torch.cartesian_prod(steps, steps):
        point = theta + alpha * directions[0] + beta * directions[1]
        parts = point.split([shape.numel() for shape in shapes])
        weights = {n: t.view(s) for n, t, s in zip(names, parts, shapes, strict=True)}
        losses.append(training.cross_entropy(functional_call(model, weights, (x,)), y))
    return torch.stack(losses).view(len(steps), len(steps))


@torch.no_grad()
def by_vmap(model, directions, x, y, steps, chunk=25):
    """torch.vmap over the same chunks, which would serve any module."""
    theta = torch.nn.utils.parameters_to_vector(model.parameters())
    plane, named = torch.stack(directions), dict(model.named_parameters())
    losses = []
    for alpha_beta in torch.cartesian_prod(steps, steps).split(chunk):
        parts = torch.addmm(theta, alpha_beta, plane).split([p.numel() for p in named.values()], 1)
        w = {n: t.unflatten(1, named[n].shape) for n, t in zip(named, parts, strict=True)}
        out = torch.vmap(lambda weights: functional_call(model, weights, (x,)))(w)
        losses.append(training.cross_entropy(out, y))
    return torch.cat(losses).view(len(steps), len(steps))


def best_times(programs: dict[str, Callable], rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds of each program, best of `rounds`, alternating so that both meet the same load."""
    best = dict.fromkeys(programs, float("inf"))
    for _ in range(rounds):
        for name, program in programs.items():
            start = time.perf_counter()
            program()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def ratios(net: ShortcutMLP, digits: data.Digits, points: int = 25, rounds: int = ROUNDS) -> dict:
    """Times of the loop over times of the batched programs, by name."""
    x, y = digits.train_x[:EXAMPLES], digits.train_y[:EXAMPLES]
    setting = ([filter_normalised(net, k) for k in (0, 1)], x, y, torch.linspace(-1, 1, points))
    programs = {
        "loop": lambda: by_loop(net, *setting),
        "batched": lambda: surface(net, *setting),
        "vmap": lambda: by_vmap(net, *setting),
    }
    best = best_times(programs, rounds)
    return {name: best["loop"] / seconds for name, seconds in best.items()} | {"seconds": best}


def both_surfaces(nets: list[ShortcutMLP], digits: data.Digits) -> float:
    """Seconds for a 51 x 51 surface and the Hessian's extremes of each net."""
    x, y = digits.train_x[:EXAMPLES], digits.train_y[:EXAMPLES]
    start = time.perf_counter()
    for net in nets:
        directions = [filter_normalised(net, k) for k in (0, 1)]
        surface(net, directions, x, y, torch.linspace(-1, 1, 51))
        lanczos(hessian_product(net, x, y), len(directions[0]))
    return time.perf_counter() - start


def main() -> None:
    """Print the ratios and the time for the notebook's two surfaces."""
    torch.set_num_threads(1)
    digits = data.digits()
    nets = [twin(use_shortcut, digits) for use_shortcut in (False, True)]
    for name, net in zip(("plain", "shortcut"), nets, strict=True):
        found = ratios(net, digits)
        print(
            f"{name:8}  25 x 25 points, {EXAMPLES} digits: loop {found['seconds']['loop']:.2f} s, "
            f"batched {found['seconds']['batched']:.2f} s: {found['batched']:.1f} times as fast "
            f"(torch.vmap: {found['vmap']:.1f} times)"
        )
    print(f"both 51 x 51 surfaces with their Hessian extremes: {both_surfaces(nets, digits):.1f} s")


if __name__ == "__main__":
    main()

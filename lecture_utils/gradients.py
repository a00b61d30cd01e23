"""What flows back: how large the gradient is at each layer."""

import torch
from torch import Tensor, nn

from lecture_utils.require.tensors import describe, require_module

# What autograd says when it cannot go back, and what that means.
_CAUSES = {
    "donated buffers": "the model is compiled, and a compiled model keeps its graph for one "
    "backward pass only; compute the loss from the uncompiled model",
    "a second time": "its graph is gone, since it was backpropagated before; compute the loss anew",
    "inplace operation": "a weight or a value was changed after the loss was computed; compute "
    "the loss anew",
}


def matrix_names(model: nn.Module) -> list[str]:
    """Name the weight matrices in the order of `gradient_norms`, for the axis of a plot.

    Raises:
        ValueError: `model` is no module.
    """
    require_module(model)
    return [name for name, p in model.named_parameters() if p.dim() >= 2]


def gradient_norms(model: nn.Module, loss: Tensor) -> list[float]:
    """Measure the norm of `loss.backward()`'s gradient at each weight matrix, in depth order.

    The `.grad` fields of weights and inputs are as before afterwards, and `loss` can still be
    backpropagated. A tensor with `retain_grad()` gets its gradient, as in any backward pass.

    Args:
        model: its weight matrices (parameters with two dimensions or more) are measured in the
            order in which the model registers them, which is depth order in this course.
        loss: one real number computed by `model`, shape () or (1,).

    Returns:
        One Frobenius norm per weight matrix, first layer first; `matrix_names` says which is
        which. A frozen matrix (`requires_grad=False`) keeps its place and has NaN: a plot shows a
        gap there and no layer moves. Squares are summed in float64, since in float32 a gradient
        below about 1e-23 would be reported as 0. A 0 is a measured 0.

    Raises:
        ValueError: the model has no trainable weight matrix, `loss` is not one number with a
            graph, or autograd did not reach a trainable matrix from it (the message names it).
    """
    require_module(model)
    matrices = {name: p for name, p in model.named_parameters() if p.dim() >= 2}
    trainable = {name: p for name, p in matrices.items() if p.requires_grad}
    if not trainable:
        raise ValueError(
            f"{type(model).__name__} has no trainable weight matrix; gradient_norms() needs a "
            f"model with at least one layer"
        )
    _require_loss(loss)
    found = dict(zip(trainable, _gradients(model, loss, list(trainable.values())), strict=True))
    _require_reached(found)
    return [_norm(found[name]) if name in found else float("nan") for name in matrices]


def _require_loss(loss: Tensor) -> None:
    """Raise ValueError unless loss is one real number that carries a graph."""
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        given = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"loss must be a scalar tensor; got {given}. Reduce it with .mean()?")
    if loss.is_complex():
        raise ValueError(f"loss must be a real number; got {describe(loss)}. Take .abs()?")
    if loss.is_meta:
        raise ValueError("loss is on the meta device, where a tensor has a shape but no numbers")
    if not loss.requires_grad:
        raise ValueError(
            "loss carries no gradient: compute it from the model's output, outside "
            "torch.no_grad() and without .item() or .detach()"
        )


def _require_reached(found: dict[str, Tensor | None]) -> None:
    """Raise ValueError unless every trainable matrix has a gradient, and name those without."""
    lost = [name for name, gradient in found.items() if gradient is None]
    if len(lost) == len(found):
        raise ValueError(
            f"loss does not depend on this model's weights ({', '.join(lost[:3])}, …): is it "
            f"another model's, or is its output detached?"
        )
    if lost:
        more = f" and {len(lost) - 8} more" if len(lost) > 8 else ""
        raise ValueError(
            f"autograd did not reach {', '.join(lost[:8])}{more} from this loss, so there is no "
            f"gradient to measure, which is not a gradient of 0. Either the loss does not use them "
            f"(freeze them with requires_grad_(False): they get NaN), or the way back is cut: by "
            f".detach(), by no_grad(), by weights that were exchanged or unfrozen after the loss "
            f"was computed, or by checkpoint(..., use_reentrant=True) on an input that needs no "
            f"gradient (then pass use_reentrant=False)"
        )


def _gradients(model: nn.Module, loss: Tensor, weights: list[Tensor]) -> list[Tensor | None]:
    """Run `loss.backward()` and return what it leaves at `weights`; put all `.grad` back.

    Unlike `torch.autograd.grad` this goes through reentrant checkpoints, and through every hook.
    """
    names = {id(p): name for name, p in model.named_parameters()}
    leaves = list({id(leaf): leaf for leaf in [*model.parameters(), *_leaves(loss)]}.values())
    for leaf in leaves:
        name = names.get(id(leaf), f"an input, {describe(leaf)},")
        if not leaf.is_leaf:
            raise ValueError(f"{name} is computed from other tensors: measure the model it is from")
        if leaf._post_accumulate_grad_hooks:
            raise ValueError(
                f"{name} has a hook that acts as soon as its gradient is there, and may change "
                f"weights: remove it (register_post_accumulate_grad_hook) before measuring"
            )
    before = [leaf.grad for leaf in leaves]
    try:
        for leaf in leaves:
            leaf.grad = None
        with torch.inference_mode(False):
            loss.backward(retain_graph=True)
        return [weight.grad for weight in weights]
    except RuntimeError as error:
        said = str(error)
        cause = next((words for sign, words in _CAUSES.items() if sign in said), said[:300])
        raise ValueError(f"this loss cannot be backpropagated: {cause}") from error
    finally:
        for leaf, gradient in zip(leaves, before, strict=True):
            leaf.grad = gradient


def _leaves(loss: Tensor) -> list[Tensor]:
    """Find the tensors that `loss.backward()` gives a gradient, by walking its graph."""
    todo, seen, found = [loss.grad_fn], {None}, [loss] if loss.is_leaf else []
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += [following for following, _ in node.next_functions]
            if type(node).__name__ == "AccumulateGrad":
                found.append(node.variable)
    return found


def _norm(gradient: Tensor) -> float:
    """Frobenius norm, with squares summed in float64; of a sparse or complex gradient, too."""
    if gradient.layout == torch.sparse_coo:
        gradient = gradient.coalesce().values()
    elif gradient.layout != torch.strided:
        gradient = gradient.to_dense()
    if gradient.device.type == "mps":  # which knows no float64
        gradient = gradient.cpu()
    kind = torch.complex128 if gradient.is_complex() else torch.float64
    return torch.linalg.vector_norm(gradient, dtype=kind).item()

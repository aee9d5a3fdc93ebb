"""The empirical neural tangent kernel, by products with the Jacobian."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._probe import Parameters, Probe


def tangent_kernel(
    probe: Probe, parameters: Parameters | None = None, at_once: int = 16
) -> Float[Tensor, "example output example output"]:
    """Θ = J Jᵀ, where J is the Jacobian of the batch's outputs by the trained parameters.

    Θ[i, a, j, b] says how much output b of example j moves when a gradient step moves output a of example i. It is
    computed one block of ``at_once`` rows after another, each by a backward pass and a derivative of a backward pass
    of the whole batch: memory for ``at_once`` gradients and the kernel itself, n·c backward passes in all for n
    examples with c outputs. With ``at_once=1`` nothing is vectorized, which every model allows that can be
    differentiated twice.

    Trained by gradient flow the outputs move by -Θ ∂L/∂f. That Θ stays as it is holds for an infinitely wide network
    in the parametrization of Jacot et al. only: see ``lazy_training``. A model in training mode with batch
    normalization has the kernel of its whole batch, with entries that change with the batch; put it in evaluation
    mode for one that belongs to pairs of examples.

    Raises TypeError unless the model's output is one tensor of floating point, and ValueError where the outputs do not
    depend on any trained parameter, or are not finite.

    Source: Jacot, Gabriel and Hongler 2018, equation 2; Du et al. 2019, equation 3 (Gram matrix); lecture 001,
    Over-parametrization.
    """
    at = {name: value.detach().requires_grad_() for name, value in {**probe.parameters, **(parameters or {})}.items()}
    with torch.enable_grad():
        outputs = outputs_of(probe, at)
        shape, flat = outputs.shape[:1] + outputs.flatten(1).shape[1:], outputs.flatten()
        if not at or not flat.requires_grad:
            raise ValueError(f"no output of {type(probe.model).__name__} depends on a trained parameter: unfreeze one")
        # The gradient is linear in the vector v it is taken for, so that its derivative by v is a product with J.
        dummy = torch.zeros_like(flat, requires_grad=True)
        pulled = _gradient(flat, at, dummy, create_graph=True)
        rows = [
            _pushed(pulled, dummy, _gradient(flat, at, some)) for some in torch.split(_unit_vectors(flat), at_once)
        ]  # fmt: skip
    kernel = torch.cat(rows)
    return ((kernel + kernel.T) / 2).reshape(*shape, *shape)


def outputs_of(probe: Probe, parameters: Parameters | None = None) -> Float[Tensor, "example *output"]:
    """The model's output: one finite tensor of floating point, with the examples along its first axis."""
    outputs = probe.outputs(parameters)
    if not isinstance(outputs, Tensor) or not outputs.is_floating_point() or outputs.dim() == 0:
        kind = (
            f"{outputs.dtype} of shape {tuple(outputs.shape)}"
            if isinstance(outputs, Tensor)
            else type(outputs).__name__
        )
        raise TypeError(
            "the tangent kernel is that of one tensor of floating point with the examples along its first axis; the "
            f"model gives {kind}: wrap it in a module that returns the part you mean"
        )
    if outputs.numel() == 0 or not outputs.isfinite().all():
        raise ValueError(f"the outputs, of shape {tuple(outputs.shape)}, are empty or not finite: no kernel to compute")
    return outputs


def _unit_vectors(flat: Float[Tensor, " row"]) -> Float[Tensor, "row row"]:
    return torch.eye(len(flat), dtype=flat.dtype, device=flat.device)


def _gradient(
    flat: Float[Tensor, " row"],
    at: Mapping[str, Tensor],
    vectors: Float[Tensor, "*some row"],
    create_graph: bool = False,
) -> tuple[Tensor | None, ...]:
    """Products with the transposed Jacobian of one vector, or of each of some; None for an unused parameter."""
    many = vectors.dim() == 2 and len(vectors) > 1
    return torch.autograd.grad(
        flat,
        list(at.values()),
        vectors if many or vectors.dim() == 1 else vectors[0],
        create_graph=create_graph,
        retain_graph=True,
        is_grads_batched=many,
        allow_unused=True,
    )


def _pushed(
    pulled: tuple[Tensor | None, ...], dummy: Float[Tensor, " row"], directions: tuple[Tensor | None, ...]
) -> Float[Tensor, "some row"]:
    """Products of the Jacobian with directions in the space of the parameters."""
    used = [(gradient, way) for gradient, way in zip(pulled, directions, strict=True) if gradient is not None]
    gradients, ways = [gradient for gradient, _ in used], [way for _, way in used if way is not None]
    many = ways[0].dim() > gradients[0].dim()
    (pushed,) = torch.autograd.grad(gradients, dummy, ways, retain_graph=True, is_grads_batched=many)
    return pushed if many else pushed[None]

"""The Hessian of a loss."""

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._probe import Probe
from shinso.lens.curvature._curvature_matrix import CurvatureMatrix, Named, Product


def hessian(probe: Probe, *, chunk_size: int | None = None, kept_bytes: float = 4 * 2**30) -> CurvatureMatrix:
    """The Hessian of the mean loss in the trained parameters, at their present values, as products with vectors.

    A product is ∇[(∇loss)ᵀv], one sweep back through the kept graph of the gradient (Pearlmutter 1994; lecture 004
    §6.5.10, equation 6.59): about two gradients. ``chunk_size`` examples are taken at a time, by default as many as
    are fast where the loss is a mean over examples, else all. Graphs are kept up to ``kept_bytes`` of memory.

    It says how the gradient turns around this point. Do not trust it far from there, nor on one small batch: the
    largest eigenvalues of a batch's Hessian are larger than those of the whole data's. For networks of ReLU it is the
    Hessian within one linear piece; the kinks between pieces carry curvature that it does not see. Under batch
    normalisation in training mode it is that of the loss of this very batch. It depends on the parametrisation: see
    ``rescaled`` (Dinh et al. 2017).

    Raises ValueError for an empty batch, a model without trained parameters, or a chunk size for a loss that is no mean
    over examples; FloatingPointError where the loss is not finite; RuntimeError from torch where an operation has no
    second derivative.

    >>> from torch.nn import functional as F
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> matrix = hessian(Probe(model, F.mse_loss, torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.ones(2, 1)))
    >>> matrix @ torch.tensor([1.0, 1.0])
    tensor([1., 9.])
    """
    return CurvatureMatrix(probe, _product, chunk_size, kept_bytes)


def _product(probe: Probe, point: Named) -> Product:
    loss = probe.loss(point)
    check_finite(loss)
    leaves = list(point.values())
    gradient = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
    # Where the loss is linear in a parameter, that part of the gradient is a constant.
    varying = {name: part for name, part in zip(point, gradient, strict=True) if part.requires_grad}

    def product(vector: Named) -> Named:
        rows = [name for name in vector if name in varying]
        if not rows:
            return {name: torch.zeros_like(part) for name, part in vector.items()}
        columns = torch.autograd.grad(
            [varying[name] for name in rows],
            [point[name] for name in vector],
            [vector[name] for name in rows],
            retain_graph=True,
            materialize_grads=True,
        )
        return dict(zip(vector, columns, strict=True))

    return product


def check_finite(loss: Float[Tensor, ""]) -> None:
    """Raises FloatingPointError if the loss is infinite or not a number."""
    if not torch.isfinite(loss):
        raise FloatingPointError(
            f"the loss is {loss.item()}; curvature needs a finite one: look at an earlier step, or at the batch"
        )

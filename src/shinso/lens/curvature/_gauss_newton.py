"""The generalised Gauss-Newton matrix of a loss."""

import torch

from shinso.lens._probe import Probe
from shinso.lens.curvature._curvature_matrix import CurvatureMatrix, Named, Product
from shinso.lens.curvature._hessian import check_finite
from shinso.lens.curvature._linearized import Linearized
from shinso.lens.curvature._split_loss import split_loss


def gauss_newton(probe: Probe, *, chunk_size: int | None = None, kept_bytes: float = 4 * 2**30) -> CurvatureMatrix:
    """The generalised Gauss-Newton matrix JᵀHJ of the mean loss: H is the loss's Hessian in the outputs, J the outputs'
    derivative in the parameters (Schraudolph 2002; Martens 2020, section 8).

    For cross entropy on logits, and for squared error, it is the Fisher information matrix (Martens 2020, section 9.2),
    up to the factor between the loss and a negative log-likelihood: torch's ``mse_loss`` of k outputs has 2/k. It is
    the Hessian without the term from the curvature of the network itself. Where the loss is convex in the outputs it is
    positive semidefinite. Its trace is the Hessian's for networks that are piecewise linear in each layer's parameters
    (ReLU, max-pooling), where that term's diagonal is zero.

    Do not read it for the Hessian while the fit is bad: the term left out vanishes only with the loss's slope at the
    outputs, and negative curvature lives in it alone. Arguments and errors are those of ``hessian``.
    """
    return CurvatureMatrix(probe, _product, chunk_size, kept_bytes)


def _product(probe: Probe, point: Named) -> Product:
    split = split_loss(probe, point)
    check_finite(split.loss)
    model = Linearized(split.outputs, point)
    slope = torch.autograd.grad(split.loss, split.at, create_graph=True, materialize_grads=True)
    varying = [place for place, part in enumerate(slope) if part.requires_grad]

    def product(vector: Named) -> Named:
        if not varying:
            return {name: torch.zeros_like(part) for name, part in vector.items()}
        changes = model.forward(vector)
        bent = torch.autograd.grad(
            [slope[place] for place in varying],
            split.at,
            [changes[place] for place in varying],
            retain_graph=True,
            materialize_grads=True,
        )
        return model.back(bent, vector)

    return product

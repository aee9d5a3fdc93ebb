"""Stochastic Lanczos quadrature: the trace of a function of a matrix from a few products with it."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Product = Callable[[Tensor], Tensor]


def trace_draws(
    product: Product,
    function: Callable[[Tensor], Tensor],
    starts: Sequence[Float[Tensor, " size"]],
    steps: int,
) -> list[float]:
    """For each start vector of random signs an unbiased draw of tr f(A) (Ubaru, Chen and Saad 2017, algorithm 1).

    ``product`` multiplies a vector with the symmetric matrix A. The mean over the starts estimates the trace; each
    draw uses at most ``steps`` products. The quadrature is exact where ``steps`` reaches the number of distinct
    eigenvalues.
    """
    return [_quadrature(product, function, start, steps) for start in starts]


def random_signs(size: int, draws: int, seed: int, like: Tensor) -> list[Float[Tensor, " size"]]:
    """Vectors of independent ±1, the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    signs = [torch.randint(2, (size,), generator=generator) * 2 - 1 for _ in range(draws)]
    return [vector.to(like) for vector in signs]


def _quadrature(product: Product, function: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> float:
    tridiagonal = _lanczos(product, start, min(steps, len(start)))
    if not tridiagonal.isfinite().all():
        return float("nan")
    nodes, vectors = torch.linalg.eigh(tridiagonal)
    return float(start.double().square().sum() * (vectors[0].square() * function(nodes)).sum())


def _lanczos(product: Product, start: Tensor, steps: int) -> Float[Tensor, "reached reached"]:
    """The matrix in the Krylov basis, reorthogonalised against rounding; ends early in an invariant subspace."""
    basis = [start / start.norm()]
    diagonal: list[Tensor] = []
    beside: list[Tensor] = []
    while True:
        image = product(basis[-1])
        diagonal.append(image @ basis[-1])
        for _ in range(2):  # twice is enough (Giraud et al. 2005)
            stacked = torch.stack(basis)
            image = image - stacked.mT @ (stacked @ image)
        size = image.norm()
        scale = torch.stack([entry.abs() for entry in diagonal]).max()
        if len(diagonal) == steps or bool(size <= 100 * torch.finfo(image.dtype).eps * scale):
            break
        beside.append(size)
        basis.append(image / size)
    off = torch.stack(beside).double() if beside else torch.zeros(0, dtype=torch.float64, device=start.device)
    return torch.diag(torch.stack(diagonal).double()) + torch.diag(off, 1) + torch.diag(off, -1)

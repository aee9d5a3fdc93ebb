"""Lanczos' method: a symmetric matrix as a small tridiagonal one, on the vectors that its products lead to."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.curvature._symmetric import Symmetric


@dataclass(frozen=True)
class Tridiagonal:
    """A matrix on the space of its Lanczos vectors."""

    diagonal: Float[Tensor, " products"]
    off_diagonal: Float[Tensor, " products"]
    """Its last entry, outside the matrix, is how much of the last product lies outside the space."""
    basis: Float[Tensor, "products parameters"]
    """The Lanczos vectors, orthonormal, the start first."""

    def eigen(self) -> tuple[Float[Tensor, " products"], Float[Tensor, "products products"]]:
        """Eigenvalues, rising, and in columns the eigenvectors of the small matrix."""
        off = self.off_diagonal[:-1]
        values, vectors = torch.linalg.eigh(torch.diag(self.diagonal) + torch.diag(off, 1) + torch.diag(off, -1))
        return values, vectors


def lanczos(
    matrix: Symmetric, start: Float[Tensor, " parameters"], products: int, enough: Callable[[Tridiagonal], bool]
) -> Tridiagonal:
    """What is known after that many products, or after as many as are ``enough``.

    Every vector is made orthogonal to all before it, twice: without that, Lanczos finds eigenvalues several times over
    (Golub and Van Loan 2013, section 10.3). So one vector for each product is kept in memory. Where the products lead
    nowhere new (an invariant subspace), it goes on from a random direction. Raises FloatingPointError where a product
    is not finite.
    """
    generator = torch.Generator().manual_seed(0)
    basis = (start / start.norm()).unsqueeze(0)
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    while True:
        count = len(diagonal) + 1
        beyond, along = _orthogonal(matrix @ basis[count - 1], basis[:count])
        diagonal.append(along)
        off_diagonal.append(float(beyond.norm()))
        rounding = 10 * torch.finfo(basis.dtype).eps * max(map(abs, diagonal + off_diagonal))
        if off_diagonal[-1] <= rounding or count == len(start):
            off_diagonal[-1] = 0.0
        found = Tridiagonal(_double(diagonal), _double(off_diagonal), basis[:count])
        if count in (products, len(start)) or enough(found):
            return found
        if off_diagonal[-1] == 0:
            beyond = _orthogonal(matrix.vectors.random_normal(generator), basis[:count])[0]
        if count == len(basis):
            basis = torch.cat([basis, torch.empty_like(basis)])  # doubled, so that growing costs no more than filling
        basis[count] = beyond / beyond.norm()


def _orthogonal(vector: Tensor, basis: Tensor) -> tuple[Tensor, float]:
    """What of a vector is orthogonal to the basis, and its component along the last vector of that."""
    along = 0.0
    for _ in range(2):
        components = basis @ vector
        vector = vector - components @ basis
        along += float(components[-1])
    if not torch.isfinite(vector.sum()):
        raise FloatingPointError(
            "a product with the curvature matrix is not finite: derivatives overflow, or are taken where there are "
            "none, such as a square root or a norm at zero"
        )
    return vector, along


def _double(numbers: list[float]) -> Float[Tensor, " numbers"]:
    return torch.tensor(numbers, dtype=torch.float64)

"""Extreme eigenvalues of a curvature matrix, and their eigenvectors."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens.curvature._lanczos import Tridiagonal, lanczos
from shinso.lens.curvature._parameter_vectors import ParameterVectors
from shinso.lens.curvature._symmetric import Symmetric

_MORE_PRODUCTS = 8
"""Taken beyond one for each eigenvalue: a start that happens to miss a direction sees it only then."""


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenvalues with their eigenvectors."""

    values: Float[Tensor, " count"]
    """In double precision, on the CPU; the extreme one first."""
    errors: Float[Tensor, " count"]
    """How far off each value may be, from the residual ‖Av - λv‖ and the distance to its neighbours as far as known."""
    vectors: Float[Tensor, "count parameters"]
    """Of length 1, in rows; a sign means nothing."""
    products: int
    """How many products with the matrix it took."""
    layout: ParameterVectors

    def vector(self, place: int = 0) -> dict[str, Shaped[Tensor, "..."]]:
        """One eigenvector by parameter: which layers that direction moves."""
        return self.layout.named(self.vectors[place])


def top_eigenpairs(
    matrix: Symmetric, count: int = 1, *, relative_error: float = 1e-5, max_products: int = 300, seed: int = 0
) -> Eigenpairs:
    """The ``count`` largest eigenvalues, falling, each to a relative error, by Lanczos from a random vector.

    The largest one of a Hessian is the sharpness that gradient descent feels: steps of a rate beyond 2 divided by it
    bounce along its direction. Values far above the rest are few, about as many as classes (Papyan 2020).

    An eigenvalue that occurs several times may be found once, and one whose vector the random start hardly touches not
    at all; another ``seed`` tells. In float32 the matrix itself is off by about 1e-5 where rounding moves units over
    the kink of a ReLU. It takes the memory of a vector for each product.

    Raises ValueError unless 1 ≤ count ≤ size, and RuntimeError where ``max_products`` do not do.
    Source: Lanczos 1950; Golub and Van Loan 2013, section 10.1; lecture 004 §6.5.10.
    """
    return _all_found(extreme(matrix, count, 1.0, relative_error, max_products, seed), count, relative_error)


def bottom_eigenpairs(
    matrix: Symmetric, count: int = 1, *, relative_error: float = 1e-5, max_products: int = 300, seed: int = 0
) -> Eigenpairs:
    """The ``count`` smallest eigenvalues, rising: the directions of negative curvature, if there are any.

    They lie close together where top ones lie apart, and take more products. Otherwise as ``top_eigenpairs``.
    """
    return _all_found(extreme(matrix, count, -1.0, relative_error, max_products, seed), count, relative_error)


def extreme(
    matrix: Symmetric, count: int, sign: float, relative_error: float, max_products: int, seed: int
) -> Eigenpairs:
    """The largest (sign 1) or smallest (-1) eigenvalues as far as they are known after ``max_products``."""
    layout = matrix.vectors
    if not 1 <= count <= layout.size:
        raise ValueError(f"there are {layout.size} eigenvalues; between 1 and that many can be asked for, got {count}")
    rounding = 10 * torch.finfo(layout.dtype).eps

    def enough(found: Tridiagonal) -> bool:
        values, errors, _ = _ritz(found, count, sign)
        # An eigenvalue that is nothing beside the largest can be known no better than that one's rounding.
        allowed = relative_error * values.abs() + rounding * values.abs().max()
        return len(found.diagonal) >= count + _MORE_PRODUCTS and bool((errors <= allowed).all())

    start = layout.random_normal(torch.Generator().manual_seed(seed))
    found = lanczos(matrix, start, min(max_products, layout.size), enough)
    values, errors, small = _ritz(found, count, sign)
    vectors = small.T.to(found.basis) @ found.basis
    return Eigenpairs(values, errors, vectors, len(found.diagonal), layout)


def _ritz(found: Tridiagonal, count: int, sign: float) -> tuple[Tensor, Tensor, Tensor]:
    """Eigenvalues from the extreme one on, bounds of their errors, and eigenvectors of the small matrix."""
    values, vectors = found.eigen()
    order = (sign * values).argsort(descending=True)
    values, vectors = values[order], vectors[:, order]
    residuals = found.off_diagonal[-1] * vectors[-1].abs()
    apart = (values[:, None] - values[None, :]).abs().fill_diagonal_(float("inf")).min(dim=1).values
    apart = apart.clamp_max(values.abs().max())
    # Both bounds hold (Parlett 1998, theorems 4.5.1 and 11.7.1), the second once the neighbours are known.
    errors = residuals.where(residuals > 0.1 * apart, residuals.square() / apart)
    return values[:count], errors[:count].where(residuals[:count] > 0, 0.0), vectors[:, :count]


def _all_found(pairs: Eigenpairs, count: int, relative_error: float) -> Eigenpairs:
    rounding = 10 * torch.finfo(pairs.layout.dtype).eps * pairs.values.abs().max()
    known = int((pairs.errors <= relative_error * pairs.values.abs() + rounding).sum())
    if known < count:
        raise RuntimeError(
            f"after {pairs.products} products {known} of {count} eigenvalues are known to a relative error of "
            f"{relative_error:g}: ask for fewer, allow a larger relative_error, or more max_products"
        )
    return pairs

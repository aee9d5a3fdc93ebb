"""Extreme eigenvalues and eigenvectors of a Hessian by Lanczos, a Krylov method (lecture 004 section 6.5.10)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from shinso.graph.derivatives._hessian_operator import HessianOperator
from shinso.graph.derivatives._parameter_vectors import unflattened


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Eigenvalues, each with its eigenvector."""

    values: Tensor
    """In double precision, on the CPU."""
    vectors: tuple[Any, ...]
    """Of length 1, each nested and shaped like the parameters."""
    products: int
    """How many Hessian-vector products it took."""


def top_eigenpairs(operator: HessianOperator, count: int = 1, *, tolerance: float = 1e-4) -> Eigenpairs:
    """The largest eigenvalues, falling, by implicitly restarted Lanczos until ‖Hv − λv‖ is below ``tolerance``·|λ|.

    The relative error of an eigenvalue is about the square of the tolerance. The method is SciPy's ``eigsh`` (ARPACK;
    Lehoucq, Sorensen and Yang 1998), started from a fixed vector. A tolerance below the precision of the parameters'
    type will not be reached. Raises ValueError unless 0 < count < operator.size, and RuntimeError where Lanczos does
    not converge or the Hessian is zero.
    """
    return _found(operator, count, tolerance, "LA")


def bottom_eigenpairs(operator: HessianOperator, count: int = 1, *, tolerance: float = 1e-4) -> Eigenpairs:
    """The smallest eigenvalues, rising: the directions of negative curvature, if there are any."""
    return _found(operator, count, tolerance, "SA")


def _found(operator: HessianOperator, count: int, tolerance: float, which: str) -> Eigenpairs:
    import numpy as np
    from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

    if not 0 < count < operator.size:
        raise ValueError(
            f"Lanczos finds at least 1 and fewer eigenpairs than the {operator.size} parameters of the Hessian; got "
            f"{count}: for all of them take torch.linalg.eigh of torch.func.hessian"
        )
    like = pytree.tree_leaves(operator.parameters)[0]
    products = 0

    def product(vector: Any) -> Any:
        nonlocal products
        products += 1
        # SciPy hands on columns as well as vectors, and may reuse their memory.
        given = torch.tensor(vector.reshape(-1), dtype=like.dtype, device=like.device)
        return (operator @ given).double().cpu().numpy()

    # Lanczos itself runs in double precision, in which its vectors stay orthogonal, whatever the network's type.
    linear = LinearOperator((operator.size, operator.size), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(operator.size)
    try:
        values, vectors = eigsh(linear, k=count, which=which, tol=tolerance, v0=start)
    except ArpackNoConvergence as error:
        raise RuntimeError(
            f"Lanczos found {len(error.eigenvalues)} of {count} eigenpairs to the tolerance {tolerance:g} in "
            f"{products} products; ask for fewer, allow a larger tolerance, or use float64 parameters"
        ) from error
    except ArpackError as error:
        raise RuntimeError(
            f"Lanczos stopped ({error}); where it says that the starting vector is zero, the Hessian is"
        ) from error
    order = np.argsort(values)[:: -1 if which == "LA" else 1]
    shaped = tuple(unflattened(torch.from_numpy(vectors[:, column].copy()), operator.parameters) for column in order)
    return Eigenpairs(torch.from_numpy(values[order].copy()), shaped, products)

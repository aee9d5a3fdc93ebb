"""Components of a tensor in one basis and another (lecture 003 appendix A.1, equations 72 to 76)."""

from collections.abc import Callable
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

Multilinear = Callable[..., Tensor]


def dual_basis(basis: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """The covectors eⁱ with eⁱ(eⱼ) = δⁱⱼ as rows, for basis vectors eⱼ as columns (lecture 003, after equation 71)."""
    _check_basis(basis)
    covectors: Tensor = torch.linalg.inv(basis)
    return covectors


def components_of(tensor: Multilinear, kinds: str, basis: Float[Tensor, "n n"]) -> Tensor:
    """The components of a multilinear map in a basis, whose vectors are columns (lecture 003 equation 73).

    ``tensor`` takes covectors and vectors as tensors of n numbers and returns a scalar. ``kinds`` has a mark for each
    argument, and so for each axis of the result: ``^`` where it takes a covector, which gives an upper index, and ``_``
    where it takes a vector: ``"^_"`` for a (1, 1)-tensor.
    """
    _check_marks(kinds)
    given = {"^": dual_basis(basis).unbind(0), "_": basis.unbind(1)}
    values = [tensor(*arguments) for arguments in product(*(given[mark] for mark in kinds))]
    return torch.stack(values).reshape([len(basis)] * len(kinds))


def change_basis(components: Tensor, kinds: str, change: Float[Tensor, "n n"]) -> Tensor:
    """The components of the same tensor in the basis eⱼ(new) = Aⁱⱼ eᵢ, for the change A (lecture 003 equation 74).

    ``kinds`` has a mark for each axis: ``^`` for an upper index, which changes by A⁻¹, and ``_`` for a lower one, which
    changes by A (equations 75 and 76). Raises ValueError if A is no basis or an axis has another length.

    A (1, 1)-tensor changes, its trace does not:

    >>> T, A = torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([[1., 1.], [0., 2.]])
    >>> change_basis(T, "^_", A)
    tensor([[-0.5000, -0.5000],
            [ 1.5000,  5.5000]])
    >>> change_basis(T, "^_", A).trace() == T.trace()
    tensor(True)
    """
    _check_marks(kinds)
    _check_basis(change)
    if len(kinds) != components.ndim:
        raise ValueError(f"{kinds!r} is for {len(kinds)} axes; the components have {components.ndim}")
    for axis, mark in enumerate(kinds):
        if components.shape[axis] != len(change):
            raise ValueError(
                f"axis {axis} has {components.shape[axis]} components; the change of basis is for {len(change)}"
            )
        components = _changed(components.movedim(axis, 0), mark, change).movedim(0, axis)
    return components


def _changed(components: Tensor, mark: str, change: Tensor) -> Tensor:
    """The components with their first index changed."""
    flat = components.flatten(1) if components.ndim > 1 else components[:, None]
    new = torch.linalg.solve(change, flat) if mark == "^" else change.T @ flat
    return new.reshape(components.shape)


def _check_marks(kinds: str) -> None:
    if set(kinds) - {"^", "_"}:
        raise ValueError(
            f"{kinds!r} is no list of marks; write ^ for each upper and _ for each lower index, as in '^_'"
        )


def _check_basis(basis: Tensor) -> None:
    rank = int(torch.linalg.matrix_rank(basis))
    if rank < len(basis):
        raise ValueError(f"the {len(basis)} columns span {rank} dimensions; a basis needs linearly independent vectors")

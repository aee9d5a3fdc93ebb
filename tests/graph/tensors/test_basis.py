"""Components under a change of basis against their definition (lecture 003 equations 73 to 76)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from shinso.graph.tensors._basis import change_basis, components_of, dual_basis
from shinso.graph.tensors._index_notation import contract


def _random(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _basis(size: int, seed: int) -> Tensor:
    """Far from orthogonal, and from singular."""
    return _random(size, size, seed=seed).tril(-1) + torch.diag(1 + _random(size, seed=seed).sigmoid())


SIZES, SEEDS = st.integers(1, 5), st.integers(0, 999)


@given(SIZES, SEEDS)
@settings(deadline=None)
def test_a_dual_basis_is_one_on_its_vector_and_zero_on_the_others(size: int, seed: int) -> None:
    basis = _basis(size, seed)
    torch.testing.assert_close(dual_basis(basis) @ basis, torch.eye(size, dtype=torch.float64))


@given(SIZES, SEEDS)
@settings(deadline=None)
def test_a_vector_does_not_depend_on_the_basis(size: int, seed: int) -> None:
    basis, change, a = _basis(size, seed), _basis(size, seed + 1), _random(size, seed=seed)
    new_basis = basis @ change  # equation 74
    torch.testing.assert_close(new_basis @ change_basis(a, "^", change), basis @ a)  # equation 76


@given(SIZES, SEEDS)
@settings(deadline=None)
def test_a_1_1_tensor_does_not_depend_on_the_basis(size: int, seed: int) -> None:
    T, change = _random(size, size, seed=seed), _basis(size, seed)  # noqa: N806
    f, v = _random(size, seed=seed + 1), _random(size, seed=seed + 2)
    new_map, new_f, new_v = (change_basis(x, k, change) for x, k in ((T, "^_"), (f, "_"), (v, "^")))
    torch.testing.assert_close(new_map, torch.linalg.inv(change) @ T @ change)
    torch.testing.assert_close(
        contract("_i, ^i_j, ^j ->", new_f, new_map, new_v), contract("_i, ^i_j, ^j ->", f, T, v), rtol=1e-8, atol=1e-8
    )
    torch.testing.assert_close(contract("^i_i ->", new_map), contract("^i_i ->", T), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(torch.linalg.det(new_map), torch.linalg.det(T), rtol=1e-8, atol=1e-8)


@given(st.text("^_", max_size=3), st.integers(1, 3), SEEDS)
@settings(deadline=None)
def test_new_components_are_those_measured_in_the_new_basis(kinds: str, size: int, seed: int) -> None:
    numbers = _random(*[size] * len(kinds), seed=seed)

    def tensor(*arguments: Tensor) -> Tensor:
        value = numbers
        for argument in reversed(arguments):
            value = value @ argument
        return value

    basis, change = _basis(size, seed), _basis(size, seed + 1)
    components = components_of(tensor, kinds, basis)
    torch.testing.assert_close(
        change_basis(components, kinds, change), components_of(tensor, kinds, basis @ change), rtol=1e-8, atol=1e-8
    )


def test_there_and_back_is_where_it_was() -> None:
    change, components = _basis(3, 0), _random(3, 3, 3, seed=1)
    there = change_basis(components, "^_^", change)
    assert (there - components).abs().max() > 0.1
    torch.testing.assert_close(change_basis(there, "^_^", torch.linalg.inv(change)), components)


def test_summing_two_lower_indices_would_depend_on_the_basis() -> None:
    T, change = _random(3, 3, seed=0), _basis(3, 1)  # noqa: N806
    assert abs(change_basis(T, "__", change).trace() - T.trace()) > 0.1


def test_what_is_no_change_of_basis_is_refused() -> None:
    with pytest.raises(ValueError, match="the 2 columns span 1 dimensions; a basis needs linearly independent vectors"):
        change_basis(torch.ones(2), "^", torch.ones(2, 2))
    with pytest.raises(ValueError, match="'up' is no list of marks; write \\^ for each upper and _ for each lower"):
        change_basis(torch.ones(2, 2), "up", torch.eye(2))
    with pytest.raises(ValueError, match=r"'\^' is for 1 axes; the components have 2"):
        change_basis(torch.ones(2, 2), "^", torch.eye(2))
    with pytest.raises(ValueError, match="axis 1 has 3 components; the change of basis is for 2"):
        change_basis(torch.ones(2, 3), "^_", torch.eye(2))

"""Contraction against torch.einsum, and what index notation forbids."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shinso.graph.tensors._index_notation import Index, contract, indices


@pytest.mark.parametrize(
    ("formula", "einsum", "shapes"),
    [
        ("^i_j, ^j -> ^i", "ij,j->i", [(2, 3), (3,)]),
        ("^i_i ->", "ii->", [(3, 3)]),
        ("_i, ^i ->", "i,i->", [(4,), (4,)]),
        ("^i, _j -> ^i_j", "i,j->ij", [(2,), (3,)]),
        ("^i, _j -> _j^i", "i,j->ji", [(2,), (3,)]),
        ("^ij_k, _j^k -> ^i", "ijk,jk->i", [(2, 3, 4), (3, 4)]),
        ("^i_jk,^j,^k->^i", "ijk,j,k->i", [(2, 3, 3), (3,), (3,)]),
        ("^i_j, ^j_k, ^k_i ->", "ij,jk,ki->", [(2, 3), (3, 4), (4, 2)]),
    ],
)
def test_is_what_einsum_computes(formula: str, einsum: str, shapes: list[tuple[int, ...]]) -> None:
    tensors = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    torch.testing.assert_close(contract(formula, *tensors), torch.einsum(einsum, *tensors))


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (
            "^i_j, _j -> ^i",
            "'j' in .* stands 0 times up and 2 times down; an index that is summed over stands once up and",
        ),
        ("^i_j, ^j_j -> ^i", "'j' in .* stands 1 times up and 2 times down"),
        ("^i_j, ^j -> _i", "and in the result as _i; an index that is not summed stays where it stands"),
        ("^i_j, ^j -> ^i_j", "'j' .* and in the result; an index that is summed over is gone"),
        ("^i_j, ^k -> ^i^k", "must be in the result: add _j after '->'"),
        ("^i_j -> ^i_jk", "'k' is left over in .* but stands in none of the tensors"),
        ("^i -> ^ii", "and 2 times in the result; once is expected"),
        ("^i_j, ^j", "has no '->'; say which indices are left"),
        ("i_j, ^j -> ^i", "'i_j' is no list of indices; write \\^ before upper and _ before lower ones"),
        ("^i_j. ^j -> ^i", "is no list of indices"),
    ],
)
def test_what_no_change_of_basis_would_leave_true_is_refused(formula: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        contract(formula, torch.ones(2, 2), torch.ones(2))


def test_tensors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="names 2 tensors; got 1"):
        contract("^i_j, ^j -> ^i", torch.ones(2, 2))
    with pytest.raises(ValueError, match=r"'\^i_j' in .* has 2 indices; the tensor has 3 axes"):
        contract("^i_j, ^j -> ^i", torch.ones(2, 2, 2), torch.ones(2))
    with pytest.raises(ValueError, match=r"'j' in .* runs over 3 values and over 2"):
        contract("^i_j, ^j -> ^i", torch.ones(2, 3), torch.ones(2))


@given(st.lists(st.tuples(st.sampled_from("^_"), st.sampled_from("abcXYZ")), max_size=6))
def test_indices_are_read_as_written(given_indices: list[tuple[str, str]]) -> None:
    text = "".join(mark + letter for mark, letter in given_indices)
    assert indices(text) == tuple(Index(mark, letter) for mark, letter in given_indices)


def test_one_mark_holds_for_all_letters_after_it() -> None:
    assert indices("^ij_k") == (Index("^", "i"), Index("^", "j"), Index("_", "k"))

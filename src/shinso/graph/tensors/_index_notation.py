"""Contraction by index notation, upper and lower indices kept apart (lecture 003 appendix A.1)."""

import re
from collections import Counter
from typing import NamedTuple

import torch
from torch import Tensor

_GROUP = re.compile(r"([\^_])([A-Za-z]+)")


class Index(NamedTuple):
    """A letter and where it stands: "^" for an upper index, "_" for a lower one."""

    mark: str
    letter: str

    def __str__(self) -> str:
        return self.mark + self.letter


def contract(formula: str, *components: Tensor) -> Tensor:
    """The contraction that the formula says, by Einstein's convention: an index that stands once up and once down is
    summed over (lecture 003 appendix A.1, after equation 73).

    The formula names the axes of each tensor, with ``^`` before upper and ``_`` before lower indices, as in
    ``"^i_j, ^j -> ^i"`` for T(v) and ``"^i_i ->"`` for a trace. Raises ValueError for a formula that no change of basis
    would leave true, such as one that sums two lower indices.

    >>> contract("^i_j, ^j -> ^i", torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1., 10.]))
    tensor([21., 43.])
    """
    terms, result = _parsed(formula)
    _check(formula, terms, result)
    if len(terms) != len(components):
        raise ValueError(f"{formula!r} names {len(terms)} tensors; got {len(components)}")
    sizes: dict[str, int] = {}
    for term, tensor in zip(terms, components, strict=True):
        _check_sizes(formula, term, tensor, sizes)
    letters = ["".join(index.letter for index in term) for term in (*terms, result)]
    return torch.einsum(f"{','.join(letters[:-1])}->{letters[-1]}", *components)


def indices(text: str) -> tuple[Index, ...]:
    """The indices in ``"^ij_k"``, one for each axis; raises ValueError for anything else."""
    compact = text.replace(" ", "")
    groups = _GROUP.findall(compact)
    if "".join(mark + letters for mark, letters in groups) != compact:
        raise ValueError(f"{text!r} is no list of indices; write ^ before upper and _ before lower ones, as in '^i_j'")
    return tuple(Index(mark, letter) for mark, letters in groups for letter in letters)


def _parsed(formula: str) -> tuple[list[tuple[Index, ...]], tuple[Index, ...]]:
    left, arrow, right = formula.partition("->")
    if not arrow:
        raise ValueError(f"{formula!r} has no '->'; say which indices are left, as in '^i_j, ^j -> ^i'")
    return [indices(term) for term in left.split(",")], indices(right)


def _check(formula: str, terms: list[tuple[Index, ...]], result: tuple[Index, ...]) -> None:
    found = Counter(index for term in terms for index in term)
    for letter in dict.fromkeys(index.letter for index in (*found, *result)):
        up, down = found[Index("^", letter)], found[Index("_", letter)]
        left = [index for index in result if index.letter == letter]
        if (up, down) == (1, 1) and not left:
            continue
        if up + down == 1 and left == [Index("^" if up else "_", letter)]:
            continue
        raise ValueError(_what_is_wrong(formula, letter, up, down, left))


def _what_is_wrong(formula: str, letter: str, up: int, down: int, left: list[Index]) -> str:
    where = f"{letter!r} in {formula!r} stands {up} times up and {down} times down"
    if up + down == 0:
        return f"{letter!r} is left over in {formula!r} but stands in none of the tensors"
    if up + down == 1 and not left:
        return (
            f"{where}; an index that is not summed must be in the result: add {'^' if up else '_'}{letter} after '->'"
        )
    if up + down == 1 and len(left) == 1:
        return f"{where}, and in the result as {left[0]}; an index that is not summed stays where it stands"
    if up + down == 1:
        return f"{where}, and {len(left)} times in the result; once is expected"
    if left:
        return f"{where}, and in the result; an index that is summed over is gone"
    return f"{where}; an index that is summed over stands once up and once down: lower or raise one with a metric first"


def _check_sizes(formula: str, term: tuple[Index, ...], tensor: Tensor, sizes: dict[str, int]) -> None:
    written = "".join(map(str, term))
    if len(term) != tensor.ndim:
        raise ValueError(f"{written!r} in {formula!r} has {len(term)} indices; the tensor has {tensor.ndim} axes")
    for index, size in zip(term, tensor.shape, strict=True):
        if sizes.setdefault(index.letter, size) != size:
            raise ValueError(f"{index.letter!r} in {formula!r} runs over {sizes[index.letter]} values and over {size}")

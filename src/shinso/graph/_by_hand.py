"""Rounding every result as one does by hand (lecture 003 figures 5 and 6, exercise 1.5)."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree


def rounded(value: Any, digits: int | None) -> Any:
    """The tensors in ``value`` with so many significant digits; all of them where ``digits`` is None."""
    if digits is None:
        return value
    if digits < 1:
        raise ValueError(f"digits must be at least 1 (or None for no rounding); got {digits}")
    return pytree.tree_map(lambda leaf: _tensor(leaf, digits) if _is_real(leaf) else leaf, value)


def _is_real(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point()


def _tensor(value: Tensor, digits: int) -> Tensor:
    numbers = [_number(number, digits) for number in value.flatten().tolist()]
    return torch.tensor(numbers, dtype=value.dtype, device=value.device).view_as(value)


def _number(number: float, digits: int) -> float:
    # Of the shortest decimal that is this number: what one has on paper, where 0.1085 rounds to 0.109.
    decimal = Decimal(repr(number))
    if not decimal.is_finite() or decimal == 0:
        return number
    return float(decimal.quantize(Decimal(1).scaleb(decimal.adjusted() - digits + 1), rounding=ROUND_HALF_UP))

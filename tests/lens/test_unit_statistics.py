"""Statistics of units against NumPy in float64, and pooling against the statistics of the whole."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shinso.lens._flat_parts import FlatParts
from shinso.lens._unit_statistics import UnitStatistics, pooled, unit_statistics

BOUNDED = FlatParts(off_at_zero=True, bounds=(0.0, 6.0))
SHAPES = {(50, 4): -1, (6, 4, 5, 3): 1, (7, 9, 4): -1, (7, 4, 9): 1, (4,): -1}


def values(shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    drawn = 3 + 3 * torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return drawn.clamp(0, 6).to(dtype)


@pytest.mark.parametrize(("shape", "axis"), SHAPES.items())
def test_statistics_are_those_of_numpy(shape: tuple[int, ...], axis: int) -> None:
    output = values(shape)
    found = unit_statistics(output, axis, BOUNDED)
    by_unit = np.moveaxis(output.double().numpy(), axis, -1).reshape(-1, 4)
    assert found.count == len(by_unit)
    np.testing.assert_allclose(found.mean, by_unit.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.variance, by_unit.var(0), rtol=1e-5)
    np.testing.assert_allclose(found.dead, (by_unit == 0).mean(0), rtol=1e-6)
    np.testing.assert_allclose(found.saturated, (by_unit > 5.94).mean(0), rtol=1e-6)


def test_channels_last_gives_the_same_statistics() -> None:
    output = values((6, 4, 5, 3))
    plain, last = (unit_statistics(o, 1, BOUNDED) for o in (output, output.to(memory_format=torch.channels_last)))
    torch.testing.assert_close(plain.mean, last.mean)
    torch.testing.assert_close(plain.variance, last.variance)


def test_the_variance_survives_a_large_mean() -> None:
    output = 1e4 + values((500, 3), torch.float32)
    found = unit_statistics(output, -1, None)
    np.testing.assert_allclose(found.variance, output.double().numpy().var(0), rtol=1e-4)


def test_half_precision_is_reduced_in_single_precision() -> None:
    output = values((4000, 2), torch.bfloat16)
    found = unit_statistics(output, -1, None)
    np.testing.assert_allclose(found.mean, output.double().numpy().mean(0), rtol=1e-5)


@settings(deadline=None)
@given(st.integers(1, 49))
def test_pooled_parts_are_the_whole(cut: int) -> None:
    output = values((50, 4), torch.float64)
    whole = unit_statistics(output, -1, BOUNDED)
    parts = pooled(unit_statistics(output[:cut], -1, BOUNDED), unit_statistics(output[cut:], -1, BOUNDED))
    assert parts.count == whole.count == 50
    for name in ("mean", "variance", "dead", "saturated"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name), rtol=1e-10, atol=1e-12)


def test_a_fraction_that_only_one_call_has_is_unknown_for_both() -> None:
    first = UnitStatistics(2, torch.zeros(1), torch.zeros(1), dead=torch.ones(1))
    assert pooled(first, UnitStatistics(2, torch.zeros(1), torch.zeros(1))).dead is None

"""V-cells against the root mean square written out."""

import math

import pytest
import torch

from shinso.nn.neocognitron import spread, v_cells


def test_the_activity_is_the_weighted_root_mean_square_of_all_planes() -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    weights = spread(3, 0.7).double()
    found = v_cells(x, weights)
    assert found.shape == (2, 1, 4, 5)
    for row in range(4):
        for column in range(5):
            total = 0.0
            for i in (-1, 0, 1):
                for j in (-1, 0, 1):
                    if 0 <= row + i < 4 and 0 <= column + j < 5:
                        for plane in range(3):
                            share = float(weights[i + 1, j + 1]) / 3
                            total += share * float(x[1, plane, row + i, column + j]) ** 2
            assert float(found[1, 0, row, column]) == pytest.approx(math.sqrt(total), abs=1e-12)


def test_weights_fall_off_with_distance_and_sum_to_one() -> None:
    weights = spread(5, 0.8)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-6)
    ratio = weights / weights[2, 2]
    assert float(ratio[2, 4]) == pytest.approx(0.8**2, abs=1e-6)
    assert float(ratio[0, 1]) == pytest.approx(0.8 ** math.sqrt(5), abs=1e-6)


def test_the_gradient_is_right_and_finite_in_the_dark() -> None:
    torch.manual_seed(1)
    x = torch.rand(1, 2, 3, 3, dtype=torch.float64).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda u: v_cells(u, spread(3, 0.9).double()), (x,))
    dark = torch.zeros(1, 2, 5, 5, requires_grad=True)
    v_cells(dark, spread(3, 0.9)).sum().backward()
    assert dark.grad is not None
    assert not dark.grad.any()


def test_impossible_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel_size must be odd; got 4"):
        spread(4, 0.9)
    with pytest.raises(ValueError, match=r"above 0 and up to 1; got 1\.5"):
        spread(3, 1.5)

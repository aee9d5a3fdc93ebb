"""Recomputed layers give the values and gradients of stored ones, and run as often as the equations say."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from shinso.graph.running._recompute import recompute_from_the_start, recompute_segments, store_everything


class _Sine(nn.Module):
    """The lecture's f, with a count of its runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def forward(self, x: Tensor) -> Tensor:
        self.runs += 1
        return torch.sin(x)


def _runs_and_derivative(make: Callable[..., Callable[[Tensor], Tensor]], count: int, *rest: int) -> tuple[int, Tensor]:
    layers = [_Sine() for _ in range(count)]
    w = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    (derivative,) = torch.autograd.grad(make(layers, *rest)(w), w)
    return sum(layer.runs for layer in layers), derivative


def test_equations_6_52_and_6_53_on_z_of_y_of_x_of_w() -> None:
    w = torch.tensor(0.5, dtype=torch.float64)
    x, y = w.sin(), w.sin().sin()
    expected = y.cos() * x.cos() * w.cos()
    runs, derivative = _runs_and_derivative(store_everything, 3)
    assert runs == 3
    torch.testing.assert_close(derivative, expected)
    runs, derivative = _runs_and_derivative(recompute_from_the_start, 3)
    assert runs == 3 + 2 + 1
    torch.testing.assert_close(derivative, expected)


@given(st.integers(2, 9), st.data())
@settings(max_examples=25, deadline=None)
def test_each_layer_runs_twice_but_those_of_the_last_segment(count: int, data: st.DataObject) -> None:
    segments = data.draw(st.integers(2, count))
    last = count - count * (segments - 1) // segments
    runs, derivative = _runs_and_derivative(recompute_segments, count, segments)
    assert runs == 2 * count - last
    stored, expected = _runs_and_derivative(store_everything, count)
    assert stored == count
    torch.testing.assert_close(derivative, expected)


def test_dropout_is_the_same_the_second_time() -> None:
    layers = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 8), nn.Dropout(0.5), nn.Tanh())
    x = torch.randn(16, 8)
    gradients = []
    for run in (store_everything(layers), recompute_segments(layers, 3), recompute_from_the_start(layers)):
        torch.manual_seed(0)
        gradients.append(torch.autograd.grad(run(x).sum(), list(layers.parameters())))
    for others in gradients[1:]:
        for ours, stored in zip(others, gradients[0], strict=True):
            torch.testing.assert_close(ours, stored, rtol=0, atol=0)


@pytest.mark.parametrize("segments", [1, 4])
def test_segments_that_layers_cannot_have_are_refused(segments: int) -> None:
    with pytest.raises(ValueError, match=f"3 layers can be recomputed in 2 to 3 segments; got {segments}"):
        recompute_segments([nn.Tanh()] * 3, segments)

"""The perceptron against Novikoff's bound, hand-worked steps and what cannot be separated."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from shinso.models._perceptron import mistake_bound, perceptron
from shinso.models._xor import xor_points


def separable(seed: int, features: int, gap: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(40, features, dtype=torch.float64, generator=generator)
    normal = torch.randn(features, dtype=torch.float64, generator=generator)
    normal /= normal.norm()
    labels = (x @ normal > 0.1).long()
    labels[0], labels[1] = 0, 1
    x[0], x[1] = -normal, normal
    return x + gap * (2 * labels - 1)[:, None] * normal, labels


def some_separator(x: torch.Tensor, labels: torch.Tensor) -> torch.nn.Linear:
    """With margin 1 and little weight, by linear programming."""
    signed = (2 * labels - 1)[:, None] * torch.cat([x, torch.ones(len(x), 1)], 1)
    size = signed.shape[1]
    found = linprog(
        np.ones(2 * size), A_ub=-np.hstack([signed.numpy(), -signed.numpy()]), b_ub=-np.ones(len(x)), bounds=(0, None)
    )
    w = torch.from_numpy(found.x[:size] - found.x[size:])
    layer = torch.nn.Linear(size - 1, 1, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(w[None, :-1])
        layer.bias.copy_(w[-1:])
    return layer


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 5), st.floats(0.05, 0.5), st.booleans())
def test_it_separates_what_can_be_separated_within_novikoffs_bound(
    seed: int, features: int, gap: float, shuffled: bool
) -> None:
    x, labels = separable(seed, features, gap)
    fit = perceptron(x, labels, epochs=10_000, generator=torch.Generator().manual_seed(seed) if shuffled else None)
    assert fit.converged
    assert fit.cycle is None
    assert torch.equal((fit.layer(x)[:, 0] > 0).long(), labels)
    bound = mistake_bound(x, labels, some_separator(x, labels))
    assert sum(fit.mistakes) <= bound
    # The layer that it found is a separator itself, and bounds its own mistakes.
    assert sum(fit.mistakes) <= mistake_bound(x, labels, fit.layer)


def test_the_bound_is_radius_over_margin_squared() -> None:
    separator = torch.nn.Linear(1, 1)
    with torch.no_grad():
        separator.weight.fill_(3.0)
        separator.bias.fill_(0.0)
    # Points at ±2 and the constant feature: R² = 5, γ = 2.
    assert mistake_bound(torch.tensor([[2.0], [-2.0]]), torch.tensor([1, 0]), separator) == pytest.approx(5 / 4)


def test_steps_are_those_worked_by_hand() -> None:
    # (2, 1; 1) is a mistake at 0: w = (2, 1, 1). (1, 1; 0) is one at 4: w = (1, 0, 0). Both are then right but the
    # second, at 1: w = (0, -1, -1), and the first at -2: w = (2, 0, 0), and so on to w = (2, -2, -1).
    x, labels = torch.tensor([[2.0, 1.0], [1.0, 1.0]]), torch.tensor([1, 0])
    first = perceptron(x, labels, epochs=1)
    assert first.mistakes == (2,)
    assert not first.converged
    assert first.layer.weight.tolist() == [[1.0, 0.0]]
    assert first.layer.bias.tolist() == [0.0]
    second = perceptron(x, labels, epochs=2)
    assert second.mistakes == (2, 1)
    assert second.layer.weight.tolist() == [[0.0, -1.0]]
    assert second.layer.bias.tolist() == [-1.0]


def test_xor_goes_round_for_ever() -> None:
    x, y = xor_points()
    fit = perceptron(x, y[:, 0].long())
    assert not fit.converged
    assert fit.cycle == 1
    assert fit.mistakes == (4,)
    shuffled = perceptron(x, y[:, 0].long(), epochs=50, generator=torch.Generator().manual_seed(0))
    assert (len(shuffled.mistakes), shuffled.cycle) == (50, None)
    assert min(shuffled.mistakes) > 0


def test_a_longer_cycle_is_found_too() -> None:
    x, y = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1], [3, 1]]), torch.tensor([0, 1, 1, 0, 1])
    fit = perceptron(x, y)
    assert fit.cycle is not None
    assert fit.cycle > 1
    start = len(fit.mistakes) - fit.cycle
    first, later = (perceptron(x, y, epochs=n).layer.weight for n in (start, start + fit.cycle))
    assert torch.equal(first, later)


def test_each_of_several_classes_is_learned_against_the_rest() -> None:
    x = np.array([[0, 4], [1, 5], [4, -4], [5, -3], [-5, -2], [-4, -4]])
    labels = np.array([0, 0, 1, 1, 2, 2])
    fit = perceptron(x, labels)
    assert fit.converged
    assert fit.layer.weight.shape == (3, 2)
    assert fit.layer(torch.tensor(x, dtype=torch.float32)).argmax(1).tolist() == labels.tolist()
    one = perceptron(x, (labels == 1).astype(np.int64), epochs=len(fit.mistakes))
    torch.testing.assert_close(one.layer.weight[0], fit.layer.weight[1])


def test_a_generator_rules_the_order() -> None:
    x, labels = separable(3, 4, 0.05)
    runs = [perceptron(x, labels, generator=torch.Generator().manual_seed(seed)).layer.weight for seed in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_impossible_requests_are_refused() -> None:
    x = torch.eye(2)
    with pytest.raises(ValueError, match="2 examples and 3 labels"):
        perceptron(x, torch.tensor([0, 1, 1]))
    with pytest.raises(ValueError, match=r"labels must be 0, 1, … .* got values from -1 to 1"):
        perceptron(x, torch.tensor([-1, 1]))
    with pytest.raises(ValueError, match="at least 1 epoch; got 0"):
        perceptron(x, torch.tensor([0, 1]), epochs=0)
    with pytest.raises(ValueError, match=r"rows of a matrix; got shape \(2, 1, 2\): flatten images first"):
        perceptron(x[:, None], torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="examples must be finite; 2 are not"):
        perceptron(x / 0, torch.tensor([0, 1]))
    separator = torch.nn.Linear(2, 1)
    torch.nn.init.zeros_(separator.weight)
    torch.nn.init.zeros_(separator.bias)
    with pytest.raises(ValueError, match="2 of 2 examples are on the wrong side"):
        mistake_bound(x, torch.tensor([0, 1]), separator)

"""Mutual information against closed forms: discrete distributions, Gaussian channels, scikit-learn."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import entropy as scipy_entropy
from sklearn.feature_selection import mutual_info_classif
from torch import Tensor

from shinso.lens.information import (
    bin_edges,
    binned_information,
    classes_of,
    kernel_density_information,
    layer_information,
    nearest_neighbour_information,
    nearest_neighbour_target_information,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


@given(st.lists(st.integers(0, 4), min_size=12, max_size=12), st.lists(st.integers(0, 2), min_size=12, max_size=12))
@settings(max_examples=25, deadline=None)
def test_binning_of_a_discrete_layer_is_exact(values: list[int], classes: list[int]) -> None:
    joint = np.zeros((5, 3))
    for value, label in zip(values, classes, strict=True):
        joint[value, label] += 1 / 12
    layer = torch.tensor(values, dtype=torch.float64)[:, None]
    found = binned_information(layer, torch.tensor(classes), bin_edges(layer, 5, (-0.5, 4.5)))
    about_input = scipy_entropy(joint.sum(1), base=2)
    expected = about_input + scipy_entropy(joint.sum(0), base=2) - scipy_entropy(joint.ravel(), base=2)
    assert found.input == pytest.approx(about_input, abs=1e-12)
    assert found.target == pytest.approx(expected, abs=1e-12)


def saxe_entropy(weight: float, bins: int = 30) -> float:
    """H of tanh(w x) in bins from -1 to 1 for x standard normal (Saxe et al. 2018, appendix)."""
    borders = np.arctanh(np.clip(np.linspace(-1, 1, bins + 1), -1 + 1e-16, 1 - 1e-16)) / weight
    borders[0], borders[-1] = -np.inf, np.inf
    return float(scipy_entropy(np.diff(ndtr(borders)), base=2))


@pytest.mark.parametrize("weight", [0.5, 2.0, 20.0])
def test_a_saturating_tanh_unit_reads_as_compression_and_a_rectified_one_does_not(weight: float) -> None:
    x = torch.special.ndtri((torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000)[:, None]
    classes = torch.zeros(len(x), dtype=torch.long)
    saturating = torch.tanh(weight * x)
    found = binned_information(saturating, classes, bin_edges(saturating, 30, (-1.0, 1.0))).input
    assert found == pytest.approx(saxe_entropy(weight), abs=5e-3)
    rectified = [binned_information(r, classes, bin_edges(r)).input for r in (torch.relu(x), torch.relu(weight * x))]
    assert rectified[0] == pytest.approx(rectified[1], abs=1e-3)
    assert saxe_entropy(20.0) < saxe_entropy(2.0) - 1  # the unit does compress


def test_far_apart_or_equal_examples_have_exact_kernel_information() -> None:
    places = torch.tensor([0.0, 0.0, 100.0, 200.0], dtype=torch.float64)[:, None]
    lower, upper, estimate = kernel_density_information(places, torch.tensor([0, 1, 1, 0]), noise=0.1)
    for bound in (lower, upper, estimate):
        assert bound.input == pytest.approx(1.5)
        assert bound.target == pytest.approx(0.5)  # half of the examples tell their class


def test_kernel_bounds_hold_for_a_mixture_of_two_gaussians() -> None:
    noise, apart = 1.0, 2.0
    grid = np.linspace(-12, 14, 40_001)
    one, two = (np.exp(-((grid - m) ** 2) / 2) / math.sqrt(2 * math.pi) for m in (0, apart))
    mixture = (one + two) / 2
    step = grid[1] - grid[0]
    truth = -(mixture * np.log2(mixture)).sum() * step - 0.5 * math.log2(2 * math.pi * math.e)
    layer = torch.tensor([[0.0], [apart]], dtype=torch.float64)
    lower, upper, estimate = kernel_density_information(layer, torch.tensor([0, 1]), noise)
    # By hand: the distances are apart²/8 (Bhattacharyya) and apart²/2 (Kullback-Leibler).
    assert lower.input == pytest.approx(1 - math.log2(1 + math.exp(-(apart**2) / 8)))
    assert upper.input == pytest.approx(1 - math.log2(1 + math.exp(-(apart**2) / 2)))
    assert lower.input < truth < upper.input
    assert lower.target <= truth <= upper.target  # here the class is the example
    assert estimate.target == upper.input


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.95])
def test_nearest_neighbours_find_the_information_of_a_gaussian_channel(correlation: float) -> None:
    x, z = normal(2000, 1), normal(2000, 1, seed=1)
    y = correlation * x + math.sqrt(1 - correlation**2) * z
    expected = -0.5 * math.log2(1 - correlation**2)
    assert nearest_neighbour_information(x, y) == pytest.approx(expected, abs=0.08)


def test_nearest_neighbours_of_classes_agree_with_scikit_learn_and_with_the_truth() -> None:
    classes = torch.arange(900) % 3
    layer = normal(900, 1) + 1.5 * classes[:, None]
    found = nearest_neighbour_target_information(layer, classes)
    nats = mutual_info_classif(layer.numpy(), classes.numpy(), n_neighbors=3, random_state=0)[0]
    assert found == pytest.approx(nats / math.log(2), abs=1e-3)
    grid = np.linspace(-10, 14, 20_001)
    parts = [np.exp(-((grid - 1.5 * k) ** 2) / 2) / math.sqrt(2 * math.pi) for k in range(3)]
    mixture = sum(parts) / 3
    truth = -(mixture * np.log2(mixture)).sum() * (grid[1] - grid[0]) - 0.5 * math.log2(2 * math.pi * math.e)
    assert found == pytest.approx(truth, abs=0.12)


def test_a_dead_layer_knows_nothing_and_a_class_of_one_does_no_harm() -> None:
    found = layer_information(torch.zeros(40, 7), torch.arange(40) % 2)
    assert (found.binned.input, found.kernel.upper.input, found.binned.target) == (0, 0, 0)
    assert found.neighbours == pytest.approx(0, abs=0.05)
    alone = torch.cat([torch.zeros(20, dtype=torch.long), torch.tensor([1])])
    assert nearest_neighbour_target_information(normal(21, 2), alone) == 0


def test_estimators_that_look_at_one_resolution_agree_on_one_unit_and_disagree_where_neighbours_see_nothing() -> None:
    classes = torch.arange(600) % 2
    agreeing = layer_information(normal(600, 1) + 6 * classes[:, None], classes)
    assert agreeing.disagreement.target < 0.1
    assert agreeing.kernel.lower.input - 0.3 < agreeing.binned.input < agreeing.kernel.upper.input + 0.3
    # Noise in many units: each example has a cell of its own, which tells all; its neighbours tell nothing.
    disagreeing = layer_information(normal(600, 40), classes)
    assert disagreeing.binned.target == pytest.approx(1)
    assert disagreeing.neighbours < 0.1
    assert disagreeing.disagreement.target > 0.9
    assert disagreeing.limits == pytest.approx((math.log2(600), 1))


def test_outputs_that_are_not_finite_are_unknown() -> None:
    found = layer_information(torch.tensor([[1.0], [math.nan], [2.0], [3.0], [4.0]]), torch.zeros(5, dtype=torch.long))
    assert math.isnan(found.binned.input)
    assert math.isnan(found.disagreement.target)


def test_targets_become_classes() -> None:
    one_hot = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert classes_of(one_hot).tolist() == [1, 0, 1, 0, 1]
    assert classes_of(torch.linspace(0, 1, 8)).unique(return_counts=True)[1].tolist() == [2, 2, 2, 2]
    with pytest.raises(ValueError, match=r"12 of 12 targets of shape \(2,\) differ.*group them first"):
        classes_of(normal(12, 2))
    with pytest.raises(ValueError, match="there are no targets"):
        classes_of(torch.zeros(0))


def test_what_makes_no_sense_is_said() -> None:
    layer, classes = normal(5, 2), torch.zeros(5, dtype=torch.long)
    with pytest.raises(ValueError, match="at least 2 bins; got 1"):
        bin_edges(layer, 1)
    with pytest.raises(ValueError, match=r"first bound is below the second; got \(1.0, -1.0\)"):
        bin_edges(layer, 5, (1.0, -1.0))
    with pytest.raises(ValueError, match=r"standard deviation above 0; got 0"):
        kernel_density_information(layer, classes, 0.0)
    with pytest.raises(ValueError, match="each of 5 examples has at most 4 neighbours, at least 1; got 5"):
        nearest_neighbour_information(layer, layer, neighbours=5)
    with pytest.raises(ValueError, match="got 5 examples and 4 targets"):
        layer_information(layer, classes[:4])

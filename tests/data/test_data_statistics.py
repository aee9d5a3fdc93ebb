"""Statistics against NumPy in float64, on the training part and nothing else."""

import numpy as np
import pytest
import torch

from shinso.data import InMemory, from_arrays
from shinso.data import _statistics as statistics
from shinso.data._statistics import input_statistics, target_statistics


def images(count: int, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, 5, 4), generator=torch.Generator().manual_seed(1)).to(dtype)


@pytest.mark.parametrize("chunk_values", [1, 200, 2**22])
def test_image_statistics_are_numpys_per_channel(chunk_values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_CHUNK_VALUES", chunk_values)
    inputs = images(37)
    mean, std = input_statistics(InMemory(inputs, torch.zeros(37, dtype=torch.int64)), 0)
    exact = inputs.numpy().astype(np.float64)
    assert mean.shape == std.shape == (3, 1, 1)
    np.testing.assert_allclose(mean.flatten(), exact.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std.flatten(), exact.std((0, 2, 3)), rtol=1e-6)


def test_features_far_from_zero_keep_their_digits() -> None:
    inputs = torch.tensor([[1e7 + 1, 0.0], [1e7 - 1, 2.0]])
    mean, std = input_statistics(InMemory(inputs, torch.zeros(2, dtype=torch.int64)), 0)
    assert mean.tolist() == [1e7, 1.0]
    assert std.tolist() == [1.0, 1.0]


def test_a_constant_feature_has_standard_deviation_one() -> None:
    inputs = torch.tensor([[0.1, 3.0]] * 7 + [[0.1, 5.0]])
    _, std = input_statistics(InMemory(inputs, torch.zeros(8, dtype=torch.int64)), 0)
    assert std[0] == 1
    assert std[1] == pytest.approx(np.std([3.0] * 7 + [5.0]))


def test_target_statistics_are_numpys() -> None:
    targets = torch.tensor([[1.0, 4.0], [2.0, 4.0], [6.0, 4.0]])
    mean, std = target_statistics(targets)
    assert mean.tolist() == [3.0, 4.0]
    assert std.tolist() == pytest.approx([np.std([1, 2, 6]), 1.0])


def test_only_the_training_part_is_measured() -> None:
    inputs, labels = images(60), torch.arange(60) % 3
    data = from_arrays(inputs, labels, seed=4)
    training = data.train.fetch(torch.arange(len(data.train)))[0].double()
    assert data.mean.flatten().tolist() == pytest.approx(training.mean((0, 2, 3)).tolist(), rel=1e-6)
    assert data.mean.flatten().tolist() != pytest.approx(inputs.double().mean((0, 2, 3)).tolist(), rel=1e-6)
    # Held-out examples may become anything at all.
    loud = from_arrays(inputs, labels, test=(torch.full_like(inputs, 255), labels), valid_fraction=0.0)
    assert torch.equal(loud.mean, from_arrays(inputs, labels, valid_fraction=0.0, test_fraction=0.0).mean)


def test_a_large_part_is_sampled_and_the_set_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "SAMPLE", 50)
    monkeypatch.setattr("shinso.data._assembly.SAMPLE", 50)
    inputs = torch.arange(1000.0)[:, None]
    data = from_arrays(inputs, inputs, normalize=True, valid_fraction=0.0, test_fraction=0.0)
    assert data.mean.item() != 499.5
    assert data.mean.item() == pytest.approx(499.5, abs=4 * 288.7 / 50**0.5)
    assert data.notes == ("mean and standard deviation are those of a random sample of 50 training examples",)

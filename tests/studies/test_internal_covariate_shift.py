from pathlib import Path

import pytest
from torch import nn

from shinso.studies.internal_covariate_shift import (
    _Measured,
    _Measures,
    _verdict,
    internal_covariate_shift,
    linear_network,
)

LOW, HIGH = [0.1, 0.12, 0.11, 0.1, 0.12], [0.9, 0.92, 0.91, 0.9, 0.93]
PUBLISHED = _Measured(_Measures(LOW, LOW, HIGH, HIGH), _Measures(HIGH, HIGH, LOW, LOW))
"""With normalization: less loss, less cosine, more distance."""


def test_both_networks_have_to_train_faster_with_more_shift() -> None:
    assert _verdict({"deep linear": PUBLISHED, "VGG": PUBLISHED}).holds
    because = _verdict({"VGG": PUBLISHED}).because
    assert "VGG: training loss -0.802 [" in because


@pytest.mark.parametrize("change", [{"loss": HIGH}, {"cosine": HIGH}, {"cosine": [0.99] * 5}])
def test_faster_training_without_more_shift_is_not_what_was_published(change: dict[str, list[float]]) -> None:
    other = PUBLISHED._replace(with_norm=PUBLISHED.with_norm._replace(**change))
    assert not _verdict({"deep linear": PUBLISHED, "VGG": other}).holds


def test_a_surely_smaller_distance_speaks_against_it() -> None:
    nearer = PUBLISHED._replace(with_norm=PUBLISHED.with_norm._replace(distance=[0.01, 0.012, 0.011, 0.01, 0.012]))
    assert not _verdict({"VGG": nearer}).holds


def test_the_linear_network_is_the_published_one() -> None:
    layers = [*linear_network(num_classes=10, input_shape=(1, 8, 8), batch_norm=True)]
    assert sum(isinstance(layer, nn.Linear) for layer in layers) == 25
    assert sum(isinstance(layer, nn.BatchNorm1d) for layer in layers) == 24


def test_made_small_it_has_numbers_and_a_picture(tmp_path: Path) -> None:
    outcome = internal_covariate_shift(epochs=1, linear_steps=4, every=9, seeds=2, jobs=1)
    assert [row[:2] for row in outcome.tables[0].rows] == [
        ("deep linear", "batch"),
        ("deep linear", "none"),
        ("VGG", "batch"),
        ("VGG", "none"),
    ]
    assert outcome.save(tmp_path).stat().st_size > 10_000

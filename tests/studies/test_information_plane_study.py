import math
from pathlib import Path

import numpy as np
import pytest
import torch

from shinso.studies.information_plane import _Path, _verdict, information_plane, lights_on_a_sphere

MUCH, NONE = [1.0, 1.1, 0.9, 1.0], [0.1, -0.1, 0.05, -0.05]
DISAGREEMENT = {"tanh": 0.0, "ReLU": 0.25}


def by(tanh: list[float], relu: list[float]) -> dict[str, dict[str, list[float]]]:
    return {unit: {"binning": falls, "kernel density": falls} for unit, falls in (("tanh", tanh), ("ReLU", relu))}


def test_tanh_has_to_compress_and_relu_not() -> None:
    assert _verdict(by(MUCH, NONE), DISAGREEMENT).holds
    assert not _verdict(by(NONE, NONE), DISAGREEMENT).holds
    assert not _verdict(by(MUCH, MUCH), DISAGREEMENT).holds
    assert not _verdict(by(MUCH, [value / 2 for value in MUCH]), DISAGREEMENT).holds


def test_both_estimators_have_to_show_it() -> None:
    mixed = by(MUCH, NONE) | {"tanh": {"binning": MUCH, "kernel density": NONE}}
    other = by(MUCH, NONE) | {"tanh": {"binning": NONE, "kernel density": MUCH}}
    assert not _verdict(mixed, DISAGREEMENT).holds
    assert not _verdict(other, DISAGREEMENT).holds
    assert "disagree in 0% of readings of tanh and 25% of readings of ReLU" in _verdict(mixed, DISAGREEMENT).because


def test_compression_is_from_fitting_to_the_end() -> None:
    bits = np.array([[9.0, 9.0], [8.0, 6.0], [7.0, 3.0]])
    path = _Path([1, 10, 100], [0.5, 0.91, 1.0], {"binning": bits}, bits, bits, 10.0)
    assert path.fitted == 1
    assert path.fall("binning") == pytest.approx(2.0)


def test_the_rule_does_not_change_when_the_sphere_is_turned() -> None:
    inputs, targets = lights_on_a_sphere()
    assert inputs.shape == (4096, 12)
    assert 0.4 < targets.float().mean() < 0.6
    golden = (1 + math.sqrt(5)) / 2
    corners = [[0.0, side, long * golden] for side in (-1, 1) for long in (-1, 1)]
    places = torch.tensor([corner[turn:] + corner[:turn] for corner in corners for turn in range(3)])
    # A third of a turn about the diagonal moves the axes, and with them the lights, one place on.
    turned = [int((places.roll(1, dims=1)[light] - places).norm(dim=1).argmin()) for light in range(12)]
    assert sorted(turned) == list(range(12))
    of = {tuple(pattern): int(target) for pattern, target in zip(inputs.tolist(), targets, strict=True)}
    assert all(of[tuple(pattern)] == int(t) for pattern, t in zip(inputs[:, turned].tolist(), targets, strict=True))


def test_made_small_it_has_numbers_and_a_picture(tmp_path: Path) -> None:
    outcome = information_plane(epochs=3, readings=3, examples=64, seeds=2, jobs=1)
    assert [row[:2] for row in outcome.tables[0].rows] == [
        ("tanh", "binning"),
        ("tanh", "kernel density"),
        ("ReLU", "binning"),
        ("ReLU", "kernel density"),
    ]
    assert outcome.save(tmp_path).stat().st_size > 10_000


def test_what_is_no_path() -> None:
    with pytest.raises(ValueError, match="at least 3 readings of 16 examples; got 2 and 1024"):
        information_plane(readings=2)

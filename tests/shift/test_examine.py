"""The four answers, on data whose answers are known."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from shinso.shift import Predictions, examine


def laboratory(count: int, mean: float, deviation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shimodaira's example."""
    generator = np.random.default_rng(seed)
    x = generator.normal(mean, deviation, count)
    return x[:, None], -x + x**3 + generator.normal(0, 0.3, count)


def customers(count: int, older: float, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    generator = np.random.default_rng(seed)
    age = generator.normal(40 + older, 10, count)
    bought = (generator.random(count) < 1 / (1 + np.exp(-(age - 45) / 6))).astype(int)
    age[generator.random(count) < 0.03] = np.nan
    return {"age": age, "city": generator.choice(["Kyoto", "Osaka"], count).astype(object)}, bought


def test_a_line_on_a_curve_is_helped_by_weights() -> None:
    x, y = laboratory(400, 0.5, 0.5, 0)
    field, truth = laboratory(300, 0.0, 0.3, 1)
    line = np.polynomial.Polynomial.fit(*laboratory(300, 0.5, 0.5, 2)[0].T, laboratory(300, 0.5, 0.5, 2)[1], 1)
    predictions = Predictions(line(x[:, 0]), line(field[:, 0]))
    found = examine(x, field, targets=y, predictions=predictions)
    assert found.found.moved
    assert found.ratio is not None
    assert found.weighting is not None
    assert found.damage is not None
    assert found.weighting.chosen > 0.3
    assert found.did_it_move.startswith("Yes (p = ")
    assert found.where.startswith("x0 (0.")
    assert found.does_weighting_help.startswith("Yes: a linear model loses 0.")
    assert found.damage.metric == "mean squared error"
    # Of another sample of the same kind; the reference's own is far from it.
    assert found.damage.predicted.low < ((line(field[:, 0]) - truth) ** 2).mean() < found.damage.predicted.high
    assert abs(found.damage.change) > 0.03
    # The curve falls around 0 and rises around 1: the weighted line goes the other way.
    assert np.polynomial.Polynomial.fit(x[:, 0], y, 1).convert().coef[1] > 0.2
    assert found.weighting.model.coef_[0] < -0.1


def test_a_right_model_is_not_helped_by_weights() -> None:
    before, bought = customers(800, 0.0, 0)
    after, _ = customers(500, 8.0, 1)
    found = examine(before, after, targets=bought)
    assert [feature.name for feature in found.found.moved_features][:1] == ["age"]
    assert found.does_weighting_help.split(":")[0] in ("No", "It is not shown to")
    assert "800 reference rows are worth" in found.does_weighting_help
    assert found.what_it_costs == "Not known: it takes a model and the reference's targets (--model RUN)."
    page = str(found)
    assert page.startswith("Did it move?          Yes (p = ")
    assert "density ratio by Logistic" in page


def test_where_nothing_moved_nothing_has_to_be_weighted() -> None:
    before, bought = customers(300, 0.0, 0)
    after, _ = customers(300, 0.0, 1)
    found = examine(before, after, targets=bought)
    assert not found.found.moved
    assert found.did_it_move.startswith("No difference is shown (p = ")
    assert (found.where, found.does_weighting_help) == (
        "No single feature is shown to have moved.",
        "Nothing has to be weighted.",
    )
    assert found.weighting is None


def test_without_overlap_there_are_no_weights_and_that_is_said() -> None:
    x, y = laboratory(100, 0.0, 1.0, 0)
    found = examine(x, x + 50, targets=y)
    assert found.ratio is None
    assert found.damage is None
    assert found.does_weighting_help.startswith("It cannot: the samples do not overlap: a classifier tells them apart")


def test_where_weighting_cannot_be_tried_the_reason_is_said() -> None:
    generator = np.random.default_rng(0)
    x, field = generator.normal(0, 1, (300, 3)), generator.normal(0.6, 1, (200, 3))
    apart = examine(x, field, targets=(x[:, 0] > 0).astype(int))
    assert apart.weighting is None
    assert apart.does_weighting_help.startswith("Not known: a plane separates the 2 classes")
    wide = [np.hstack([rows, generator.normal(size=(len(rows), 60))]) for rows in (x, field)]
    found = examine(*wide, targets=generator.normal(size=300))
    assert found.does_weighting_help.startswith("Not known: it is tried on at most 60 features, and there are 63.")
    same = examine(x, field, targets=np.ones(300))
    assert same.does_weighting_help.startswith("Not known: no row has a weight, or all targets are the same.")


def test_accuracy_is_predicted_from_probabilities() -> None:
    generator = np.random.default_rng(0)
    x, field = generator.normal(0, 1, (1000, 1)), generator.normal(0.8, 0.6, (600, 1))

    def chances(rows: np.ndarray) -> np.ndarray:
        one = 1 / (1 + np.exp(-3 * rows[:, 0]))
        return np.stack([1 - one, one], axis=1)

    labels = (generator.random(1000) < chances(x)[:, 1]).astype(int)
    truth = (generator.random(600) < chances(field)[:, 1]).astype(int)
    found = examine(x, field, targets=labels, predictions=Predictions(chances(x), chances(field)))
    assert found.damage is not None
    assert found.damage.metric == "accuracy"
    accuracy = (chances(field).argmax(1) == truth).mean()
    assert found.damage.predicted.low - 0.02 < accuracy < found.damage.predicted.high + 0.02
    assert found.damage.predicted.value > found.damage.reference.value + 0.03
    assert found.what_it_costs.startswith("Accuracy 0.")


def test_images_are_compared_by_a_networks_features() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(60, 1, 6, 6, generator=generator)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    found = examine(images, images[:40] + 1.5, features=network)
    assert found.names == ("x0", "x1", "x2", "x3")
    assert found.found.moved


def test_what_does_not_fit_is_refused() -> None:
    x, y = laboratory(60, 0.0, 1.0, 0)
    with pytest.raises(ValueError, match=r"one target for each of the 60 reference rows; got an array of \(59,\)"):
        examine(x, x, targets=y[:59])
    with pytest.raises(ValueError, match="needs the reference's targets beside the model's predictions"):
        examine(x, x, predictions=Predictions(y, y))
    with pytest.raises(ValueError, match=r"columns are of one length; the current has \{'a': 3, 'b': 2\}"):
        examine({"a": np.ones(20), "b": np.ones(20)}, {"a": np.ones(3), "b": np.ones(2)})

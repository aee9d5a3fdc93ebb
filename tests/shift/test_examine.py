"""The four answers, on data whose answers are known."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
import torch
from torch import nn

from shinso._shift_page import write_shift_page
from shinso.shift import Predictions, examine
from shinso.shift._targets import are_classes, checked_targets


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
    earlier, values = laboratory(300, 0.5, 0.5, 2)
    line = np.polynomial.Polynomial.fit(earlier[:, 0], values, 1)
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
    assert same.does_weighting_help.startswith("Not known: all targets are the same.")


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


def partly_outside(seed: int, rows: int, inside: float) -> np.ndarray:
    """A share of the rows between 0 and 1, the others between 2 and 3."""
    generator = np.random.default_rng(seed)
    return (generator.uniform(0, 1, rows) + 2 * (generator.random(rows) > inside))[:, None]


def test_what_lies_outside_the_reference_is_not_to_be_relied_on(tmp_path: Path) -> None:
    x, field = partly_outside(0, 400, 1.0), partly_outside(1, 400, 0.6)
    y = np.random.default_rng(2).normal(3 * x[:, 0], 0.1)
    found = examine(x, field, targets=y, predictions=Predictions(3 * x[:, 0], 3 * field[:, 0]))
    assert found.ratio is not None
    assert found.damage is not None
    said = f"{found.ratio.diagnosis.overlap.outside:.1%} of the current rows lie where the reference has nearly none"
    assert 0.3 < found.ratio.diagnosis.overlap.outside < 0.5
    assert f" Do not rely on it: {said}" in found.what_it_costs
    assert f" But {said}" in found.does_weighting_help
    assert found.damage.trusted == ()
    page = write_shift_page(found, "lab", "field", tmp_path).read_text()
    assert "A bad sign: intervals above the reference&#x27;s" in page
    assert "A bad sign: a coloured mark" in page
    sure = np.where(x > 0.5, [[0.1, 0.9]], [[0.9, 0.1]]), np.where(field > 0.5, [[0.1, 0.9]], [[0.9, 0.1]])
    classes = examine(x, field, targets=(x[:, 0] > 0.5).astype(int), predictions=Predictions(*sure))
    assert f" Do not rely on it: {said}" in classes.what_it_costs
    assert classes.damage is not None
    assert not {"importance weighting", "weighting with control"} & {found.method for found in classes.damage.trusted}
    page = write_shift_page(classes, "lab", "field", tmp_path).read_text()
    assert "A bad sign: intervals below the reference&#x27;s" in page


def test_without_overlap_the_cost_is_unknown_or_doubted_and_the_reason_is_said() -> None:
    x, y = laboratory(100, 0.0, 1.0, 0)
    numbers = examine(x, x + 50, targets=y, predictions=Predictions(y, y))
    assert numbers.damage is None
    assert numbers.what_it_costs == (
        "Not known: a mean squared error is predicted by weights alone, and there are none, for the samples do not "
        "overlap."
    )
    sure = np.where(x > 0, [[0.1, 0.9]], [[0.9, 0.1]])
    labels = (x[:, 0] > 0) ^ (np.arange(100) % 10 == 0)
    classes = examine(x, x + 50, targets=labels, predictions=Predictions(sure, sure))
    assert " Do not rely on it: the samples do not overlap" in classes.what_it_costs


def test_predictions_that_do_not_fit_are_refused() -> None:
    x, y = laboratory(60, 0.0, 1.0, 0)
    field = x[:40] + 0.5
    halves, text = np.full((60, 2), 0.5), np.where(y > 0, "yes", "no")
    cases: list[tuple[Any, Any, Any, str]] = [
        (y, y[:10], y[:40], r"one prediction for each reference row, 60 in all; got an array of \(10,\)"),
        (y > 0, halves, halves[:7], r"one prediction for each current row, 40 in all; got an array of \(7, 2\)"),
        (y > 0, halves, y[:40], r"the reference's have the shape \(60, 2\), the current \(40,\)"),
        (text, halves, halves[:40], "beside predictions the targets are numbers; they are like '(yes|no)'"),
        (y, text, text[:40], "predictions are numbers, or probabilities of classes; the reference ones are like '"),
        (np.arange(60) % 3, halves, halves[:40], "of 2 classes the targets are their columns, 0 to 1; got 2"),
    ]
    for targets, before, after, words in cases:
        with pytest.raises(ValueError, match=words):
            examine(x, field, targets=targets, predictions=Predictions(before, after))


def test_lists_tensors_and_whole_floats_serve() -> None:
    x, y = laboratory(100, 0.0, 1.0, 0)
    field = x[:60] + 0.5
    wanted = examine(x, field, targets=y, predictions=Predictions(y + 0.1, y[:60])).what_it_costs
    assert wanted.startswith("Mean squared error 0.01 on the reference, 0.01 expected")
    for made in (list, torch.tensor):
        found = examine(x, field, targets=y, predictions=Predictions(made(y + 0.1), made(y[:60])))
        assert found.what_it_costs == wanted
    halves = np.full((100, 2), 0.5)
    floats = examine(x, field, targets=(y > 0).astype(float), predictions=Predictions(halves, halves[:60]))
    assert floats.damage is not None
    assert floats.damage.metric == "accuracy"


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_predictions_in_half_precision_serve(kind: torch.dtype) -> None:
    x, y = laboratory(200, 0.0, 1.0, 0)
    logits = torch.from_numpy(np.concatenate([x, -x, 0.3 * x, x**2], axis=1))
    labels = torch.from_numpy((y > 0).astype(np.int64))
    exact, half = (
        examine(x, x[:90] + 0.1, targets=labels, predictions=Predictions(p, p[:90]))
        for p in (logits.softmax(1), logits.to(kind).softmax(1))
    )
    assert exact.damage is not None
    assert half.damage is not None
    assert half.damage.predicted.value == pytest.approx(exact.damage.predicted.value, abs=0.03)
    numbers = Predictions(logits[:, 0].to(kind), logits[:90, 0].to(kind))
    assert examine(x, x[:90] + 0.1, targets=torch.from_numpy(y).to(kind), predictions=numbers).damage is not None


@pytest.mark.parametrize("scale", [1e-3, 1e5])
def test_a_loss_of_any_scale_has_digits(scale: float) -> None:
    x, y = laboratory(200, 0.0, 1.0, 0)
    found = examine(x, x[:150] + 0.3, targets=scale * y, predictions=Predictions(scale * (y + 1), scale * y[:150]))
    assert found.damage is not None
    value, low = found.damage.reference.value, found.damage.predicted.low
    assert f"Mean squared error {value:.4g} on the reference" in found.what_it_costs
    assert f"interval {low:.4g} to " in found.what_it_costs
    assert f"{value:.4g}  [" in str(found.damage)
    assert "0.000" not in found.what_it_costs


def test_truth_values_among_objects_are_classes_and_many_classes_are_not_tried() -> None:
    generator = np.random.default_rng(0)
    x, field = generator.normal(0, 1, (120, 1)), generator.normal(1.0, 1, (100, 1))
    flags = np.array((x[:, 0] + generator.normal(size=120) > 0).tolist(), dtype=object)
    found = examine(x, field, targets=flags)
    assert found.weighting is not None
    assert found.does_weighting_help == examine(x, field, targets=flags.astype(int)).does_weighting_help
    many = examine(x, field, targets=[f"n{row}" for row in range(120)])
    assert many.does_weighting_help.startswith(
        "Not known: it is tried on at most 20 classes, and the targets have 120."
    )


def test_few_whole_numbers_truth_values_and_text_are_classes() -> None:
    cases: list[tuple[Any, bool]] = [
        (range(20), True),
        (range(21), False),
        ([0.0, 1.0], False),
        ([True, False], True),
        (np.array([True, False], dtype=object), True),
        (np.array([1.5, 2], dtype=object), False),
        (pd.Categorical(["yes", "no"]), True),
        (torch.tensor([[1], [2]]), True),
        (torch.tensor([[1.0], [2.0]]), False),
    ]
    for given, wanted in cases:
        targets = checked_targets(given, len(given))
        assert targets.dtype != object
        assert are_classes(targets) is wanted
    for gaps in (["a", None], [pd.NA, "b", None], [1.0, np.nan]):
        with pytest.raises(ValueError, match=r"every reference row has a target; \d are missing, the first in row"):
            checked_targets(gaps, len(gaps))
    with pytest.raises(ValueError, match=r"got an array of \(3, 2\)"):
        checked_targets(np.ones((3, 2)), 3)


def test_many_coefficients_are_not_tried() -> None:
    generator = np.random.default_rng(0)
    x, field = generator.normal(0, 1, (300, 40)), generator.normal(0.2, 1, (200, 40))
    found = examine(x, field, targets=np.arange(300) % 16)
    assert found.does_weighting_help.startswith(
        "Not known: it is tried on at most 600 coefficients, and 16 classes of 40 features have 640."
    )


def test_the_headline_names_what_has_moved() -> None:
    def table(mean: float) -> dict[str, np.ndarray]:
        few = np.full(400, np.nan)
        few[:25] = generator.normal(size=25)
        return {"few": few, "moved": generator.normal(mean, 1, 400)}

    for seed in range(2):
        generator = np.random.default_rng(seed)
        found = examine(table(0.0), table(0.4))
        assert found.where.startswith("moved (0.")
        assert "'few'" not in found.did_it_move
        test = found.found.tests[-1]
        moved = next(feature for feature in found.found.features if feature.name == "moved")
        assert (test.effect, test.p_value) == (moved.effect, moved.corrected_p)
        assert test.meaning == "largest difference of probability in 'moved', the feature with the least p"


def test_rows_in_both_sets_are_said_beside_the_verdict() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(100, 2))
    assert examine(x, x).did_it_move.endswith(" 100 current rows are reference rows too, which hides a shift.")
    assert "reference rows too" not in examine(x, generator.normal(size=(100, 2))).did_it_move

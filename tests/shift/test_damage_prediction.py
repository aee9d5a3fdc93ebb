"""What is put together: all methods on digits, the page, the picture, losses."""

import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.ndimage import rotate
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from shinso.shift.damage import (
    Damage,
    average_thresholded_confidence,
    draw_damage,
    fit_temperature,
    measure_widening,
    predict_damage,
    predict_loss,
    self_normalized_risk,
    with_temperature,
)


@cache
def on_digits(angle: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Probabilities and labels of the reference, probabilities of rotated digits and their accuracy."""
    inputs, labels = load_digits(return_X_y=True)
    inputs = inputs / 16
    train, reference, current = np.split(np.random.default_rng(0).permutation(len(labels)), [600, 1200])
    model = LogisticRegression(max_iter=300).fit(inputs[train], labels[train])
    images = inputs[current].reshape(-1, 8, 8)
    turned = rotate(images, angle, axes=(1, 2), reshape=False, order=1).reshape(len(current), -1)
    target = model.predict_proba(turned)
    accuracy = float((target.argmax(axis=1) == labels[current]).mean())
    return model.predict_proba(inputs[reference]), labels[reference], target, accuracy


def predicted(angle: int, **options: object) -> Damage:
    return predict_damage(*on_digits(angle)[:3], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("angle", [0, 5, 10, 15])
def test_rotated_digits_are_covered(angle: int) -> None:
    damage, accuracy = predicted(angle), on_digits(angle)[3]
    assert damage.predicted.covers(accuracy)
    assert damage.reference.covers(float((on_digits(angle)[0].argmax(axis=1) == on_digits(angle)[1]).mean()))
    assert damage.current_rows == 597


def test_the_predicted_fall_grows_with_the_angle() -> None:
    changes = [predicted(angle).change for angle in (0, 5, 10, 15)]
    assert changes[0] == pytest.approx(0, abs=0.02)
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] < -0.15


def test_only_rotation_speaks_against_label_shift() -> None:
    names = {estimate.method: estimate for estimate in predicted(0).estimates}
    assert names["label shift"].trusted
    turned = {estimate.method: estimate for estimate in predicted(5).estimates}
    assert not turned["label shift"].trusted
    assert turned["difference of confidences"].trusted


def test_methods_see_probabilities_at_the_references_temperature() -> None:
    source, labels, target, _ = on_digits(10)
    temperature = fit_temperature(source, labels)
    assert temperature < 0.8
    expected = average_thresholded_confidence(
        with_temperature(source, temperature), labels, with_temperature(target, temperature)
    )
    assert predicted(10).estimates[0] == expected


def test_weights_add_two_methods() -> None:
    source, labels, _, _ = on_digits(0)
    damage = predicted(0, weights=np.ones(len(labels)))
    assert [estimate.method for estimate in damage.estimates[3:]] == ["importance weighting", "weighting with control"]
    assert damage.estimates[3].value == pytest.approx((source.argmax(axis=1) == labels).mean())
    assert damage.estimates[3].trusted
    doubted = predicted(10, weights=np.ones(len(labels))).estimates[3]
    assert "the model is less sure now than the weights explain" in doubted.doubts[0]


def test_a_class_without_a_reference_row_leaves_out_label_shift() -> None:
    source, labels, target, _ = on_digits(0)
    damage = predict_damage(source[labels != 4], labels[labels != 4], target)
    assert [estimate.method for estimate in damage.estimates] == [
        "average thresholded confidence",
        "difference of confidences",
    ]


def test_tables_of_pandas_serve() -> None:
    pandas = pytest.importorskip("pandas")
    source, labels, target, _ = on_digits(0)
    tables = pandas.DataFrame(source), pandas.Series(labels), pandas.DataFrame(target)
    assert str(predict_damage(*tables)) == str(predicted(0))


def test_the_summary_is_the_median_of_the_trusted() -> None:
    damage = predicted(0, weights=np.ones(600))
    assert len(damage.trusted) == 5
    for end in ("value", "low", "high"):
        expected = np.median([getattr(estimate, end) for estimate in damage.trusted])
        assert getattr(damage.predicted, end) == pytest.approx(expected)


def test_where_none_is_trusted_the_summary_goes_over_all_and_down_to_the_worst() -> None:
    damage = predicted(15)
    assert damage.trusted == ()
    assert damage.predicted.low == 0.0 < min(estimate.low for estimate in damage.estimates)
    assert damage.predicted.high == max(estimate.high for estimate in damage.estimates)
    assert damage.predicted.doubts == (
        "no method is trusted here, so that the interval goes over all and on to the worst",
    )
    assert "Doubt about the whole: no method is trusted here" in str(damage)


def test_the_page_says_what_each_method_found_and_assumes() -> None:
    damage = predicted(5)
    page = str(damage)
    assert page.startswith("Predicted accuracy on 597 current rows without labels, intervals at 90 %")
    for estimate in (damage.reference, *damage.estimates):
        assert f"{estimate.value:.3f}  [{estimate.low:.3f}, {estimate.high:.3f}]" in page
    assert "✓ difference of confidences" in page
    assert "✗ label shift" in page
    assert f"differ by at most {damage.disagreement:.3f}" in page
    assert f"Confidence has moved by {damage.confidence_shift:.2f}" in page
    assert "No method sees a change of p(y | x)" in page
    assert max(map(len, page.splitlines())) <= 110


def test_a_higher_level_is_wider() -> None:
    assert predicted(5, level=0.95).predicted.width > predicted(5, level=0.8).predicted.width


def test_a_change_of_the_labels_meaning_is_seen_by_none() -> None:
    """The promise that the page makes: exchanging two classes' labels of the current rows changes nothing."""
    damage = predicted(0)
    accuracy = on_digits(0)[3]
    assert len(damage.trusted) == 3
    assert not any(estimate.covers(accuracy - 0.18) for estimate in damage.estimates)


def test_losses_are_predicted_by_weights() -> None:
    generator = np.random.default_rng(1)
    losses, weights = generator.exponential(size=80), generator.uniform(0.5, 1.5, 80)
    damage = predict_loss(losses, weights, 50, level=0.95)
    expected = self_normalized_risk(losses, weights, current_rows=50, level=0.95)
    assert damage.estimates[0] == expected
    assert damage.predicted.value == expected.value
    assert damage.reference.value == pytest.approx(losses.mean())
    assert damage.confidence_shift is None
    assert "Predicted mean loss on 50 current rows without labels, intervals at 95 %" in str(damage)
    assert "Confidence" not in str(damage)


def test_losses_by_few_effective_rows_are_doubted_and_have_no_worst() -> None:
    losses = np.random.default_rng(1).exponential(size=80)
    damage = predict_loss(losses, np.where(np.arange(80) < 4, 20.0, 0.1), 50)
    assert damage.predicted.doubts == ("no method is trusted here, and the interval is no wider for that",)
    assert (damage.predicted.low, damage.predicted.high) == (damage.estimates[0].low, damage.estimates[0].high)


def test_the_picture_has_every_method_and_its_ends() -> None:
    damage = predicted(5, weights=np.ones(600))
    figure = Figure()
    draw_damage(damage, figure)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [*[estimate.method for estimate in damage.estimates], "predicted"]
    drawn = [np.asarray(line.get_xdata()).tolist() for line in axes.lines]
    for estimate in (*damage.estimates, damage.predicted):
        assert [estimate.low, estimate.high] in drawn
    assert "accuracy is predicted to fall" in axes.get_title(loc="left")
    assert axes.get_xlabel() == "accuracy on the current rows, 90 % intervals"
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[1:] == ["trusted", "a diagnostic speaks against it"]


def test_a_rise_is_called_so() -> None:
    damage = predicted(0)
    higher = replace(damage, predicted=replace(damage.predicted, value=damage.reference.value + 0.01))
    figure = Figure()
    draw_damage(higher, figure)
    assert "predicted to rise by 0.010" in figure.axes[0].get_title(loc="left")


def rehearsals(number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of two confidences, so many of them unsure, and an accuracy that confidence overstates."""
    generator = np.random.default_rng(7)
    found = []
    for share in np.linspace(0.1, 0.6, number):
        confidence = np.where(generator.random(200) < share, 0.6, 0.95)
        right = generator.random(200) < confidence - 0.3 * share
        found.append((np.stack([confidence, 1 - confidence], axis=1), (~right).astype(int)))
    return found


def test_the_measured_widening_covers_the_rehearsals_at_its_level() -> None:
    confidence = np.repeat([0.95, 0.6], [190, 10])
    source, labels = np.stack([confidence, 1 - confidence], axis=1), (np.arange(200) % 14 == 0).astype(int)
    rehearsed = rehearsals(19)
    widening = measure_widening(source, labels, rehearsed)
    assert 0 < widening < 1

    def covered(amount: float) -> int:
        count = 0
        for target, truth in rehearsed:
            estimates = predict_damage(source, labels, target, widening=amount).estimates[:2]
            accuracy = float((target.argmax(axis=1) == truth).mean())
            count += all(estimate.covers(accuracy) for estimate in estimates)
        return count

    assert covered(widening) == 18  # of 19: the 18th of 20 places
    assert covered(widening - 0.01) < 18


def test_too_few_or_hopeless_rehearsals_are_refused() -> None:
    source, labels, _, _ = on_digits(0)
    with pytest.raises(ValueError, match=r"a level of 0.9 needs at least 9 rehearsals; got 8"):
        measure_widening(source, labels, [(source, labels)] * 8)
    assert measure_widening(source, labels, [(source, labels)] * 9) == 0
    with pytest.raises(ValueError, match="in 9 of 9 rehearsals accuracy fell and confidence hardly moved"):
        measure_widening(source, labels, [(source, (labels + 1) % 10)] * 9)


def test_importing_is_light() -> None:
    heavy = "{'scipy', 'sklearn', 'matplotlib', 'pandas'} & set(sys.modules)"
    script = f"import sys, shinso.shift.damage; print(sorted({heavy}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_doubts_of_the_weights_are_doubts_of_what_rests_on_them() -> None:
    damage = predicted(0, weights=np.ones(600), doubts=("no overlap",))
    assert [estimate.method for estimate in damage.trusted] == [estimate.method for estimate in predicted(0).estimates]
    assert all(estimate.doubts[-1] == "no overlap" for estimate in damage.estimates[3:])
    losses = predict_loss(np.arange(60.0), np.ones(60), 50, doubts=("no overlap",))
    assert losses.trusted == ()
    assert losses.predicted.doubts == ("no method is trusted here, and the interval is no wider for that",)


def test_figures_of_a_loss_have_its_scale() -> None:
    damage = predict_loss(np.random.default_rng(1).exponential(1e-6, size=80), np.ones(80), 50)
    value = f"{damage.reference.value:.4g}"
    figure = Figure()
    draw_damage(damage, figure)
    assert f"reference, {value}, and its interval" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert figure.axes[0].texts[0].get_text().startswith(f"{damage.estimates[0].value:.4g}   ")
    assert f" {value}  [" in str(damage)
    assert f" {value}  [" in str(damage.reference)


def test_an_endless_interval_is_drawn_with_arrows() -> None:
    damage = predict_loss(np.random.default_rng(1).exponential(size=80), np.eye(80)[0] + 1e-12, 50)
    low, high = 0.0, np.inf
    endless = replace(damage, predicted=replace(damage.predicted, low=low, high=high))
    figure = Figure()
    draw_damage(endless, figure)
    (axes,) = figure.axes
    edge = axes.get_xlim()[1]
    assert np.isfinite(edge)
    last = [line for line in axes.lines if np.asarray(line.get_ydata()).tolist()[:1] == [-2.5]]
    assert [low, edge] in [np.asarray(line.get_xdata()).tolist() for line in last]
    assert [line.get_marker() for line in last if np.asarray(line.get_xdata()).tolist() == [edge]] == [">"]

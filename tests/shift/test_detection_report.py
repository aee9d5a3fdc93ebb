"""From data to the report and its pictures."""

import re
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression

from shinso.shift.detection import (
    MMD,
    ClassifierTwoSample,
    EnergyDistance,
    LinearTimeMMD,
    ShiftReport,
    default_tests,
    detect,
    draw_shift,
)


def table(rows: int, seed: int, moved: bool = False) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"still {k}": generator.normal(size=rows) for k in range(3)}
    columns["income"] = generator.lognormal(1.0 if moved else 0.0, 0.5, rows)
    columns["colour"] = generator.choice(
        ["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2] if moved else [0.2, 0.3, 0.5]
    )
    columns["constant"] = 1
    found = pd.DataFrame(columns)
    found.loc[generator.random(rows) < (0.3 if moved else 0.05), "still 0"] = np.nan
    return found


@pytest.fixture(scope="module")
def report() -> ShiftReport:
    return detect(table(300, 0), table(200, 1, moved=True))


@pytest.fixture(scope="module")
def quiet() -> ShiftReport:
    return detect(table(300, 2), table(200, 3))


def test_what_moved_is_found_and_what_did_not_is_not(report: ShiftReport) -> None:
    assert report.moved
    assert {feature.name for feature in report.moved_features} == {"income", "colour", "still 0 (missing)"}
    assert [test.name for test in report.tests] == ["classifier two-sample", "MMD", "feature by feature"]
    assert all(test.p_value <= 0.001 for test in report.tests)
    assert report.p_value == min(report.corrected) <= 3 * min(test.p_value for test in report.tests)
    assert report.notes == ("'constant' has one value only, 1.0, and is not tested",)


def test_two_samples_of_one_distribution_are_not_told_apart(quiet: ShiftReport) -> None:
    assert not quiet.moved
    assert quiet.moved_features == ()
    assert str(quiet).startswith("The current rows do not show a difference from the reference: p = ")


def test_the_examples_have_the_highest_scores(report: ShiftReport) -> None:
    assert report.scores.shape == (200,)
    assert len(report.examples) == 10
    assert report.scores[report.examples].tolist() == sorted(report.scores.tolist(), reverse=True)[:10]


def test_the_page_has_every_line_in_its_width(report: ShiftReport) -> None:
    page = str(report)
    assert re.match(
        r"The current rows differ from the reference: p = \S+, corrected for 3 tests by Holm; level 0.05\.", page
    )
    assert "300 reference rows and 200 current ones." in page
    marked = [line.split("  ")[0] for line in page.splitlines() if line.startswith("* ")]
    assert sorted(marked) == ["* colour", "* income", "* still 0 (missing)"]
    assert re.search(r"\* colour +0\.\d{3}  0\.\d{3} … 0\.\d{3} +\S+ +'(red|blue)' \d+\.\d% → \d+\.\d%", page)
    assert "Note: 'constant' has one value only" in page
    assert f"least like the reference, counted from 1: {report.examples[0] + 1}, " in page
    assert len(page.splitlines()) < 40


def test_many_features_fit_a_page() -> None:
    generator = np.random.default_rng(5)
    found = detect(generator.normal(size=(40, 60)), generator.normal(1, 1, size=(40, 60)), tests=[EnergyDistance()])
    assert re.search(r"… and 48 more, of which \d+ moved", str(found))
    assert len(str(found).splitlines()) < 40


def test_equal_seeds_give_equal_reports_and_others_others() -> None:
    tests = (ClassifierTwoSample(LogisticRegression()), EnergyDistance())
    pages = [str(detect(table(60, 0), table(50, 1), tests=tests, seed=seed)) for seed in (1, 1, 2)]
    assert pages[0] == pages[1] != pages[2]
    state = str(np.random.get_state())
    detect(table(60, 0), table(50, 1), tests=tests)
    assert str(np.random.get_state()) == state


def test_the_tests_may_be_chosen_or_left_out() -> None:
    chosen = detect(table(60, 0), table(50, 1), tests=[EnergyDistance(), LinearTimeMMD()])
    assert [test.name for test in chosen.tests] == ["energy distance", "linear-time MMD", "feature by feature"]
    alone = detect(table(60, 0), table(50, 1), tests=())
    assert [test.name for test in alone.tests] == ["feature by feature"]
    assert alone.p_value == alone.tests[0].p_value
    assert "corrected for one test" in str(alone)


def test_a_test_of_ones_own_needs_no_base_class() -> None:
    class Always(EnergyDistance):
        def scores(self, reference: Any, current: Any, seed: Any = 0) -> Any:
            return np.arange(float(len(current)))

    assert detect(table(30, 0), table(30, 1), tests=[Always()]).examples.tolist() == list(range(29, 19, -1))


def test_the_default_tests_go_by_the_smaller_sample() -> None:
    assert default_tests(39, 10**6) == (EnergyDistance(),)
    assert default_tests(40, 10**6) == default_tests(10**8, 10**7) == (ClassifierTwoSample(), MMD())
    assert default_tests(10**8, 10**7 + 1) == (ClassifierTwoSample(), LinearTimeMMD())


def test_images_are_compared_by_a_networks_features() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 6), torch.nn.ReLU())
    generator = np.random.default_rng(0)
    images = generator.normal(size=(80, 1, 8, 8)).astype(np.float32)
    brighter = generator.normal(size=(60, 1, 8, 8)).astype(np.float32) + 0.5
    tests = [EnergyDistance()]
    assert detect(images, brighter, tests=tests, features=network).moved
    assert not detect(images, torch.from_numpy(images[:60]), tests=tests, features=network).moved
    with pytest.raises(ValueError, match=r"shape \(80, 1, 8, 8\)\. For images"):
        detect(images, brighter)


@pytest.mark.parametrize("level", [0.0, 1.0, 5])
def test_a_level_is_a_probability(level: float) -> None:
    with pytest.raises(ValueError, match=f"probability between 0 and 1, such as 0.05; got {level}"):
        detect(table(30, 0), table(30, 1), level=level)


def test_where_nothing_can_be_tested_it_says_so() -> None:
    identifiers = [[f"a{k}"] for k in range(20)]
    with pytest.raises(ValueError, match="no feature varies"):
        detect(identifiers, [[f"b{k}"] for k in range(20)])
    gaps = np.array([[np.nan]] * 10 + [[1.0]] * 10)
    assert [feature.kind for feature in detect(gaps, gaps).features] == ["missing"]


def test_the_picture_shows_each_effect_and_the_samples(report: ShiftReport) -> None:
    figure = Figure(figsize=(10, 5.5))
    draw_shift(report, figure)
    figure.draw_without_rendering()
    effects, *samples = figure.axes
    assert [label.get_text() for label in effects.get_yticklabels()] == [feature.name for feature in report.features]
    dots = sorted(float(x) for line in effects.lines for x in np.atleast_1d(line.get_xdata()))
    assert dots == pytest.approx(sorted(feature.effect for feature in report.features))
    assert len(samples) == 3
    assert [axes.get_title(loc="left").split(":")[0] for axes in samples] == [f.name for f in report.moved_features]
    legend = samples[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["reference", "current"]
    assert "moved" in effects.get_title(loc="left")


def test_a_picture_without_a_shift_says_so(quiet: ShiftReport) -> None:
    figure = Figure()
    draw_shift(quiet, figure)
    assert "No shift shown" in figure.axes[0].get_title(loc="left")


def test_dates_are_drawn_as_dates() -> None:
    days = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
    figure = Figure()
    draw_shift(detect(days, days + np.timedelta64(20, "D"), tests=()), figure)
    figure.draw_without_rendering()
    low, high = figure.axes[1].get_xlim()
    assert low <= days[0].astype(float) + 1
    assert high >= days[-1].astype(float) + 19
    assert figure.axes[1].xaxis.get_major_formatter().format_data_short(days[0].astype(float)).startswith("2024-01-01")


@pytest.mark.parametrize("days", [0.001, 0.1, 3, 4, 60, 120, 800])
def test_dates_of_any_span_have_ticks(days: float) -> None:
    seconds = np.random.default_rng(0).integers(0, int(86_400 * days), (2, 100))
    figure = Figure(figsize=(10, 5.5))
    when = np.datetime64("2024-01-01", "s") + seconds
    draw_shift(detect({"when": when[0]}, {"when": when[1]}, tests=()), figure)
    figure.draw_without_rendering()
    assert 2 <= len(figure.axes[1].get_xticks()) <= 8


def test_dates_at_the_ends_of_the_calendar_are_drawn() -> None:
    ever = np.array(["0001-01-01", "2024-01-01", "9999-12-31"] * 20, dtype="datetime64[D]")
    figure = Figure()
    draw_shift(detect({"until": ever}, {"until": ever[::-1][:50]}, tests=()), figure)
    figure.draw_without_rendering()


def test_dollars_in_names_and_levels_are_no_formulas() -> None:
    levels = np.array(["$^^_$", "$5", "other"] * 20)
    figure = Figure()
    draw_shift(detect({"cost ($^^)": levels}, {"cost ($^^)": levels[:40]}, tests=()), figure)
    figure.draw_without_rendering()  # which raises where a formula cannot be read


def test_a_picture_needs_a_feature(quiet: ShiftReport) -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="no effects to draw"):
        draw_shift(replace(quiet, features=()), Figure())


def test_rows_in_both_sets_are_counted() -> None:
    generator = np.random.default_rng(0)
    reference = generator.normal(size=(200, 3))
    current = np.concatenate([reference[:80], generator.normal(size=(40, 3))])
    found = detect(reference, current, tests=())
    assert found.shared_rows == 80
    assert found.notes[0].startswith("80 of 120 current rows are equal to a reference row: that hides a shift")
    assert detect(reference, current[80:], tests=()).shared_rows == 0
    # Two equal rows of rounded numbers are no copies.
    assert detect(reference, np.concatenate([reference[:2], current[80:]]), tests=()).shared_rows == 0
    # Rows of a few levels are equal by chance.
    levels = generator.integers(0, 3, (2, 200, 2))
    assert detect(*levels, tests=()).notes == ()


def test_a_title_of_many_features_stays_in_its_panel() -> None:
    generator = np.random.default_rng(0)
    found = detect(generator.normal(size=(60, 30)), generator.normal(0.5, 1, size=(60, 30)), tests=())
    figure = Figure(figsize=(10, 5.5))
    draw_shift(found, figure)
    assert figure.axes[0].get_title(loc="left").splitlines()[-1] == "The 14 largest effects of 30 features"
    figure.draw_without_rendering()
    left, right = figure.axes[0], figure.axes[1]
    ends = left._left_title.get_window_extent().x1  # type: ignore[attr-defined]
    assert ends < right.get_window_extent().x0

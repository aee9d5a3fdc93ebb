import pytest

from shinso.report._numbers import duration, number, percent


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (-3.0, "−3"),
        (0.12345678, "0.1235"),
        (6957.31, "6,957"),
        (1e-7, "1e−07"),
        (2e20, "2e+20"),
        (float("nan"), "not a number"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers(value: float, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (8.44, "8.4 s"),
        (59.96, "1 min 00 s"),
        (60, "1 min 00 s"),
        (192.2, "3 min 12 s"),
        (3599.7, "1 h 00 min"),
        (7505, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_percentages_have_as_many_decimals_as_the_count_supports() -> None:
    assert percent(0.98765, of=360).replace("\u00a0", " ") == "98.8 %"
    assert percent(0.98765, of=10_000).replace("\u00a0", " ") == "98.77 %"

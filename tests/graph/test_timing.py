"""Turns are taken fairly and durations are readable; nothing here is timed."""

import pytest

from shinso.graph._timing import duration_text, seconds_in_turn


def test_calls_take_turns_after_one_round_that_does_not_count() -> None:
    order: list[str] = []
    times = seconds_in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert order == ["a", "b"] * 3
    assert times.keys() == {"a", "b"}


def test_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="measuring needs at least one round; got 0"):
        seconds_in_turn({}, 0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.5 s"), (0.0125, "12.5 ms"), (7.89e-6, "7.89 µs"), (None, "–"), (1.0, "1 s")]
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text

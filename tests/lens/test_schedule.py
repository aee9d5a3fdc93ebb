"""When lenses are due, against enumeration."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shinso.lens import at, every, log_spaced


@settings(deadline=None)
@given(st.integers(1, 50))
def test_every_is_due_at_the_first_step_and_at_equal_distances(steps: int) -> None:
    due = [step for step in range(1, 301) if every(steps)(step)]
    assert due == list(range(1, 301, steps))


@settings(deadline=None)
@given(st.sets(st.integers(1, 200)))
def test_at_is_due_at_the_named_steps_only(steps: set[int]) -> None:
    assert {step for step in range(1, 201) if at(*steps)(step)} == steps


@settings(deadline=None)
@given(st.integers(1, 20))
def test_log_spaced_is_due_at_the_rounded_points_of_a_geometric_series(per_decade: int) -> None:
    points = {round(10 ** (k / per_decade)) for k in range(3 * per_decade + 1)}
    assert {step for step in range(1, 1001) if log_spaced(per_decade)(step)} == points


def test_a_schedule_without_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="positive number of steps between readings; got 0"):
        every(0)
    with pytest.raises(ValueError, match="at least one reading per decade; got 0"):
        log_spaced(0)

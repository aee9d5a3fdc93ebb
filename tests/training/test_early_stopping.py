"""Early stopping counts as lecture 002 does: one whenever the validation error exceeds that of the step before."""

from hypothesis import given
from hypothesis import strategies as st

from shinso.training._early_stopping import EarlyStopping

losses = st.lists(st.sampled_from([0.1, 0.2, 0.3]) | st.floats(0, 9), max_size=30)


@given(losses, st.integers(1, 6))
def test_stops_at_the_rise_with_the_given_number(values: list[float], patience: int) -> None:
    rises = [i for i in range(1, len(values)) if values[i] > values[i - 1]]
    expected = rises[patience - 1] if len(rises) >= patience else None
    stopping, stopped = EarlyStopping(patience), None
    for i, value in enumerate(values):
        if stopping.update(value):
            stopped = i
            break
    assert stopped == expected


@given(losses)
def test_without_patience_it_never_stops(values: list[float]) -> None:
    stopping = EarlyStopping(None)
    assert not any(stopping.update(value) for value in values)

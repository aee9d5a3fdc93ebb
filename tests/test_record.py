"""The record gives back what was written, also to other readers and after a death."""

import gc
import os
import sqlite3
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import forked
from shinso.record import Record

series = st.dictionaries(st.integers(0, 2**40), st.floats(), min_size=1, max_size=20)
dtypes = st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_, np.float16])


@given(series)
@settings(deadline=None)
def test_scalars_come_back_by_step(values: dict[int, float]) -> None:
    record = Record()
    for step, value in values.items():
        record.scalars(step, {"loss": value})
    steps, found, labels = record.readings("loss")
    assert steps.tolist() == sorted(values)
    np.testing.assert_array_equal(found, [values[step] for step in sorted(values)])
    assert labels == ()
    np.testing.assert_array_equal([record.last_scalars()["loss"]], [values[max(values)]])
    record.close()


@given(hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))
@settings(deadline=None)
def test_arrays_come_back_with_shape_and_type(value: np.ndarray) -> None:
    record = Record()
    record.array(3, "a", value)
    record.array(5, "a", value)
    steps, found, _ = record.readings("a")
    assert steps.tolist() == [3, 5]
    assert found.dtype == value.dtype
    np.testing.assert_array_equal(found, np.stack([value, value]))
    record.close()


def test_strided_array_comes_back() -> None:
    record = Record()
    value = np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)[::2]
    record.arrays(1, {"a": value})
    np.testing.assert_array_equal(record.readings("a").values[0], value)
    record.close()


def test_objects_are_refused_because_they_could_not_be_read_again() -> None:
    record = Record()
    with pytest.raises(ValueError, match="'a' is an array of objects; expected numbers, booleans or text"):
        record.array(1, "a", np.array([{}, None]))
    record.close()


def test_second_reading_at_a_step_replaces_the_first() -> None:
    record = Record()
    record.scalars(1, {"x": 1.0})
    record.scalars(1, {"x": 2.0})
    record.array(1, "a", np.zeros(2), ["p", "q"])
    record.array(1, "a", np.ones(2), ["r", "s"])
    assert record.readings("x").values.tolist() == [2.0]
    assert record.readings("a").values.tolist() == [[1.0, 1.0]]
    assert record.readings("a").labels == ("r", "s")
    record.close()


@given(st.sets(st.integers(0, 50)), st.integers(-1, 51))
@settings(deadline=None)
def test_forgetting_drops_exactly_what_is_later(steps: set[int], last: int) -> None:
    record = Record()
    record.series("x", sorted(steps), [0.0] * len(steps))
    for step in steps:
        record.array(step, "a", np.zeros(1))
        record.event("e", {}, step)
    record.event("always", {})
    record.forget_after(last)
    kept = sorted(step for step in steps if step <= last)
    for name in ("x", "a"):
        assert (record.readings(name).steps.tolist() if kept else []) == kept
    assert sorted(event.step for event in record.events("e")) == kept
    assert len(record.events("always")) == 1
    record.close()


def test_series_needs_a_value_for_each_step() -> None:
    record = Record()
    with pytest.raises(ValueError, match="zip"):
        record.series("x", [1, 2], [1.0])
    record.close()


def test_unknown_name_is_said_with_those_there_are() -> None:
    record = Record()
    with pytest.raises(KeyError, match="no readings named 'lost'; there are: none yet"):
        record.readings("lost")
    record.scalars(1, {"loss": 1.0, "accuracy": 0.5})
    with pytest.raises(KeyError, match="no readings named 'lost'; there are: accuracy, loss"):
        record.readings("lost")
    record.close()


def test_events_come_in_order_with_their_kind() -> None:
    record = Record()
    record.event("a", {"list": [1, None, "é"]}, 3)
    record.event("b", {})
    assert [(event.kind, event.step) for event in record.events()] == [("a", 3), ("b", None)]
    assert record.events("a")[0].content == {"list": [1, None, "é"]}
    assert record.events("c") == []
    record.close()


def test_reader_sees_what_was_committed_and_nothing_else(tmp_path: Path) -> None:
    writer = Record(tmp_path / "run.db")
    writer.scalars(1, {"x": 1.0})
    writer.commit()
    reader = Record.open_read_only(tmp_path / "run.db")
    writer.scalars(2, {"x": 2.0})
    assert reader.readings("x").steps.tolist() == [1]
    assert writer.readings("x").steps.tolist() == [1, 2]
    writer.commit()
    assert reader.readings("x").steps.tolist() == [1, 2]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.scalars(3, {"x": 3.0})
    reader.close()
    writer.close()


def _write_and_die(path: Path) -> None:
    record = Record(path)
    record.scalars(1, {"x": 1.0})
    record.commit()
    record.scalars(2, {"x": 2.0})
    os._exit(9)


def test_death_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    process = forked.CONTEXT.Process(target=_write_and_die, args=(tmp_path / "run.db",))
    process.start()
    process.join()
    assert process.exitcode == 9
    for record in (Record.open_read_only(tmp_path / "run.db"), Record(tmp_path / "run.db")):
        assert record.readings("x").values.tolist() == [1.0]
        record.close()


def test_what_nobody_closed_is_closed_when_it_is_collected(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    for open_record in (Record, partial(Record, path), partial(Record.open_read_only, path)):
        connection = open_record()._db
        gc.collect()
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            connection.execute("SELECT 1")


def test_file_that_is_no_record_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no record at .*run\.db; expected the run\.db of a run directory"):
        Record.open_read_only(tmp_path / "run.db")
    for content in (b"", b"not a database " * 100):
        (tmp_path / "run.db").write_bytes(content)
        with pytest.raises(ValueError, match=r"run\.db is not a record that shinso wrote, or is damaged"):
            Record.open_read_only(tmp_path / "run.db")

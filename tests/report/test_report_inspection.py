"""The part of the report that looks into the trained network."""

import numpy as np

from shinso.record import Record
from shinso.report._sections import inspection


def looked() -> Record:
    record = Record()
    common = {"seconds": 0.1, "meaning": "Reads ``a<b``.", "source": "Someone, 1999"}
    names = ["inspect/size", "inspect/by_layer", "inspect/curve", "inspect/table", "inspect/nothing"]
    names += [f"inspect/unit/{layer}/mean" for layer in "abc"]
    record.event("inspection", {"lens": "first_lens", "left_out": None, "readings": names, **common})
    record.event("inspection", {"lens": "second", "left_out": "it is <smooth>", "readings": [], **common})
    record.scalars(7, {"inspect/size": 0.25})
    record.array(7, "inspect/by_layer", np.array([1.0, 2.0]), ("one", "two"))
    record.array(7, "inspect/nothing", np.array([np.nan, np.nan]), ("one", "two"))
    record.array(7, "inspect/curve", np.arange(5.0))
    record.array(7, "inspect/table", np.eye(3))
    for layer in "abc":
        record.array(7, f"inspect/unit/{layer}/mean", np.arange(3.0))
    return record


def test_numbers_bars_curves_and_grids_by_lens() -> None:
    section = inspection.section(looked())
    assert section is not None
    for expected in (
        "<h3>First lens</h3>",
        "Reads a&lt;b.",
        "(Someone, 1999)",
        "0.25",
        '"bar"',
        '"heatmap"',
        "scatter",
    ):
        assert expected in section.body, expected
    assert section.body.count("data-figure") == 3, "nothing of what is not finite, nor of single units"


def test_what_was_left_out_is_said_with_the_reason() -> None:
    section = inspection.section(looked())
    assert section is not None
    assert "it is &lt;smooth&gt;" in section.body
    assert "<h3>Second</h3>" not in section.body


def test_a_picture_takes_the_place_of_curves() -> None:
    record = looked()
    record.array(7, "inspect/first_lens/picture", np.zeros((4, 6, 4), np.uint8))
    section = inspection.section(record)
    assert section is not None
    assert 'src="data:image/png;base64,' in section.body
    assert "data-figure" not in section.body
    assert "0.25" in section.body


def test_no_inspection_no_part() -> None:
    assert inspection.section(Record()) is None

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from shinso.studies import Outcome, Table, Verdict, claim_of


def outcome(holds: bool = True) -> Outcome:
    def draw(figure: Figure) -> None:
        figure.subplots().plot([0, 1], [0, 1], color="#ff0000", lw=8)

    table = Table("Heights", ("name", "metres"), [("Fuji", "3776"), ("Takao", "599")])
    return Outcome("Fuji is higher.", "a map", [table], Verdict(holds, "3776 against 599"), draw)


def test_as_text_it_has_claim_source_numbers_and_verdict() -> None:
    assert str(outcome()) == (
        "Fuji is higher.\n(a map)\n\nHeights\n\n"
        "name   metres\n─────  ──────\nFuji   3776\nTakao  599\n\nholds: 3776 against 599"
    )
    assert str(outcome(holds=False)).endswith("does not hold: 3776 against 599")


def test_saved_are_the_picture_and_the_numbers(tmp_path: Path) -> None:
    path = outcome().save(tmp_path / "new" / "directory")
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    assert (pixels == (255, 0, 0)).all(axis=1).sum() > 1000
    numbers = json.loads((path.parent / "numbers.json").read_text())
    assert numbers["tables"][0]["rows"] == [["Fuji", "3776"], ["Takao", "599"]]
    assert numbers["verdict"] == {"holds": True, "because": "3776 against 599"}


def test_drawing_leaves_matplotlib_as_it_was(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    outcome().save(tmp_path)
    assert dict(mpl.rcParams) == before


def test_a_claim_is_the_first_line_of_the_docstring() -> None:
    def study() -> Outcome:
        """Water is wet.

        More.
        """
        return outcome()

    assert claim_of(study) == "Water is wet."


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        outcome().save(tmp_path / "file" / "below")

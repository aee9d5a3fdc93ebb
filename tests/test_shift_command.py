"""``shinso shift`` as its user types it, with good data and with bad."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager

from shinso._picture import font_families
from shinso.cli import main

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, count: int, older: float, seed: int, *, labelled: bool = True) -> str:
        generator = np.random.default_rng(seed)
        age = generator.normal(40 + older, 10, count)
        bought = generator.random(count) < 1 / (1 + np.exp(-(age - 45) / 6))
        rows = [
            f"{'' if place % 40 == 7 else f'{years:.1f}'},{'Kyoto' if place % 3 else 'Osaka'}"
            + (f",{'yes' if sold else 'no'}" if labelled else "")
            for place, (years, sold) in enumerate(zip(age, bought, strict=True))
        ]
        header = "age,city,bought" if labelled else "age,city"
        (tmp_path / name).write_text("\n".join([header, *rows]) + "\n")
        return str(tmp_path / name)

    return write


def test_tables_with_text_and_gaps(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab, field = write("lab.csv", 400, 0.0, 0), write("field.csv", 300, 12.0, 1, labelled=False)
    assert main(["shift", lab, f"csv:{field}", "--target", "bought", "--to", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Did it move?          Yes (p = ")
    assert "Where?                age (0." in printed
    assert "* age " in printed
    assert f"report: {tmp_path / 'out' / 'shift.html'}" in printed
    page = (tmp_path / "out" / "shift.html").read_text()
    for part in ("Did it move?", "What moved", "The weights", "Whether weighting helps", "data:image/png;base64,"):
        assert part in page
    assert "<script" not in page
    assert "http://" not in page.replace("http-equiv", "")
    assert main(["shift", lab, lab, "--to", str(tmp_path / "same")]) == 0
    assert "No difference is shown (p = 1)" in capsys.readouterr().out


def test_a_run_tells_what_it_will_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shinso

    recipe = shinso.Recipe(epochs=2, model="mlp", lenses="none")
    shinso.train(recipe=recipe, to=tmp_path / "run", progress=False)
    images = np.random.default_rng(0).integers(0, 17, (80, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "noise.npz", x=images, y=np.zeros(80, dtype=np.int64) + np.arange(80) % 10)
    noise = str(tmp_path / "noise.npz")
    assert main(["shift", "digits", noise, "--model", str(tmp_path / "run"), "--to", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "359 reference rows and 80 current ones" in printed
    assert "What will it cost?    Accuracy 0." in printed
    assert "feature " in printed
    assert "What it will cost" in (tmp_path / "out" / "shift.html").read_text()
    assert main(["shift", "digits", noise, "--to", str(tmp_path / "plain")]) == 0
    assert "component 1" in capsys.readouterr().out
    assert main(["shift", "digits", noise, "--model", str(tmp_path / "run"), "--target", "y"]) == 1
    assert "the run knows its own target and image size" in capsys.readouterr().err


def test_a_run_on_a_table_is_compared_by_its_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import shinso

    def write(name: str, mean: float, count: int, labelled: bool) -> None:
        x = np.random.default_rng(count).normal(mean, 0.5, count)
        lines = [f"{a:.4f},{-a + a**3:.4f}" if labelled else f"{a:.4f}" for a in x]
        (tmp_path / name).write_text("\n".join(["depth,y" if labelled else "depth", *lines]) + "\n")

    write("lab.csv", 0.5, 300, labelled=True)
    write("field.csv", 0.0, 200, labelled=False)
    lab, field = f"csv:{tmp_path / 'lab.csv'}", f"csv:{tmp_path / 'field.csv'}"
    recipe = shinso.Recipe(data=lab, target="y", epochs=3, model="mlp", lenses="none")
    shinso.train(recipe=recipe, to=tmp_path / "run", progress=False)
    assert main(["shift", lab, field, "--model", str(tmp_path / "run"), "--to", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "depth (0." in printed
    assert "Mean squared error" in printed
    assert "60 reference rows and 200 current ones" in printed
    assert "Note: the reference is the part that the network was not trained on." in printed
    (tmp_path / "folder").mkdir()
    again = f"{tmp_path}/folder/../lab.csv"  # the same file: still only what was not trained on
    assert main(["shift", again, field, "--model", str(tmp_path / "run"), "--to", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "60 reference rows and 200 current ones" in printed
    assert "that the network was trained on, and on those" not in printed
    copied = str(tmp_path / "copied.csv")  # not the same file, but the same rows
    Path(copied).write_text((tmp_path / "lab.csv").read_text())
    assert main(["shift", copied, field, "--model", str(tmp_path / "run"), "--to", str(tmp_path / "out")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search(r"Do not rely on it: 2\d\d of 300 reference examples equal some that the network was tr", printed)
    (tmp_path / "gaps.csv").write_text((tmp_path / "field.csv").read_text() + "\nunknown\n")
    gaps = [str(tmp_path / "gaps.csv"), "--model", str(tmp_path / "run"), "--to", str(tmp_path / "out")]
    assert main(["shift", lab, *gaps]) == 1
    assert "leave it out with --bad-files skip" in capsys.readouterr().err
    assert main(["shift", lab, *gaps, "--bad-files", "skip"]) == 0
    printed = capsys.readouterr().out
    assert "60 reference rows and 200 current ones" in printed
    assert f"Note: 1 of csv:{tmp_path / 'gaps.csv'} cannot be used and was left out (row 201: column 'depth'" in printed
    monkeypatch.setattr("shinso.training._shift_sample._MOST_EXAMPLES", 200)
    many = np.random.default_rng(2).normal(0.5, 0.5, 500)
    many[400:] += 20
    (tmp_path / "many.csv").write_text("depth\n" + "".join(f"{depth:.4f}\n" for depth in many))
    many_csv, run = str(tmp_path / "many.csv"), str(tmp_path / "run")
    assert main(["shift", lab, many_csv, "--model", run, "--to", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert all(row > 400 for row in least_like(printed))
    assert f"of the 500 examples of csv:{many_csv}, 200 drawn at random are compared" in printed
    (tmp_path / "other.csv").write_text("height\n1\n")
    assert main(["shift", lab, f"csv:{tmp_path / 'other.csv'}", "--model", str(tmp_path / "run")]) == 1
    assert "lacks 'depth'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("age,city", "years,city"), "only the reference has ['age'], only the current one"),
        (lambda text: "\n".join(text.splitlines()[:5]), "each table needs at least 10 rows"),
        (lambda text: text.replace("age,city", "age,age"), "several columns called 'age'"),
        (lambda text: text + "1,2,3,4\n", "cannot be read as a table"),
        (
            lambda text: text.replace("Kyoto", "1").replace("Osaka", "2"),
            "column 'city' is categorical in the reference",
        ),
    ],
    ids=["another column", "few rows", "a name twice", "a broken row", "another kind"],
)
def test_bad_tables_are_named(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[str], str], message: str
) -> None:
    lab, field = write("lab.csv", 60, 0.0, 0), Path(write("field.csv", 60, 0.0, 1, labelled=False))
    field.write_text(change(field.read_text()))
    assert main(["shift", lab, str(field), "--target", "bought", "--to", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_targets_have_to_be_there(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = write("lab.csv", 60, 0.0, 0)
    assert main(["shift", lab, lab, "--target", "sold"]) == 1
    assert "has no column 'sold'; its columns are: age, city, bought" in capsys.readouterr().err
    gaps = Path(lab).read_text().replace(",yes", ",", 1)
    (tmp_path / "gaps.csv").write_text(gaps)
    assert main(["shift", str(tmp_path / "gaps.csv"), lab, "--target", "bought"]) == 1
    assert "the target 'bought' is missing in 1 rows" in capsys.readouterr().err
    assert main(["shift", lab, "images:photos"]) == 1
    assert "are not of one kind: compare tables with tables" in capsys.readouterr().err
    assert main(["shift", str(tmp_path / "nothing.csv"), lab]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_one_constant_column_is_noted(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.csv", "b.csv"):
        numbers = np.random.default_rng(len(name)).normal(size=50)
        (tmp_path / name).write_text("x,same\n" + "".join(f"{number:.3f},5\n" for number in numbers))
    assert main(["shift", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--to", str(tmp_path / "out")]) == 0
    assert "Note: " in capsys.readouterr().out


def least_like(printed: str) -> list[int]:
    line = next(line for line in printed.splitlines() if line.startswith("Current rows least like"))
    return [int(number) for number in line.partition(": ")[2].rstrip(".").split(", ")]


def test_arrays_are_compared_column_by_column_and_need_no_targets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    before, after = generator.normal(size=(2, 400, 25))
    before[:, 3:], after[:, 3:] = 1000 * before[:, 3:], 1000 * after[:, 3:]  # among which components are sought in vain
    after[:, 2] += 2
    np.savez(tmp_path / "lab.npz", x=before, y=np.arange(400) % 2)
    np.savez(tmp_path / "field.npz", x=after)
    lab, field, to = str(tmp_path / "lab.npz"), str(tmp_path / "field.npz"), ["--to", str(tmp_path / "out")]
    assert main(["shift", lab, field, *to]) == 0
    printed = capsys.readouterr().out
    assert "Where?                x2 (0." in printed
    assert "it takes a table with targets (--target COLUMN), or a run" in " ".join(printed.split())
    assert main(["shift", lab, field, "--target", "y", *to]) == 1
    assert "--target names a column of a table; npz:" in capsys.readouterr().err
    np.savez(tmp_path / "narrow.npz", x=after[:, :5])
    assert main(["shift", lab, str(tmp_path / "narrow.npz"), *to]) == 1
    assert "has examples of the shape (5,)" in capsys.readouterr().err


def test_rows_of_a_sample_are_named_by_their_place_in_the_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shinso.training._shift_sample._MOST_EXAMPLES", 500)
    images = np.random.default_rng(0).normal(size=(2, 700, 2, 2)).astype(np.float32)
    images[1, 550:650] += 6
    for name, some in zip(("lab", "field"), images, strict=True):
        np.savez(tmp_path / f"{name}.npz", x=some)
    files = [str(tmp_path / "lab.npz"), str(tmp_path / "field.npz")]
    assert main(["shift", *files, "--to", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert all(550 < row <= 650 for row in least_like(printed))
    assert f"Note: of the 700 examples of npz:{files[1]}, 500 drawn at random are compared." in printed


def test_rows_are_counted_from_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from shinso.shift import detect

    numbers = np.random.default_rng(0).normal(size=(2, 100)).round(3)
    for name, column in zip(("lab.csv", "field.csv"), numbers, strict=True):
        (tmp_path / name).write_text("x\n" + "".join(f"{number:.3f}\n" for number in column))
    files = [str(tmp_path / "lab.csv"), str(tmp_path / "field.csv")]
    assert main(["shift", *files, "--to", str(tmp_path / "out")]) == 0
    places = detect(*({"x": column} for column in numbers)).examples
    assert least_like(capsys.readouterr().out) == (places + 1).tolist()
    Path(files[1]).write_text("x\ninf\n" + "1\n2\n" * 10)
    assert main(["shift", *files, "--to", str(tmp_path / "out")]) == 1
    assert "column 'x' of the current is infinite in row 1, counted from 1" in capsys.readouterr().err


def test_what_was_forgotten_is_named(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab, field = write("lab.csv", 60, 0.0, 0), write("field.csv", 60, 0.0, 1, labelled=False)
    assert main(["shift", lab, field]) == 1
    assert "has 'bought'; expected the same columns in" in (said := capsys.readouterr().err)
    assert "name the column that is predicted with --target" in said
    (tmp_path / "y.csv").write_text("bought\n" + "yes\nno\n" * 10)
    assert main(["shift", str(tmp_path / "y.csv"), field, "--target", "bought"]) == 1
    assert "has no column besides the target 'bought': there is nothing to compare" in capsys.readouterr().err


def test_the_suffix_tells_the_kind(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab, field = write("lab.csv", 60, 0.0, 0), write("FIELD.CSV", 60, 0.0, 1)
    assert main(["shift", lab, field, "--to", str(tmp_path / "out")]) == 0
    tab = write("field.tab", 60, 0.0, 1)
    capsys.readouterr()
    assert main(["shift", lab, tab]) == 1
    assert f"{tab!r} is a path; say what it holds: " in (said := capsys.readouterr().err)
    assert f"csv:{tab}" in said


def test_where_the_page_cannot_go_is_said_first(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    lab = write("lab.csv", 60, 0.0, 0)
    for to in (lab, f"{lab}/out"):
        assert main(["shift", "csv:nowhere.csv", lab, "--to", to]) == 1
        assert f"--to is a directory for shift.html, but {lab} is a file" in capsys.readouterr().err


def test_dates_that_mean_never_keep_their_year(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.csv", "b.csv"):
        days = ["9999-12-31" if place % 2 else "2024-01-01" for place in range(40)]
        (tmp_path / name).write_text("\n".join(["until", *days]) + "\n")
    main(["shift", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--to", str(tmp_path / "out")])
    assert re.search(r"mean 601[12]-", capsys.readouterr().out)


def test_names_in_other_scripts_are_drawn_where_a_font_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = [font_manager.FontEntry(name=name) for name in ("Meiryo", "DejaVu Sans", "Comic Sans")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)
    assert font_families() == ["DejaVu Sans", "Meiryo"]

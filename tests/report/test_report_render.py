"""What the page says, read back from its HTML."""

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from shinso.record import Record
from shinso.report import render, write
from shinso.report._figures import figure

RECIPE = 'seed = 1\n\n[model]\nname = "<script>alert(1)</script>"\n'


class Page(HTMLParser):
    """The elements, the text (without scripts and style) and the figures of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.text = html, ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.figures: dict[str, dict[str, Any]] = {}
        self._figure: str | None = None
        self.feed(html)
        self.text = " ".join(self.text.replace("\u00a0", " ").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._figure = dict(attrs).get("data-figure")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and self._figure:
            self.figures[self._figure] = json.loads(data)
        elif self.cdata_elem == "script":
            self.scripts.append(data)
        elif self.cdata_elem is None:
            self.text += f" {data}"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def sections(self) -> list[str | None]:
        return [section["id"] for section in self.all("section")]


def test_the_answer_comes_first_with_its_interval(full: Record) -> None:
    page = Page(render(full, RECIPE, "my run"))
    assert "95.0 % test accuracy 95 % interval 86.3 % to 98.3 % (Wilson): 57 of 60 examples" in page.text
    assert page.text.index("test accuracy") < page.text.index("How it learned")
    assert "training time 3 min 12 s" in page.text
    assert "parameters 269,434" in page.text


def test_every_part_of_a_full_record_is_there_in_order(full: Record) -> None:
    page = Page(render(full, RECIPE, "my run"))
    expected = "learning confusion mistakes filters inside units data recipe time environment"
    assert page.sections() == expected.split()
    assert [link["href"] for link in page.all("a")] == [f"#{anchor}" for anchor in page.sections()]


def test_an_empty_record_gives_a_page_without_parts(empty: Record) -> None:
    page = Page(render(empty, "", "nothing"))
    assert page.sections() == []
    assert "nothing" in page.text
    assert "watched" in page.text


def test_a_watched_run_has_only_its_lenses(empty: Record) -> None:
    empty.array(1, "gradient_norm", np.array([1.0, 2.0]), ("a", "b"))
    page = Page(render(empty, "", "mine"))
    assert page.sections() == ["inside"]
    assert list(page.figures) == ["lens-gradient_norm"]


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("stop", {"reason": "Ctrl-C", "how_to_go_on": "shinso train --resume runs/a"}, "before its end: Ctrl-C."),
        ("failure", {"message": "disk <full>", "how_to_go_on": "shinso train --resume runs/a"}, "failed: disk <full>."),
    ],
)
def test_a_run_that_ended_badly_says_so_at_the_top_and_how_to_go_on(
    full: Record, kind: str, content: dict[str, str], said: str
) -> None:
    full.event(kind, content)
    page = Page(render(full, RECIPE, "my run"))
    assert said in page.text
    assert "go on with shinso train --resume runs/a" in page.text
    assert page.text.index(said) < page.text.index("test accuracy")


def test_a_run_without_an_end_may_be_going_on(empty: Record) -> None:
    assert "still going, or was killed" in Page(render(empty, RECIPE, "my run")).text


def test_hostile_text_is_shown_and_never_becomes_an_element(full: Record) -> None:
    page = Page(render(full, RECIPE, "<script>alert(0)</script>"))
    for shown in ("<script>alert('dog')</script>", "<script>alert(1)</script>", "<script>alert(0)</script>"):
        assert shown in page.text
    assert "a<img src=x onerror=alert(1)>.png" in page.text
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert len(page.scripts) == 2  # Plotly and the page's own; neither holds what the record says
    assert not any("alert(" in script and "dog" in script for script in page.scripts)
    assert page.figures["lens-gradient_norm"]["data"][0]["meta"][1] == "&lt;b&gt;body&lt;/b&gt;"


def test_a_hostile_name_of_a_series_ends_neither_an_attribute_nor_a_script(empty: Record) -> None:
    name = '"><b></script><script>alert(2)</script>'
    empty.scalars(1, {name: 1.0})
    page = Page(render(empty, "", "names"))
    assert list(page.figures) == [f"lens-{name.replace('/', '-')}"]
    assert page.all("b") == []
    assert len(page.scripts) == 2


def test_data_in_a_figure_cannot_end_its_script() -> None:
    page = Page(figure("a", [{"name": "</script><b>"}], {}, "caption"))
    assert page.figures["a"]["data"] == [{"name": "</script><b>"}]
    assert page.all("b") == []


def test_the_policy_admits_the_two_scripts_of_the_page_and_no_network(full: Record) -> None:
    page = Page(render(full, RECIPE, "my run"))
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv"))
    assert policy is not None
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in page.scripts]
    assert f"script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_nothing_is_loaded_from_elsewhere(full: Record) -> None:
    page = Page(render(full, RECIPE, "my run"))
    addresses = [a[key] for _, a in page.elements for key in ("src", "href", "srcset", "action") if key in a]
    assert addresses
    assert all(str(address).startswith(("data:", "#")) for address in addresses)


def test_every_figure_is_valid_plotly_and_has_a_caption_that_names_a_bad_sign(full: Record) -> None:
    html = render(full, RECIPE, "my run")
    page = Page(html)
    expected = "loss accuracy learning-rate confusion-matrix lens-gradient_norm lens-activation-mean"
    assert set(expected.split()) <= set(page.figures)
    for anchor, content in page.figures.items():
        # Plotly knows colours, not the names that figures.js replaces by colours; it refuses what it does not know.
        go.Figure(json.loads(re.sub(r'"--[a-z0-9-]+"', '"#123456"', json.dumps(content))))
        assert any(box["id"] == anchor for box in page.all("div") if "id" in box)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html, flags=re.DOTALL)
    assert len(captions) == len(page.all("figure"))
    assert all("bad sign" in caption for caption in captions)


def test_a_spike_in_a_long_loss_is_drawn(full: Record) -> None:
    page = Page(render(full, RECIPE, "my run"))
    every_step = page.figures["loss"]["data"][0]
    assert len(every_step["y"]) <= 2000
    assert (1235, 77.0) in zip(every_step["x"], every_step["y"], strict=True)
    assert "Of 3,000 readings the least and the greatest" in page.text


def test_the_confusion_matrix_shows_counts_and_shares(full: Record) -> None:
    right, wrong = Page(render(full, RECIPE, "my run")).figures["confusion-matrix"]["data"]
    assert [row[i] for i, row in enumerate(right["z"])] == [0.9, 1.0, 0.95]
    assert wrong["z"] == [[None, 0.1, None], [None, None, None], [0.05, None, None]]
    assert wrong["text"] == [["", "2", ""], ["", "", ""], ["1", "", ""]]
    assert right["customdata"][0][1] == "cat → &lt;script&gt;alert('dog')&lt;/script&gt;: 2"


@pytest.mark.parametrize("count", [2, 60, 101, 700])
def test_the_worst_confusion_is_named_however_many_classes_there_are(empty: Record, count: int) -> None:
    confusion = np.eye(count, dtype=np.int64) * 10
    confusion[1, 0] = 30
    empty.array(1, "test/confusion", confusion, [f"kind {i}" for i in range(count)])
    page = Page(render(empty, "", "many"))
    assert "kind 1 kind 0 30 75.0 %" in page.text
    assert ("confusion-matrix" in page.figures) == (count <= 100)
    assert any(image["alt"] == f"Confusion matrix of {count} classes" for image in page.all("img")) == (count > 100)


def test_one_confusion_among_half_a_million_cells_is_seen(empty: Record) -> None:
    confusion = np.eye(700, dtype=np.int64) * 10
    confusion[500, 20] = 30
    empty.array(1, "test/confusion", confusion)
    source = str(Page(render(empty, "", "many")).all("img")[0]["src"])
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))
    assert pixels.shape == (234, 234, 4)  # each the strongest of 3 by 3
    off_diagonal = pixels[..., 3] * ~np.eye(234, dtype=bool)
    assert np.argwhere(off_diagonal).tolist() == [[500 // 3, 20 // 3]]
    assert off_diagonal.max() == round(255 * 0.75**0.5)


def test_filters_that_are_not_numbers_are_shown_as_nothing(empty: Record) -> None:
    empty.array(1, "filters/first", np.full((2, 1, 3, 3), np.nan, np.float32))
    assert Page(render(empty, "", "broken")).sections() == ["filters"]


def test_the_worst_mistakes_are_pictures_with_what_was_said(full: Record) -> None:
    page = Page(render(full, RECIPE, "my run"))
    alternatives = [image["alt"] for image in page.all("img")]
    assert "Test example 7: cat taken for <script>alert('dog')</script>" in alternatives
    assert "x & y → cat 50 % sure no. 11" in page.text


def test_pictures_on_another_scale_are_brightened_and_it_is_said(empty: Record) -> None:
    images = np.arange(17, dtype=np.uint8).repeat(17).reshape(1, 17, 17, 1)
    values = {"target": np.array([1]), "prediction": np.array([0]), "images": images}
    empty.arrays(1, {f"test/mistakes/{name}": value for name, value in values.items()})
    page = Page(render(empty, "", "dark"))
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(str(page.all("img")[0]["src"]).split(",")[1]))))
    np.testing.assert_array_equal(pixels, np.rint(images[0, :, :, 0].astype(np.float64) * 255 / 16))
    assert "Brightened: the greatest value stored is 16 of 255." in page.text


def test_mistakes_in_tables_are_a_table_of_features(empty: Record) -> None:
    values = {"target": np.array([1.5]), "prediction": np.array([4.0]), "features": np.arange(20.0)[None]}
    empty.arrays(1, {f"test/mistakes/{name}": value for name, value in values.items()})
    text = Page(render(empty, "", "table")).text
    assert "0 1.5 4 off by 2.5 0 1 2" in text
    assert "The first 12 of 20 features are shown" in text


def test_a_regression_gives_its_error_with_an_interval(empty: Record) -> None:
    true = np.linspace(0, 1, 100, dtype=np.float32)
    empty.array(1, "test/predictions", np.stack([true, true + np.float32(0.5)], axis=1))
    empty.scalars(1, {"test/rmse": 0.5, "test/r2": -2.0})
    page = Page(render(empty, "", "regression"))
    assert "0.5 test RMSE R² -2.000" in page.text
    assert "interval 0.5 to 0.5, from 100 examples" in page.text
    assert page.sections() == ["predictions"]


def test_readings_over_orders_of_magnitude_are_drawn_logarithmically(empty: Record) -> None:
    empty.array(1, "gradient_norm", np.array([1e-4, 1.0, 0.0]), ("a", "b", "c"))
    page = Page(render(empty, "", "log"))
    assert page.figures["lens-gradient_norm"]["data"][0]["z"] == [[-4.0], [0.0], [None]]
    assert "Blank cells are exactly zero or not finite." in page.text


def test_layers_without_a_statistic_have_no_row_in_it(empty: Record) -> None:
    empty.array(1, "activation/saturated", np.array([np.nan, 0.25]), ("relu", "tanh"))
    empty.array(1, "activation/dead", np.array([np.nan, np.nan]), ("gelu", "tanh"))
    page = Page(render(empty, "", "some"))
    assert page.figures["lens-activation-saturated"]["data"][0]["z"] == [[0.25]]
    assert page.figures["lens-activation-saturated"]["data"][0]["meta"] == ["tanh"]
    assert list(page.figures) == ["lens-activation-saturated"]


def test_of_many_readings_the_greatest_of_each_stretch_is_drawn(empty: Record) -> None:
    for step in range(1000):
        empty.array(step, "update_ratio", np.array([5.0 if step == 501 else 1.0, 1.0]), ("a", "b"))
    trace = Page(render(empty, "", "long")).figures["lens-update_ratio"]["data"][0]
    assert len(trace["x"]) <= 240
    assert max(trace["z"][0]) == 5.0


def test_units_are_counted_by_how_often_they_are_silent(full: Record) -> None:
    page = Page(render(full, RECIPE, "my run"))
    assert page.figures["units-dead"]["data"][0]["text"] == [["1", "", "", "", "", "1", "", "", "", "2"]]
    assert "2 of 4 units are silent for every input" in page.text


def test_what_cannot_be_drawn_is_named(full: Record) -> None:
    full.array(1, "ragged", np.zeros(2), ("a", "b"))
    full.array(2, "ragged", np.zeros(3))
    page = Page(render(full, RECIPE, "my run"))
    assert "In the record but not drawn here: ragged." in page.text
    assert page.figures["lens-spectrum"]["data"][0]["type"] == "heatmap"


def test_a_lens_that_was_left_out_is_named_with_the_reason(full: Record) -> None:
    full.event("left_out", {"lens": "path_norm", "why": "it is smooth"}, 1)
    assert "path_norm was left out: it is smooth" in Page(render(full, RECIPE, "my run")).text


def test_writing_leaves_one_page_beside_the_record(tmp_path: Path) -> None:
    record = Record(tmp_path / "run.db")
    record.scalars(1, {"train/loss": 0.25})
    record.close()
    (tmp_path / "recipe.toml").write_text("seed = 3\n", "utf-8")
    (tmp_path / "report.html").write_text("old", "utf-8")
    path = write(tmp_path)
    assert path == tmp_path / "report.html"
    page = Page(path.read_text("utf-8"))
    assert "0.25 last training loss" in page.text
    assert "seed = 3" in page.text
    assert tmp_path.name in page.text
    assert {entry.name for entry in tmp_path.iterdir()} <= {
        "run.db",
        "run.db-wal",
        "run.db-shm",
        "recipe.toml",
        "report.html",
    }


def test_a_directory_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no record at .*run\.db; expected the run\.db of a run directory"):
        write(tmp_path)

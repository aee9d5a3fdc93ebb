"""What a drawing shows and says, and how it is written."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from math import prod
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from graph.drawn_svg import SVG, Seen, problems, read
from shinso.graph import Graph, Node, TensorSpec, trace
from shinso.graph.drawing import draw
from shinso.graph.drawing._svg import svg
from shinso.graph.drawing._text_width import text_width
from shinso.models import lenet5, resnet

HOSTILE = '<script>alert("1")</script>&amp;\']]>\x00\ud800'


def by_weight(graph: Graph) -> Mapping[Node, int]:
    """Multiply-accumulates of convolutions and linear maps: each output takes one row of the weight."""
    return {
        node: node.spec.elements * prod(node.args[1].spec.shape[1:])
        for node in graph.operations
        if node.name in ("conv2d", "linear")
    }


def lecture(y: Tensor, x: Tensor, W: Tensor, b: Tensor) -> Tensor:  # noqa: N803
    return F.binary_cross_entropy(torch.sigmoid(torch.tanh(x * W + b) + x), y)


class Twice(nn.Module):
    """A module of two operations that is called twice, with another operation between."""

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.part(self.part(x) + 1)
        return result


@pytest.fixture(scope="module")
def lenet() -> Graph:
    return trace(lenet5(), torch.zeros(1, 1, 28, 28))


@pytest.fixture(scope="module")
def network() -> Graph:
    return trace(resnet(depth=14).eval(), torch.zeros(1, 3, 16, 16))


def shown(seen: Seen) -> list[str]:
    return [part.name for part in seen.everything()]


def operations(graph: Graph) -> list[str]:
    return sorted(f"operation {node.number}" for node in graph.operations)


@pytest.mark.parametrize("depth", [None, 0, 9])
def test_lenet_shows_every_operation_once_with_shapes(lenet: Graph, depth: int | None) -> None:
    seen = read(svg(lenet, by_weight(lenet), depth))
    assert sorted(name for name in shown(seen) if name.startswith("operation")) == operations(lenet)
    assert [name for name in shown(seen) if "put" in name] == ["input -10", "output 12"]
    assert problems(seen) == []
    assert seen.labels == [
        "1×1×28×28", "1×6×28×28", "1×6×28×28", "1×6×14×14", "1×16×10×10", "1×16×10×10", "1×16×5×5", "1×400", "1×120",
        "1×120", "1×84", "1×84", "1×10",
    ]  # fmt: skip
    convolution = next(part for part in seen.inside if part.name == "operation 4")
    assert [text for text, _ in convolution.texts] == ["conv2d", "v₄", "(3) 5×5", "16·6·5·5 + 16"]


def test_modules_deeper_than_the_depth_are_folded(network: Graph) -> None:
    by_depth = [read(svg(network, {}, depth)) for depth in range(4)]
    assert [part.name for part in by_depth[0].inside if "folded" in part.kind] == ["stage1", "stage2", "stage3"]
    stages = [part for part in by_depth[1].inside if part.kind == "group"]
    assert [part.name for part in stages] == ["stage1", "stage2", "stage3"]
    assert [part.name for part in stages[1].inside] == ["stage2.0", "stage2.1"]
    assert all("folded" in part.kind for stage in stages for part in stage.inside)
    assert sorted(name for name in shown(by_depth[2]) if name.startswith("operation")) == operations(network)
    assert shown(by_depth[3]) == shown(by_depth[2])
    assert ("17 operations", "quiet") in next(part for part in by_depth[0].inside if part.name == "stage2").texts


@pytest.mark.parametrize(("blocks", "boxes"), [(29, 60), (30, 4)])
def test_by_default_no_more_than_sixty_boxes_are_shown(blocks: int, boxes: int) -> None:
    spec = TensorSpec((2,), torch.float32, torch.device("cpu"))
    nodes = [Node(0, "x", "input", spec)]
    # Two modules of so many blocks of two operations.
    modules = [f"{stage}.{block}" for stage in "ab" for block in range(blocks) for _ in range(2)]
    for number, module in enumerate(modules, start=1):
        nodes.append(Node(number, "op", "operation", spec, None, (nodes[-1],), {}, module))
    seen = read(svg(Graph(tuple(nodes), nodes[-1], {}), {}))
    assert sum(not part.inside for part in seen.everything()) == boxes


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_texts_stay_in_their_boxes_and_labels_in_the_picture(network: Graph, depth: int) -> None:
    sizes = {"title": 14.0}
    for part in read(svg(network, by_weight(network), depth)).everything():
        title, mark = (
            sum(text_width(text, sizes.get(kind, 11.0)) for text, kind in part.texts if kind == which)
            for which in ("title", "mark")
        )
        assert title + mark + 20 <= part.width or part.inside
        assert all(text_width(text, 11.0) + 20 <= part.width for text, kind in part.texts if kind == "quiet")
        assert 21 + 15 * sum(kind == "quiet" for _, kind in part.texts) < part.height


def test_the_text_width_is_no_less_than_that_of_known_fonts() -> None:
    # Advance widths of Helvetica (Adobe's AFM file) in thousandths of the size, kerning aside.
    assert text_width("conv2d", 1.0) >= (500 + 556 + 556 + 500 + 556 + 556) / 1000
    assert text_width("BatchNorm", 1.0) >= (667 + 556 + 278 + 500 + 556 + 722 + 556 + 333 + 833) / 1000
    assert text_width("日本", 1.0) >= 2.0


def test_the_darker_the_larger_the_share(lenet: Graph) -> None:
    macs = by_weight(lenet)
    seen = read(svg(lenet, macs))
    shade = {part.name: int(part.kind[-1]) for part in seen.inside if part.name.startswith("operation")}
    # 416,520 in all: 28 %, 58 %, 12 %, 2.4 % and 0.2 %.
    assert sum(macs.values()) == 416_520
    assert [shade[f"operation {number}"] for number in (1, 4, 8, 10, 12)] == [4, 5, 4, 2, 1]
    assert {shade[f"operation {number}"] for number in (2, 3, 5, 6, 7, 9, 11)} == {0}
    assert "61.7 k parameters · 417 k multiply-accumulates" in svg(lenet, macs)
    assert "multiply-accumulates" not in "".join(ET.fromstring(svg(lenet, {})).find(f"{SVG}g").itertext())  # type: ignore[union-attr]


def test_the_lectures_example_has_parameters_as_nodes_and_no_shapes() -> None:
    numbers = [torch.tensor(number) for number in (1.0, 0.5, 0.3, 0.1)]
    seen = read(svg(trace(lecture, *numbers, names=["y", "x", "W", "b"]), {}))
    assert problems(seen) == []
    assert seen.labels == []
    # Eleven connections, that of x to v₄ with three places where it passes a row; no two end at one place.
    assert len({line[-1] for line in seen.lines}) == len(seen.lines) == 14
    top = {part.texts[0][0] + part.texts[1][0]: part.top for part in seen.inside}
    assert set(top) == {
        "yv₋₃", "xv₋₂", "Wv₋₁", "bv₀", "mulv₁", "addv₂", "tanhv₃", "addv₄", "sigmoidv₅", "binary_cross_entropyv₆",
        "outputv₆",
    }  # fmt: skip
    # What is given stands directly above what takes it first, as in lecture 003 figure 1.
    assert top["xv₋₂"] == top["Wv₋₁"] < top["mulv₁"] == top["bv₀"] < top["addv₂"] < top["tanhv₃"] < top["addv₄"]
    assert top["yv₋₃"] == top["sigmoidv₅"]

    class Scalars(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.W = nn.Parameter(torch.tensor(0.3))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.W

    assert shown(read(svg(trace(Scalars(), numbers[1]), {})))[1:] == ["input -1", "input 0", "operation 1", "output 1"]


def test_a_module_that_is_called_twice_is_two_groups() -> None:
    seen = read(svg(trace(Twice(), torch.zeros(2, 4)), {}, 0))
    assert [part.name for part in seen.inside] == ["input -2", "part", "operation 3", "part", "output 5"]
    assert [part.texts[2][0] for part in seen.inside if part.name == "part"] == ["call 1 of 2", "call 2 of 2"]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    model = nn.Sequential()
    model.add_module(HOSTILE.replace(".", ""), nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    graph = trace(model, torch.zeros(1, 2), names=[HOSTILE])
    for depth in (0, 1):
        root = ET.fromstring(svg(graph, by_weight(graph), depth))
        assert len(root.findall(f".//{SVG}script")) == 2
        said = "".join(root.itertext())
        assert "<script>alert" in said
        assert "\x00" not in said
    assert ET.parse(draw(graph, tmp_path / "hostile.svg")).getroot().tag == f"{SVG}svg"


def test_nothing_outside_the_file_is_referred_to(network: Graph) -> None:
    document = svg(network, by_weight(network))
    assert document.count("http") == 1
    assert document.count("://") == 1
    assert 'xmlns="http://www.w3.org/2000/svg"' in document
    assert "@import" not in document
    assert "href" not in document
    assert document.count("url(") == document.count("url(#arrow)")


def test_the_same_graph_is_drawn_the_same(network: Graph) -> None:
    again = trace(resnet(depth=14).eval(), torch.zeros(1, 3, 16, 16))
    assert svg(network, by_weight(network)) == svg(again, by_weight(again))


def test_the_file_replaces_an_older_one_and_leaves_nothing_else(lenet: Graph, tmp_path: Path) -> None:
    target = tmp_path / "net.svg"
    target.write_text("older")
    assert lenet.draw(target) == target
    assert list(tmp_path.iterdir()) == [target]
    assert "417 k multiply-accumulates" in target.read_text("utf-8")
    assert shown(read(lenet.draw(str(target), depth=0).read_text("utf-8"))) == shown(read(svg(lenet, {}, 0)))


def test_a_graph_whose_cost_is_not_known_is_drawn_without_colour(
    lenet: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Graph, "cost", lambda graph: 1 / 0)
    assert draw(lenet, tmp_path / "net.svg").read_text("utf-8") == svg(lenet, {})


def test_what_cannot_be_written_is_said(lenet: Graph, tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"there is no folder .*missing to write net\.svg into: create it first"
    ):
        draw(lenet, tmp_path / "missing" / "net.svg")
    with pytest.raises(
        ValueError, match=r"the picture is an SVG file; got .*net\.png.*: give a path that ends in \.svg"
    ):
        draw(lenet, tmp_path / "net.png")
    with pytest.raises(ValueError, match="depth counts levels of modules that are shown unfolded, 0 or more; got -1"):
        draw(lenet, tmp_path / "net.svg", depth=-1)
    assert list(tmp_path.iterdir()) == []


def test_a_function_without_operations_is_drawn() -> None:
    assert shown(read(svg(trace(lambda x: x, torch.zeros(2)), {})))[1:] == ["input 0", "output 0"]

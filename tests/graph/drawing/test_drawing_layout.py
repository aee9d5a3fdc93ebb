"""Wherever things are put: nothing overlaps, all lines go down and around boxes, by each of the two ways to place."""

import shutil
import stat
from itertools import combinations, product
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.drawn_svg import problems, read
from shinso.graph import Graph, Node, TensorSpec, trace
from shinso.graph.drawing import _alignment, _graphviz, _placement
from shinso.graph.drawing._arrange import stretched
from shinso.graph.drawing._ordering import crossings, ordered
from shinso.graph.drawing._rows import Hop, Rows
from shinso.graph.drawing._svg import svg
from shinso.models import resnet

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz has no dot on the path here")
WAYS = [pytest.param(_alignment, id="own"), pytest.param(_graphviz, id="graphviz", marks=needs_dot)]
ONE = TensorSpec((2, 3), torch.float32, torch.device("cpu"))
MODULES = ["", "a", "b", "a.x", "a.y", "a.x.p", "a.x.q", "b.long_name_of_a_module"]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph, in any modules, also such as no tracing would give."""
    inputs = draw(st.integers(1, 3))
    nodes = [Node(number - inputs + 1, f"x{number}", "input", ONE) for number in range(inputs)]
    for number in range(1, draw(st.integers(1, 24)) + 1):
        parents = draw(st.lists(st.sampled_from(nodes), max_size=3))
        nodes.append(Node(number, "op", "operation", ONE, None, tuple(parents), {}, draw(st.sampled_from(MODULES))))
    outputs = draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=2, unique=True))
    return Graph(tuple(nodes), outputs, {})


@settings(max_examples=40, deadline=None)
@given(graphs(), st.integers(0, 3))
def test_any_graph_is_drawn_without_overlaps_and_all_lines_go_down(graph: Graph, depth: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_graphviz, "is_installed", lambda: False)
        assert problems(read(svg(graph, {}, depth))) == []


@needs_dot
@settings(max_examples=20, deadline=None)
@given(graphs(), st.integers(0, 3))
def test_graphviz_draws_any_graph_without_overlaps_and_all_lines_go_down(graph: Graph, depth: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_placement._alignment, "centres", lambda levels: pytest.fail("dot did not do it"))
        assert problems(read(svg(graph, {}, depth))) == []


@st.composite
def layered(draw: st.DrawFn) -> Rows:
    """Slots in rows, joined from one row to the next."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    row = tuple(number for number, size in enumerate(sizes) for _ in range(size))
    joined = [(a, b) for a, b in product(range(len(row)), repeat=2) if row[b] == row[a] + 1 and draw(st.booleans())]
    width = tuple(draw(st.sampled_from([12.0, 18.0, 120.0])) for _ in row)
    hops = tuple(Hop(number, start, end) for number, (start, end) in enumerate(joined))
    return Rows(row, width, hops, draw(st.integers(1, len(row))))


@pytest.mark.parametrize("way", WAYS)
def test_neighbours_keep_their_distance(way: object) -> None:
    @settings(max_examples=100 if way is _alignment else 20, deadline=None)
    @given(layered())
    def check(rows: Rows) -> None:
        (centre,) = way.centres([rows])  # type: ignore[attr-defined]
        for slots in rows.members:
            for one, other in combinations(slots, 2):
                apart = abs(centre[one] - centre[other]) - (rows.width[one] + rows.width[other]) / 2
                assert apart >= _alignment.SPACE - 1.0
        assert min(c - w / 2 for c, w in zip(centre, rows.width, strict=True)) == pytest.approx(0, abs=1e-6)

    check()


@given(layered())
def test_crossings_are_those_of_every_pair_of_hops(rows: Rows) -> None:
    order = ordered(rows)
    place = {slot: number for row in order for number, slot in enumerate(row)}
    below: list[list[int]] = [[] for _ in rows.slots]
    for hop in rows.hops:
        below[hop.start].append(hop.end)
    pairs = [(a, b) for a, b in combinations(rows.hops, 2) if rows.row[a.start] == rows.row[b.start]]
    ends = [(place[a.start] - place[b.start], place[a.end] - place[b.end]) for a, b in pairs]
    assert crossings(order, below) == sum(start * end < 0 for start, end in ends)
    assert crossings(order, below) <= crossings(rows.members, below)
    assert sorted(map(sorted, order)) == sorted(map(sorted, rows.members))


def test_two_crossed_lines_are_uncrossed_and_a_chain_is_straight() -> None:
    crossed = Rows((0, 0, 1, 1), (9.0,) * 4, (Hop(0, 0, 3), Hop(1, 1, 2)), 4)
    assert ordered(crossed) in ([[1, 0], [2, 3]], [[0, 1], [3, 2]])
    chain = Rows((0, 1, 2, 2, 3), (50.0, 10.0, 90.0, 18.0, 30.0), tuple(Hop(n, n, n + 1) for n in (0, 1)), 5)
    centre = _alignment.centres([chain])[0]
    assert centre[0] == centre[1] == centre[2]


INTERVALS = st.tuples(st.integers(0, 300), st.integers(1, 200), st.integers(-50, 400)).map(
    lambda part: (float(part[0]), float(part[0] + part[1]), float(part[2]))
)


@given(st.lists(INTERVALS, max_size=6), st.floats(0, 600), st.floats(0, 600))
def test_stretching_makes_room_and_brings_nothing_closer(
    parts: list[tuple[float, float, float]], one: float, other: float
) -> None:
    stretch = stretched(parts)
    low, high = sorted((one, other))
    assert stretch(high) - stretch(low) >= high - low - 1e-9
    for left, right, more in parts:
        middle = (left + right) / 2
        for end in (left, right):
            assert abs(stretch(end) - stretch(middle)) >= (right - left + more) / 2 - 1e-9


def test_parts_below_each_other_share_the_room_that_they_need() -> None:
    stretch = stretched([(0.0, 100.0, 200.0), (0.0, 100.0, 300.0)])
    assert (stretch(0.0), stretch(50.0), stretch(100.0), stretch(120.0)) == (0, 200, 400, 420)


@pytest.fixture(scope="module")
def network() -> Graph:
    return trace(resnet(depth=14).eval(), torch.zeros(1, 3, 16, 16))


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("way", WAYS)
def test_a_residual_network_has_no_line_through_a_box(
    network: Graph, way: object, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_graphviz, "is_installed", lambda: way is _graphviz)
    seen = read(svg(network, {}, depth))
    assert problems(seen) == []
    assert sum(len(part.lines) for part in seen.everything()) >= 10


@pytest.fixture(params=["exit 1", "echo nonsense", "echo 'stop'", "printf 'node 0 zero 0\\nstop\\n'", None])
def broken_dot(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``dot`` that does not do its work, or cannot be run at all."""
    program = tmp_path / "dot"
    program.write_text(f"#!/bin/sh\n{request.param}\n" if request.param else "no program")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _graphviz.is_installed()


@pytest.mark.usefixtures("broken_dot")
def test_a_dot_that_fails_is_done_without(network: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = svg(network, {})
    monkeypatch.setattr(_graphviz, "is_installed", lambda: False)
    assert drawn == svg(network, {})


def test_a_dot_that_takes_too_long_is_done_without(
    network: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_graphviz, "_SECONDS", 0.1)
    assert problems(read(svg(network, {}))) == []

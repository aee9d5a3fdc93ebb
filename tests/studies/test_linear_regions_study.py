import math
from pathlib import Path

import pytest

from shinso.studies.linear_regions import _Folded, _Measured, _path, _verdict, folding_network, linear_regions

FOLDED = [_Folded(1, 11, 11, 11), _Folded(2, 44, 44, 37)]
LONGER, SHORTER = [[1.0, 2.0, 4.1], [1.0, 2.1, 4.0]], [[1.0, 0.5, 0.2], [1.0, 0.6, 0.3]]


def measured(folded: list[_Folded] = FOLDED, paths: list[list[float]] = LONGER) -> _Measured:
    return _Measured(folded, 4, {1: [10, 11], 2: [9, 10]}, {1.0: SHORTER, 4.0: paths})


def test_what_is_possible_has_to_be_as_published_and_arcs_have_to_grow() -> None:
    assert _verdict(measured()).holds
    assert "2.01 [1.86, 2.18] times as long" in _verdict(measured()).because
    assert not _verdict(measured([FOLDED[0], _Folded(2, 43, 44, 37)])).holds
    assert not _verdict(measured([FOLDED[0], _Folded(2, 44, 44, 45)])).holds
    assert not _verdict(measured(paths=SHORTER)).holds


def test_random_networks_decide_nothing_but_are_told_of() -> None:
    assert "4 units in 2 layers have 0.905" in _verdict(measured()).because


def test_folding_networks_fold_the_square_into_a_tent_of_each_side() -> None:
    import torch

    points = torch.rand(100, 2, generator=torch.Generator().manual_seed(0))
    folded = folding_network(2)[0](points)
    torch.testing.assert_close(folded, 1 - (2 * points - 1).abs())


def test_an_arc_in_a_wide_linear_range_grows_by_the_root_of_the_variance() -> None:
    # Weights this small leave every unit in its linear range, where lengths only scale.
    lengths = _path(4, 200, 1e-4, 0)
    growth = (lengths[-1] / lengths[0]) ** (1 / 3)
    assert growth == pytest.approx(math.sqrt(1e-4), rel=0.1)


def test_made_small_it_holds_and_has_a_picture(tmp_path: Path) -> None:
    outcome = linear_regions(most_layers=3, units=8, depths=(1, 2), path_layers=6, path_width=40, seeds=2, jobs=1)
    assert outcome.verdict.holds
    assert [row[1] for row in outcome.tables[0].rows] == ["11", "44", "176"]
    assert outcome.save(tmp_path).stat().st_size > 10_000


@pytest.mark.parametrize("options", [{"most_layers": 1}, {"depths": (1,)}, {"depths": (1, 5)}])
def test_what_compares_no_depths(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"at least two depths that divide 48 units; got most_layers \d and depths"):
        linear_regions(**options, jobs=1)  # type: ignore[arg-type]

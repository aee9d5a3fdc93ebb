from pathlib import Path

from shinso.studies.loss_smoothness import _Pair, _verdict, loss_smoothness

SMALL, LARGE = [1.0, 1.1, 0.9, 1.0, 1.05], [4.0, 4.2, 3.9, 4.4, 4.1]
NAMES = ("range of the loss", "change of the gradient", "effective β")


def test_all_three_have_to_be_smaller_with_normalization() -> None:
    smoother = {name: _Pair(SMALL, LARGE) for name in NAMES}
    assert _verdict(smoother).holds
    assert "effective β 0.245 [" in _verdict(smoother).because
    for name in NAMES:
        assert not _verdict(smoother | {name: _Pair(LARGE, SMALL)}).holds
        assert not _verdict(smoother | {name: _Pair(SMALL, SMALL)}).holds


def test_made_small_it_has_numbers_and_a_picture(tmp_path: Path) -> None:
    outcome = loss_smoothness(epochs=1, every=5, seeds=2, jobs=1)
    assert [row[0] for row in outcome.tables[0].rows] == list(NAMES)
    assert outcome.save(tmp_path).stat().st_size > 10_000

from pathlib import Path

import pytest

from shinso.studies.adversarial import _verdict, adversarial

MOST, FEW = [0.95, 0.94, 0.96], [0.1, 0.12, 0.11]


def test_the_search_has_to_break_what_noise_leaves() -> None:
    assert _verdict({"random signs": [MOST, MOST], "FGSM": [MOST, FEW], "PGD": [MOST, FEW]}, (0.0, 0.1), 0.1).holds
    assert not _verdict({"random signs": [MOST, MOST], "FGSM": [MOST, FEW], "PGD": [MOST, MOST]}, (0.0, 0.1), 0.1).holds
    assert not _verdict({"random signs": [MOST, FEW], "FGSM": [MOST, FEW], "PGD": [MOST, FEW]}, (0.0, 0.1), 0.1).holds


def test_the_verdict_is_of_right_answers() -> None:
    half = [0.5, 0.5, 0.5]
    verdict = _verdict({"random signs": [half, half], "FGSM": [half, FEW], "PGD": [half, FEW]}, (0.0, 0.1), 0.1)
    assert "100.0 [100.0, 100.0] % under random signs" in verdict.because
    assert "22.0 [" in verdict.because


def test_made_small_search_does_the_most_harm(tmp_path: Path) -> None:
    outcome = adversarial(radii=(0.0, 0.5), invisible=0.5, epochs=1, examples=40, steps=3, seeds=2, jobs=1)
    assert [row[0] for row in outcome.tables[0].rows] == ["0", "0.5"]
    noise, _, search = (float(cell.split()[0]) for cell in outcome.tables[0].rows[1][1:])
    assert search <= noise
    assert outcome.save(tmp_path).stat().st_size > 10_000


def test_the_radius_that_decides_has_to_be_there() -> None:
    with pytest.raises(ValueError, match=r"one of the radii, none of them below 0; got 0.2 and \(0.0, 0.1\)"):
        adversarial(radii=(0.0, 0.1), invisible=0.2)

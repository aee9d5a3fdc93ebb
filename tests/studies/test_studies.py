"""Each study: its verdict on made-up numbers where it is known what is right, and itself, made small."""

import json
import re
from pathlib import Path

import pytest

from shinso.cli import main
from shinso.studies import (
    STUDIES,
    batch_norm_speed,
    depth_degradation,
    dropout,
    group_norm_batch_size,
    light_networks,
    transposed_convolution,
    weight_decay,
    xor,
)
from shinso.studies._regularization import TEST_LOSS, Cure, verdict
from shinso.studies.batch_norm_speed import _verdict as speed_verdict
from shinso.studies.depth_degradation import _verdict as depth_verdict
from shinso.studies.group_norm_batch_size import _verdict as batch_size_verdict
from shinso.studies.light_networks import _verdict as light_verdict

HIGH, MIDDLE, LOW = [0.50, 0.52, 0.51, 0.49, 0.50], [0.40, 0.41, 0.39, 0.42, 0.40], [0.10, 0.11, 0.12, 0.10, 0.11]


def helps(*losses: list[float]) -> bool:
    cure = Cure("a claim", "a paper", "a title", "strength", tuple(map(float, range(len(losses)))), TEST_LOSS)
    return verdict(cure, list(losses)).holds


def test_against_overfitting_the_loss_must_fall_for_some_strength() -> None:
    assert helps(HIGH, LOW, HIGH)
    assert helps(HIGH, HIGH, LOW)
    assert not helps(LOW, HIGH)
    assert not helps(HIGH, [value + step for value, step in zip(HIGH, (-1, 1, -1, 1, 0), strict=True)])


def test_of_many_strengths_each_has_to_be_surer() -> None:
    better = [value - change for value, change in zip(HIGH, (0.01, 0.02, 0.03, 0.01, 0.005), strict=True)]
    assert helps(HIGH, better)
    assert not helps(HIGH, *[better] * 10)


def test_normalization_has_to_be_faster_for_both_kinds_of_units() -> None:
    slow, fast, never = [900.0, 950.0, 910.0], [100.0, 110.0, 90.0], [float("inf")] * 3
    both = {("sigmoid", False): [never, slow], ("sigmoid", True): [fast, never]}
    both |= {("relu", False): [slow, slow], ("relu", True): [never, fast]}
    assert speed_verdict(both, 1000.0).holds
    assert not speed_verdict(both | {("relu", False): [fast, fast]}, 1000.0).holds
    assert "sigmoid 920 steps without" in speed_verdict(both, 1000.0).because


def test_what_no_network_reaches_is_said_and_drawn(tmp_path: Path) -> None:
    outcome = batch_norm_speed(learning_rates=(0.1,), epochs=1, accuracy=1.0, seeds=1, jobs=1)
    assert "steps without (never there)" in outcome.verdict.because
    assert outcome.save(tmp_path).is_file()


def test_batch_normalization_has_to_lose_and_to_lose_more() -> None:
    good, bad = [0.98, 0.97, 0.99], [0.80, 0.82, 0.81]
    assert batch_size_verdict({"batch": [bad, good], "group": [good, good]}, (2, 32)).holds
    assert not batch_size_verdict({"batch": [bad, good], "group": [bad, good]}, (2, 32)).holds
    assert not batch_size_verdict({"batch": [good, good], "group": [good, good]}, (2, 32)).holds


def test_plain_networks_have_to_get_worse_and_residual_ones_not() -> None:
    assert depth_verdict({"plain": [LOW, HIGH], "resnet": [LOW, LOW]}, (8, 56)).holds
    assert not depth_verdict({"plain": [LOW, HIGH], "resnet": [LOW, HIGH]}, (8, 56)).holds
    assert not depth_verdict({"plain": [HIGH, LOW], "resnet": [LOW, LOW]}, (8, 56)).holds


def test_a_light_network_has_to_be_as_accurate_and_cheap() -> None:
    good, bad = [0.98, 0.97, 0.99], [0.80, 0.82, 0.81]
    heavy, light = ("heavy",), ("light",)
    assert light_verdict({"heavy": good, "light": good}, {"heavy": 100, "light": 10}, heavy, light, 0.01).holds
    assert not light_verdict({"heavy": good, "light": bad}, {"heavy": 100, "light": 10}, heavy, light, 0.01).holds
    assert not light_verdict({"heavy": good, "light": good}, {"heavy": 100, "light": 90}, heavy, light, 0.01).holds


SMALL = {
    "xor": lambda: xor(widths=(2, 8), trials=20, steps=2000),
    "transposed-convolution": transposed_convolution,
    "batch-norm-speed": lambda: batch_norm_speed(learning_rates=(1.0,), epochs=3, accuracy=0.5, seeds=2, jobs=1),
    "group-norm-batch-size": lambda: group_norm_batch_size(batch_sizes=(32, 64), depth=8, epochs=1, seeds=2, jobs=1),
    "dropout": lambda: dropout(ratios=(0.0, 0.5), epochs=3, width=32, seeds=2, jobs=1),
    "weight-decay": lambda: weight_decay(decays=(0.0, 0.1), epochs=3, width=32, seeds=2, jobs=1),
    "depth-degradation": lambda: depth_degradation(depths=(8, 14), epochs=1, seeds=2, jobs=1),
    "light-networks": lambda: light_networks(
        image_size=8, heavy=("resnet",), light=("mobilenet_v2_small",), epochs=1, seeds=2, jobs=1
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_study_made_small_has_numbers_a_picture_and_a_verdict(name: str, tmp_path: Path) -> None:
    outcome = SMALL[name]()
    text = str(outcome)
    assert outcome.claim in text
    assert re.search(r"^(holds|does not hold): .*\d", text, re.MULTILINE)
    assert outcome.save(tmp_path).stat().st_size > 10_000
    assert json.loads((tmp_path / "numbers.json").read_text())["verdict"]["holds"] is outcome.verdict.holds


def test_xor_and_transposed_convolution_hold() -> None:
    assert xor(widths=(8,), trials=20).verdict.holds
    assert transposed_convolution(size=4, kernel_size=5, stride=3).verdict.holds


def test_the_command_prints_what_there_is_and_runs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in STUDIES)
    assert main(["study", "transposed-convolution", "--size", "2", "--to", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "holds: in the three cases" in printed
    assert "2×2" in printed
    assert (tmp_path / "out" / "picture.png").is_file()


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "droput"]) == 1
    assert "there is no study 'droput'; there are: xor, " in capsys.readouterr().err
    assert main(["study", "xor", "--to"]) == 1
    assert "--to needs a directory after it" in capsys.readouterr().err
    assert main(["study", "dropout", "--ratios", "0.5"]) == 1
    assert (
        "compares with the first share of units dropped, so it needs at least two; got (0.5,)"
        in capsys.readouterr().err
    )
    assert main(["study", "transposed-convolution", "--kernel-size", "2"]) == 1
    assert "kernel_size - 1 > 2 padding; got kernel_size 2" in capsys.readouterr().err

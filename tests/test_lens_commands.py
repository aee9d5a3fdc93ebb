"""shinso lenses and shinso inspect: what they print, write and refuse."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import shinso
from shinso import models
from shinso.cli import main
from shinso.lens.catalogue import LENSES
from shinso.run import load_run

LOOK = ["--lens", "gradient_flow", "margins", "filters", "--examples", "32"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "mine"
    assert main(["train", "--epochs", "1", "--lenses", "none", "--to", str(path)]) == 0
    return path


def test_all_lenses_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lenses"]) == 0
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["lens", "needs", "cost", "source"]
    assert [row.split()[0] for row in rows] == list(LENSES)


def test_lenses_can_be_searched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lenses", "Keskar"]) == 0
    assert [row.split()[0] for row in capsys.readouterr().out.splitlines()[2:]] == ["flatness"]
    assert main(["lenses", "zzz"]) == 1
    assert f"none of the {len(LENSES)} lenses has 'zzz' in its name or source" in capsys.readouterr().err


def test_a_run_is_looked_into_and_its_report_shows_it(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(trained), *LOOK]) == 0
    said = capsys.readouterr().out
    assert "gradient_flow (" in said
    assert "gradient_norm: 59 values" in said
    assert f"report: {trained / 'report.html'}" in said
    run = load_run(trained)
    readings = run.readings("inspect/gradient_norm")
    assert readings.labels == tuple(name for name, _ in run.model().named_parameters())
    assert readings.steps.tolist() == [run.summary["steps"]]
    assert run.readings("inspect/filters/picture").values.shape[-1] == 4
    page = (trained / "report.html").read_text()
    assert "A look into the trained network" in page
    assert page.count("Drawn from the readings of") == 2
    assert main(["inspect", str(trained), "--lens", "gradient_flow", "--examples", "32"]) == 0
    again = load_run(trained).readings("inspect/gradient_norm")
    assert (again.values == readings.values).all(), "the same examples are looked at each time"


def test_the_readings_are_those_of_the_trained_network_on_its_test_part(trained: Path) -> None:
    assert main(["inspect", str(trained), "--lens", "margins", "--examples", "1000"]) == 0
    run = load_run(trained)
    wrong = run.readings("inspect/margin/wrong").values[-1]
    assert wrong == pytest.approx(1 - run.summary["test/accuracy"], abs=1e-6)


def test_any_network_with_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(3)
    network = models.build("mlp", input_shape=(1, 8, 8), num_classes=10)
    save_file(network.state_dict(), tmp_path / "mine.safetensors")
    to, weights = str(tmp_path / "run"), str(tmp_path / "mine.safetensors")
    flags = ["--data", "digits", "--weights", weights, "--to", to, "--lens", "spectral_norms"]
    assert main(["inspect", "mlp", *flags]) == 0
    first = next(module for module in network.modules() if isinstance(module, nn.Linear))
    expected = torch.linalg.svdvals(first.weight.double())[0].item()
    assert load_run(to).readings("inspect/spectral_norm").values[-1][0] == pytest.approx(expected, rel=1e-4)
    capsys.readouterr()


def test_what_is_not_defined_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "run"
    assert main(["inspect", "mlp", "--data", "digits", "--to", str(to), "--lens", "feature_maps"]) == 0
    assert "left out: the network has nothing that it reads" in capsys.readouterr().out
    assert "Not read" in (to / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mlp"], "there is no run at mlp; to look into a network of that name, say with what data: --data digits"),
        (["mlp", "--data", "digits", "--lens", "update_ratio"], "the lens 'update_ratio' looks at a step of training"),
        (["mlp", "--data", "digits", "--lens", "zzz"], "the lens 'zzz' does not exist; there are: gradient_flow"),
        (["mlp", "--data", "digits", "--examples", "0"], "at least one example; got 0"),
        ([".", "--data", "digits"], ". is not a run: it has no run.db"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_network_from_python_is_inspected_in_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs, targets = torch.rand(64, 3), torch.arange(64) % 2
    path = tmp_path / "run"
    shinso.train(nn.Linear(3, 2), (inputs, targets), shinso.Recipe(epochs=1), to=path, progress=False)
    assert main(["inspect", str(path)]) == 1
    assert "was given its model from Python: look into it with shinso.lens.inspect" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--data", "digits"], ["--weights", "w.safetensors"], ["--image-size", "8"]])
def test_what_a_run_has_of_its_own_is_not_taken_from_flags(
    flags: list[str], trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(trained), *flags, *LOOK]) == 1
    assert f"is a run, which has its own network and data: leave out {flags[0]}" in capsys.readouterr().err

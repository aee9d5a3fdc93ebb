"""The command: what it prints, what it refuses, and which recipe its flags make."""

import importlib
import re
from pathlib import Path

import pytest

import forked
import shinso
from shinso.cli import main, train_flags
from shinso.nn import PARTS
from shinso.recipe import OPTIMIZERS, SCHEDULES, Adam, Augment, Cosine, Recipe

QUICK = ["--model", "mlp", "--epochs", "1", "--lenses", "none"]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_shows_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    said = capsys.readouterr().out
    for words in ("shinso train", "shinso train --resume", "report", "深層"):
        assert words in said


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"shinso {shinso.__version__}\n"


def test_unknown_command_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert "shinso has no command 'trian'; there are: train, report, graph, models, parts" in capsys.readouterr().err


def test_help_of_train_lists_every_group_with_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", "--help"])
    assert caught.value.code == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for flag in (
        "--to", "--resume", "--recipe", "--data", "--model", "--epochs", "--budget", "--optimizer",
        "--optimizer.learning-rate", "--schedule.warmup", "--split.valid", "--augment.mixup", "--augment.crop",
        "--checkpoint-seconds", "--compile", "--shard",
    ):  # fmt: skip
        assert flag in said
    assert "Wall-clock time to train for, such as 90s, 30min or 2h" in said
    assert "--optimizer.betas" not in said


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_chosen_optimizer_brings_its_own_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_flags(["--optimizer", name, "--optimizer.weight-decay", "0.5"]).recipe.optimizer == OPTIMIZERS[name](
        weight_decay=0.5
    )
    assert type(train_flags([f"--optimizer={name}"]).recipe.optimizer) is OPTIMIZERS[name]


@pytest.mark.parametrize("name", SCHEDULES)
def test_chosen_schedule_brings_its_own_options(name: str) -> None:
    assert train_flags(["--schedule", name, "--schedule.warmup", "0.5"]).recipe.schedule == SCHEDULES[name](warmup=0.5)


def test_flags_make_the_recipe_they_say() -> None:
    arguments = [
        "--data",
        "csv:table.csv",
        "--target",
        "price",
        "--model-options",
        "depth",
        "8",
        "width",
        "2.5",
        "wide",
        "True",
        "kind",
        "group",
        "--optimizer",
        "adam",
        "--optimizer.betas",
        "0.8",
        "0.9",
        "--schedule",
        "cosine",
        "--budget",
        "30min",
        "--augment.mixup",
        "0.2",
        "--augment.flip",
        "True",
        "--compile",
        "--patience",
        "3",
    ]
    recipe = train_flags(arguments).recipe
    assert recipe == Recipe(
        data="csv:table.csv",
        target="price",
        model_options={"depth": 8, "width": 2.5, "wide": True, "kind": "group"},
        optimizer=Adam(betas=(0.8, 0.9)),
        schedule=Cosine(),
        budget="30min",
        augment=Augment(mixup=0.2, flip=True),
        compile=True,
        patience=3,
    )
    assert {key: type(value) for key, value in recipe.model_options.items()} == {
        "depth": int,
        "width": float,
        "wide": bool,
        "kind": str,
    }


def test_no_flags_are_the_default_recipe() -> None:
    assert train_flags([]).recipe == Recipe()


def test_recipe_file_is_overridden_by_flags(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(Recipe(epochs=7, batch_size=32, optimizer=Adam(learning_rate=0.5)).to_toml(), encoding="utf-8")
    for flags in (["--recipe", str(file)], [f"--recipe={file}"]):
        recipe = train_flags([*flags, "--epochs", "9", "--optimizer.epsilon", "0.1"]).recipe
        assert recipe == Recipe(epochs=9, batch_size=32, optimizer=Adam(learning_rate=0.5, epsilon=0.1))
    assert train_flags(["--recipe", str(file), "--optimizer", "adam"]).recipe.optimizer == Adam(learning_rate=0.5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epocs", "3"], "--epocs"),
        (["--epochs", "ten"], "ten"),
        (["--optimizer", "lion"], "lion"),
        (["--precision", "float16"], "float16"),
        (["--optimizer.betas", "0.9", "0.99"], "--optimizer.betas"),
    ],
)
def test_unknown_flags_and_values_are_misuse(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", *arguments])
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert words in captured.err + captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "epochs must be at least 1; got 0"),
        (["--budget", "soon"], "a budget is a time such as 90s, 30min or 2h; got 'soon'"),
        (["--model", "alexnet"], "unknown model 'alexnet'; near it are alexnet_2012"),
        (["--model", "nowhere.py:net"], "there is no file nowhere.py, wanted for its function 'net'"),
        (
            ["--model-options", "depth", "21"],
            "ResNet depth must be 6n+2 for small images (8, 14, 20, 32, 44, 56, 110); got 21",
        ),
        (["--model-options", "deep", "20"], "resnet has no option 'deep'; it takes: "),
        (["--recipe", "nowhere.toml"], "nowhere.toml"),
        (["--resume", "nowhere"], "nowhere is not a training run: it has no recipe.toml"),
        (["--data", "images:nowhere"], "nowhere"),
        (["--device", "gpu"], "device must be auto, cpu, cuda or cuda:N; got 'gpu'"),
        (
            ["--resume", "runs/mine", "--epochs", "3"],
            "--resume continues a run by its own recipe; leave out the other flags",
        ),
        (
            ["--resume", "runs/mine", "--to", "runs/other"],
            "--resume continues a run by its own recipe; leave out the other flags",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["train", *arguments])
    except SystemExit as stopped:  # what tyro finds out it says itself
        status = stopped.code  # type: ignore[assignment]
    assert status in (1, 2)
    captured = capsys.readouterr()
    said = " ".join((captured.err + captured.out).replace("│", " ").split())
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / "runs").exists()


FILES = {
    "from torch.nn import Flatten, Linear, Sequential\n"
    "def net(num_classes, in_features, deep=3):\n"
    "    return Sequential(Flatten(), Linear(in_features, num_classes))\n": None,
    "def other(): ...\n": r"has no function 'net'",
    "net = 3\n": r"has no function 'net'",
    "def net():\n    return 3\n": "must return a torch.nn.Module; it returned a int",
    "def net():\n    raise ValueError('too deep')\n": "too deep",
    "def net():\n    raise KeyError('missing')\n": "net.py:net failed: KeyError: 'missing'",
    "def net(:\n": "net.py cannot be loaded: SyntaxError: ",
    "import nothing_of_this_name\n": "net.py cannot be loaded: ModuleNotFoundError: No module named ",
}


@pytest.mark.parametrize("content", FILES, ids=lambda content: content.splitlines()[-1].strip())
def test_model_in_a_file(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.py"
    file.write_text(content)
    message = FILES[content]
    status = main(["train", *QUICK, "--model", f"{file}:net", "--to", str(tmp_path / "run")])
    said = capsys.readouterr()
    if message is None:
        assert status == 0
        assert shinso.load_run(tmp_path / "run").model().eval() is not None
    else:
        assert status == 1
        assert message in said.err
        assert "Traceback" not in said.err


def test_training_prints_figures_and_report_and_report_writes_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["train", *QUICK, "--to", str(run)]) == 0
    said = capsys.readouterr().out
    for words in ("test/accuracy", "test/loss", "examples/s", "report"):
        assert words in said
    (run / "report.html").unlink()
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").is_file()
    assert capsys.readouterr().out.strip() == str(run / "report.html")
    assert main(["report", str(tmp_path)]) == 1
    assert "no record at" in capsys.readouterr().err


def test_without_a_directory_each_run_gets_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main(["train", *QUICK]) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert all("digits-mlp" in path.name for path in (tmp_path / "runs").iterdir())


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    """Training on what comes with scikit-learn works where no address can be reached."""
    import socket
    import sys

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname") and refuse.on:  # type: ignore[attr-defined]
            raise AssertionError(f"{event} {arguments}")

    refuse.on = True  # type: ignore[attr-defined]
    sys.addaudithook(refuse)
    try:
        with pytest.raises(AssertionError), socket.socket() as probe:
            probe.connect(("127.0.0.1", 9))
        assert main(["train", *QUICK, "--to", str(tmp_path / "run")]) == 0
    finally:
        refuse.on = False  # type: ignore[attr-defined]


def test_import_and_help_load_nothing_heavy() -> None:
    import subprocess
    import sys

    program = (
        "import sys, shinso; from shinso.cli import main; main([]); "
        "heavy = {'torch', 'sklearn', 'scipy', 'plotly', 'pyarrow', 'PIL'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_command_ends_with_the_status_of_main(tmp_path: Path) -> None:
    command = forked.start(["train", "--model", "alexnet"], tmp_path / "said.txt")
    assert command.status() == 1
    assert command.said().startswith("shinso: unknown model 'alexnet'")


def test_graph_says_what_a_network_costs_and_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "lenet5.svg"
    assert main(["graph", "lenet5", "--input", "1,1,28,28", "--svg", str(picture), "--values"]) == 0
    said = capsys.readouterr().out
    assert "conv2d(v₋₁₀, v₋₉, v₋₈, [1,1], [2,2])" in said
    # 61,706 parameters and 416,520 multiply-accumulates
    assert any(line.split()[:4] == ["all", "61.7", "k", "417"] for line in said.splitlines())
    assert said.splitlines()[-1] == str(picture)
    assert picture.read_text().startswith("<svg")


def test_graph_takes_files_options_and_whole_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n\ndef words(num_classes, width):\n"
        "    return nn.Sequential(nn.Embedding(7, width), nn.Flatten(), nn.Linear(3 * width, num_classes))\n"
    )
    arguments = [f"{file}:words", "--input", "2,3:int64", "--num-classes", "5", "--model-options", "width", "4"]
    assert main(["graph", *arguments]) == 0
    assert any(line.split()[:4] == ["all", "93", "120", "240"] for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lenet5", "--input", "1,x"], "--input takes a shape such as 1,3,224,224, or with a type 4,16:int64; got"),
        (["lenet5", "--input", "1,1,28,28:word"], "--input takes a shape such as"),
        (["lenet6", "--input", "1,1,28,28"], "unknown model 'lenet6'; near it are lenet5"),
        (["net.pt2", "--input", "1,1,28,28"], "there is no file net.pt2"),
        (["lenet5", "--input", "1,1,28,28", "--input", "1"], "lenet5 does not take an input of 1,1,28,28 and 1: "),
        (["lenet5", "--input", "1,1,28,28", "--svg", "missing/net.svg"], "missing"),
    ],
)  # fmt: skip
def test_graph_says_what_it_cannot_do(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["graph", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_models_lists_the_networks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    everything = capsys.readouterr().out.splitlines()
    assert len(everything) > 100
    assert main(["models", "resnet50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "year", "input", "parameters", "multiply-accumulates", "paper"]
    row = next(line for line in lines if line.startswith("resnet50 "))
    assert row.split()[:5] == ["resnet50", "2015", "3×224×224", "25,557,032", "4,089,184,256"]
    assert main(["models", "nonesuch"]) == 1
    assert "networks has 'nonesuch' in its name or paper" in capsys.readouterr().err


def test_parts_are_listed_with_the_place_to_import_them_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parts"]) == 0
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "kind", "in", "Python", "source"]
    assert len(rows) == len(PARTS)
    for row in rows:
        name, kind, place, source = re.split(r" {2,}", row.strip(), maxsplit=3)
        module, _, attribute = place.rpartition(".")
        made = getattr(importlib.import_module(module), attribute)
        assert made in (PARTS[name].make, getattr(PARTS[name].make, "func", None))
        assert (kind, source) == (PARTS[name].kind, PARTS[name].source)


def test_parts_can_be_searched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parts", "Maxout"]) == 0
    assert [row.split()[0] for row in capsys.readouterr().out.splitlines()[2:]] == ["maxout"]
    assert main(["parts", "zzz"]) == 1
    assert f"none of the {len(PARTS)} parts has 'zzz' in its name or source" in capsys.readouterr().err

"""Training for examples of another kind: against weighted least squares by scikit-learn, and weights by hand."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import shinso
from shinso.data import BadData, InMemory, from_arrays, load_inputs
from shinso.recipe import SGD, Constant, Recipe
from shinso.run import RunError
from shinso.training import Classification, Regression
from shinso.training._shift_weights import shift_weights

WHOLE_BATCHES = Recipe(
    epochs=400,
    batch_size=1000,
    optimizer=SGD(learning_rate=0.1),
    schedule=Constant(),
    lenses="none",
    shift_exponent=1.0,
)


def laboratory(count: int = 400, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Shimodaira's example: inputs around ½."""
    generator = np.random.default_rng(seed)
    x = generator.normal(0.5, 0.5, count)
    y = -x + x**3 + generator.normal(0, 0.3, count)
    return torch.from_numpy(x[:, None]).float(), torch.from_numpy(y[:, None]).float()


def field(count: int = 300) -> Tensor:
    """Inputs around 0."""
    return torch.from_numpy(np.random.default_rng(1).normal(0, 0.3, (count, 1))).float()


def weights_of(exponent: float = 1.0) -> tuple[Any, Any]:
    data = from_arrays(*laboratory(), valid_fraction=0.0, test_fraction=0.3, seed=0)
    shifted = InMemory(field(), torch.zeros(300, dtype=torch.int64))
    return data, shift_weights(data, shifted, "field", exponent, 0)


def test_a_line_is_that_of_weighted_least_squares(tmp_path: Path) -> None:
    data, weights = weights_of()
    model = nn.Linear(1, 1)
    run = shinso.train(model, data, WHOLE_BATCHES, shift_to=field().numpy(), to=tmp_path / "run", progress=False)
    inputs = ((data.train.fetch(torch.arange(len(data.train)))[0] - data.mean) / data.std).numpy()
    targets = data.train.targets.numpy()
    expected = LinearRegression().fit(inputs, targets, sample_weight=weights.train.numpy())
    plain = LinearRegression().fit(inputs, targets)
    assert model.weight.item() == pytest.approx(expected.coef_.item(), abs=2e-3)
    assert model.bias.item() == pytest.approx(expected.intercept_.item(), abs=2e-3)
    assert abs(plain.coef_.item() - expected.coef_.item()) > 0.3
    assert run.recipe.shift_to == "python:ndarray"


def test_a_data_frame_is_the_numbers_that_it_holds(tmp_path: Path) -> None:
    runs, briefly = [], dataclasses.replace(WHOLE_BATCHES, epochs=2)
    for place, shifted in enumerate((field().numpy(), pd.DataFrame(field().numpy()))):
        pair = pd.DataFrame(laboratory()[0].numpy()), pd.DataFrame(laboratory()[1].numpy())
        to = tmp_path / str(place)
        runs.append(shinso.train("mlp", pair, briefly, shift_to=shifted, to=to, progress=False))
    assert runs[0].summary["shifted/loss"] == runs[1].summary["shifted/loss"]
    assert runs[1].recipe.shift_to == "python:DataFrame"


def test_figures_of_the_shifted_examples_are_weighted_ones_of_the_test_part(tmp_path: Path) -> None:
    data, weights = weights_of()
    model = nn.Linear(1, 1)
    run = shinso.train(model, data, WHOLE_BATCHES, shift_to=field(), to=tmp_path / "run", progress=False)
    raw, targets = data.test.fetch(torch.arange(len(data.test)))
    with torch.no_grad():
        errors = (model((raw - data.mean) / data.std) - targets).square()[:, 0].numpy()
    expected = np.sqrt(np.average(errors, weights=weights.test.numpy()))
    assert run.summary["shifted/rmse"] == pytest.approx(expected, rel=1e-5)
    assert run.summary["test/rmse"] == pytest.approx(np.sqrt(errors.mean()), rel=1e-5)
    assert run.summary["shifted/rmse"] < run.summary["test/rmse"]
    (event,) = run.events("data")
    shift = event.content["shift"]
    of_train = weights.train.double()
    assert shift["effective_sample_size"] == pytest.approx(
        float(of_train.sum() ** 2 / of_train.square().sum()), rel=1e-4
    )
    assert 20 < shift["effective_sample_size"] < len(data.train)
    page = (run.path / "report.html").read_text()
    assert "Counted as if they were those of python:Tensor: RMSE 0." in page
    assert "Weighted towards other examples" in page
    assert "Shifted · loss" not in page
    assert (shift["exponent"], shift["problems"]) == (1.0, [])


def test_weights_are_the_density_ratio_and_its_powers() -> None:
    data, weights = weights_of()
    x = data.train.fetch(torch.arange(len(data.train)))[0][:, 0].double()
    exact = torch.exp(-0.5 * (x / 0.3) ** 2 + 0.5 * ((x - 0.5) / 0.5) ** 2)
    exact = exact / exact.mean()
    error = float((weights.train - exact).square().mean() / exact.square().mean())
    assert error < 0.05
    assert float(weights.train.mean()) == pytest.approx(1, abs=1e-5)
    _, half = weights_of(0.5)
    roots = weights.train.sqrt()
    torch.testing.assert_close(half.train, roots / roots.mean(), rtol=1e-4, atol=1e-5)
    assert weights_of(0.0)[1].test.tolist() == [1.0] * len(data.test)


def test_weighted_losses_are_means_of_weight_times_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(6, 4, generator=generator), torch.tensor([0, 1, 2, 3, 0, 1])
    weights = torch.rand(6, generator=generator) * 3
    task = Classification(tuple("abcd"), label_smoothing=0.1)
    by_hand = sum(
        w * F.cross_entropy(row[None], t[None], label_smoothing=0.1)
        for w, row, t in zip(weights, logits, targets, strict=True)
    )
    torch.testing.assert_close(task.weighted_loss(logits, targets, weights), by_hand / 6)
    torch.testing.assert_close(task.weighted_loss(logits, targets, torch.ones(6)), task.loss(logits, targets))
    both = task.weighted_loss((logits, 2 * logits), targets, weights)
    torch.testing.assert_close(both, by_hand / 6 + 0.3 * task.weighted_loss(2 * logits, targets, weights))
    sequences = torch.randn(2, 4, 3, generator=generator)
    positions = torch.tensor([[0, 1, 2], [3, 0, 1]])
    of_rows = F.cross_entropy(sequences, positions, reduction="none", label_smoothing=0.1).mean(1)
    torch.testing.assert_close(task.weighted_loss(sequences, positions, weights[:2]), (weights[:2] * of_rows).mean())
    numbers = Regression(torch.tensor([1.0]), torch.tensor([2.0]))
    outputs, values = torch.randn(6, 1, generator=generator), torch.randn(6, 1, generator=generator)
    squares = (outputs - (values - 1) / 2).square()[:, 0]
    torch.testing.assert_close(numbers.weighted_loss(outputs, values, weights), (weights * squares).mean())


def test_metrics_count_examples_by_weight() -> None:
    judged = {
        "loss": torch.tensor([1.0, 3.0]),
        "prediction": torch.tensor([0, 1]),
        "target": torch.tensor([0, 0]),
        "weight": torch.tensor([3.0, 1.0]),
    }
    assert Classification(("a", "b")).metrics(judged) == {"loss": 1.5, "accuracy": 0.75}


def test_images_are_weighted_by_their_principal_components(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    images = torch.from_numpy(load_digits().images[:600, None]).float()
    labels = torch.from_numpy(load_digits().target[:600])
    darker = images[labels < 5][:200]
    recipe = Recipe(epochs=1, lenses="none", model="mlp")
    run = shinso.train(None, (images, labels), recipe, shift_to=darker, to=tmp_path / "run", progress=False)
    data = from_arrays(images, labels, valid_fraction=0.1, test_fraction=0.2, seed=0)
    weights = shift_weights(data, InMemory(darker, torch.zeros(200, dtype=torch.int64)), "darker", 1.0, 0)
    low = data.train.targets < 5
    assert float(weights.train[low].mean()) > 3 * float(weights.train[~low].mean())
    assert 0 <= run.summary["shifted/accuracy"] <= 1


def test_columns_of_wide_tables_count_in_their_own_units() -> None:
    generator = np.random.default_rng(0)

    def rows(count: int, mean: float) -> np.ndarray:
        common = generator.normal(mean, 1, (count, 1)) + 0.5 * generator.normal(size=(count, 20))
        return np.concatenate([common, 1000 * generator.normal(size=(count, 40))], axis=1).astype(np.float32)

    data = from_arrays(rows(800, 0), np.zeros((800, 1), np.float32), valid_fraction=0, test_fraction=0)
    towards = torch.from_numpy(rows(600, 0.8))
    weights = shift_weights(data, InMemory(towards, torch.zeros(600, dtype=torch.int64)), "field", 1.0, 0)
    inputs = data.train.fetch(torch.arange(800))[0][:, :20].mean(1)
    assert float((weights.train * inputs).mean()) == pytest.approx(0.8, abs=0.2)


def test_a_table_without_targets_is_read_by_the_names_of_the_training_table(tmp_path: Path) -> None:
    (tmp_path / "lab.csv").write_text("a,b,y\n" + "".join(f"{n},{-n},{n % 2}.5\n" for n in range(30)))
    (tmp_path / "field.csv").write_text("b,note,a\n" + "".join(f"{-n},word,{n}\n" for n in range(5)))
    lab = f"csv:{tmp_path / 'lab.csv'}"
    found = load_inputs(f"csv:{tmp_path / 'field.csv'}", like=lab, target="y").train
    assert found.fetch(torch.arange(5))[0].tolist() == [[float(n), float(-n)] for n in range(5)]
    (tmp_path / "other.csv").write_text("b\n1\n")
    with pytest.raises(BadData, match=r"other.csv lacks 'a'; expected the features of the training table: a, b"):
        load_inputs(f"csv:{tmp_path / 'other.csv'}", like=lab, target="y")
    (tmp_path / "broken.csv").write_text("a,b\n1,word\n2,3\n")
    with pytest.raises(BadData, match="column 'b' is 'word'"):
        load_inputs(f"csv:{tmp_path / 'broken.csv'}", like=lab, target="y")


def test_a_parquet_table_and_a_flat_folder_of_images(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    pq.write_table(pa.table({"a": [1.0, 2.0], "y": [0.5, 1.5]}), tmp_path / "lab.parquet")
    pq.write_table(pa.table({"z": ["p", "q"], "a": [3.0, 4.0]}), tmp_path / "field.parquet")
    lab = f"parquet:{tmp_path / 'lab.parquet'}"
    found = load_inputs(f"parquet:{tmp_path / 'field.parquet'}", like=lab, target="y").train
    assert found.fetch(torch.arange(2))[0].tolist() == [[3.0], [4.0]]
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    photos = load_inputs(f"images:{folder}", like="images:elsewhere").train
    assert photos.fetch(torch.arange(3))[0][:, 0, 0, 0].tolist() == [0, 1, 2]


class _Bare:
    """A task that knows of no weights."""

    monitor, higher_is_better = "loss", False

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(outputs, targets)

    def judge(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        return {"loss": (outputs - targets).square()[:, 0]}

    def metrics(self, judged: Mapping[str, Tensor]) -> dict[str, float]:
        return {"loss": float(judged["loss"].mean())}

    def results(self, judged: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return {}

    def worst(self, judged: Mapping[str, Tensor], count: int) -> dict[str, np.ndarray]:
        return {"index": np.arange(0)}


def test_what_cannot_be_weighted_is_said(tmp_path: Path) -> None:
    model, data, short = nn.Linear(1, 1), laboratory(), Recipe(epochs=1, lenses="none")

    def train(shift_to: Any, **others: Any) -> None:
        shinso.train(model, data, short, shift_to=shift_to, to=tmp_path / "run", progress=False, **others)

    with pytest.raises(ValueError, match=r"have the shape \(3,\), those to train on \(1,\)"):
        train(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="there is no example to shift towards"):
        train(torch.zeros(0, 1))
    with pytest.raises(ValueError, match="weights take at least 10 examples to shift towards; there are 5"):
        train(field()[:5])
    with pytest.raises(ValueError, match="the samples do not overlap"):
        train(100 + field())
    with pytest.raises(ValueError, match="the task _Bare cannot weigh examples: give it weighted_loss"):
        train(field(), task=_Bare())
    with pytest.raises(ValueError, match="shift_exponent is a power from 0"):
        Recipe(shift_exponent=1.5)
    batches = [(data[0][:10], data[1][:10])]
    with pytest.raises(ValueError, match="an iterable of batches brings its own: pass a set"):
        shinso.train(model, batches, short, shift_to=field(), to=tmp_path / "other", task=_Bare(), progress=False)


def test_going_on_needs_the_inputs_again(tmp_path: Path) -> None:
    from shinso.run import Run

    run = Run.create(tmp_path / "run", Recipe(shift_to="python:ndarray"))
    run.record.event("model", {"name": "mlp"})
    run.record.event("data", {"source": "digits"})
    run.record.commit()
    run.close()
    with pytest.raises(RunError, match=r"was given shift_to from Python: pass it again, .* shift_to=inputs\)"):
        shinso.resume(tmp_path / "run")

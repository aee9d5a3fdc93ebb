"""``shinso.train`` from Python: every kind of model and data it takes, and clear words about what does not fit."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

import shinso
from shinso.recipe import SGD, Augment, Constant, Recipe, Split
from shinso.training import Classification, Regression

QUICK = Recipe(model="mlp", epochs=3, batch_size=16, lenses="none", augment=Augment(crop=0, flip=False, warp=0.0))


def blobs(examples: int = 90, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Three well separated classes in the plane."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(examples) % 3
    return torch.eye(3)[y][:, :2] * 6 + torch.randn(examples, 2, generator=generator), y


def train(model: Any, data: Any, tmp_path: Path, recipe: Recipe = QUICK, **options: Any) -> shinso.Run:
    return shinso.train(model, data, recipe, to=tmp_path / "run", progress=False, **options)


def linear() -> nn.Module:
    torch.manual_seed(5)
    return nn.Linear(2, 3)


def loader(seed: int = 0) -> DataLoader[Any]:
    return DataLoader(TensorDataset(*blobs(seed=seed)), batch_size=16)


DATA = {
    "pair of tensors": lambda: blobs(),
    "pair of arrays": lambda: tuple(part.numpy() for part in blobs()),
    "training and test pairs": lambda: (blobs(), blobs(seed=1)),
    "torch dataset": lambda: TensorDataset(*blobs()),
    "loaders by part": lambda: {"train": loader(), "valid": loader(1), "test": loader(2)},
    "lists of batches by part": lambda: {"train": list(loader()), "test": list(loader(2))},
}


@pytest.mark.parametrize("kind", DATA)
def test_module_learns_from_every_kind_of_data(kind: str, tmp_path: Path) -> None:
    run = train(linear(), DATA[kind](), tmp_path, Recipe(epochs=20, batch_size=16, lenses="none"))
    assert run.summary["test/accuracy"] > 0.9
    assert run.readings("test/confusion").values.shape == (1, 3, 3)
    assert int(run.readings("test/confusion").values.sum()) > 0


@pytest.mark.parametrize("data", [loader, lambda: list(loader())], ids=["loader", "list of batches"])
def test_module_trains_on_batches_alone(data: Any, tmp_path: Path) -> None:
    run = train(linear(), data(), tmp_path)
    losses = run.readings("train/loss").values
    assert len(losses) == 18
    assert losses[-1] < losses[0]


def test_test_part_that_comes_with_the_data_is_used_as_it_is(tmp_path: Path) -> None:
    run = train("mlp", (blobs(), blobs(33, seed=1)), tmp_path)
    assert int(run.readings("test/confusion").values.sum()) == 33


class Unusual(nn.Module):
    """Functional layers, tied weights, and buffers that are no floats."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.head = nn.Parameter(torch.randn(3, 2))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mask", torch.tensor([True, True]))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        x = F.relu(self.first(x)) * self.mask
        return F.linear(F.dropout(self.second(x), 0.1, self.training), self.head)


def test_unusual_module_trains_resumes_and_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = Unusual()
    again = Unusual()
    again.load_state_dict(whole.state_dict())
    recipe = Recipe(epochs=4, batch_size=16, lenses="none", checkpoint_seconds=0.0)
    run = train(whole, blobs(), tmp_path, recipe)
    # The final test calls the network once more.
    after = {**whole.state_dict(), "calls": whole.calls - 1}
    torch.testing.assert_close(run.weights(), after, rtol=0, atol=0)
    assert run.weights()["calls"].dtype == torch.int64
    stopped = tmp_path / "stopped"
    with pytest.raises(RuntimeError, match="power failure"):
        shinso.train(again, blobs(), recipe, to=stopped, progress=False, task=FailsAfter(11))
    fresh = Unusual()
    resumed = shinso.resume(stopped, fresh, blobs(), progress=False)
    np.testing.assert_array_equal(resumed.readings("train/loss").values, run.readings("train/loss").values)
    torch.testing.assert_close(resumed.weights(), run.weights(), rtol=0, atol=0)


class FailsAfter:
    """Classification in three classes until the lights go out."""

    monitor, higher_is_better = "accuracy", True

    def __init__(self, steps: int) -> None:
        self.inner, self.left = Classification(("0", "1", "2")), steps
        self.judge, self.metrics, self.results, self.worst = (
            self.inner.judge,
            self.inner.metrics,
            self.inner.results,
            self.inner.worst,
        )

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("power failure")
        return self.inner.loss(outputs, targets)


class AbsoluteError:
    """A task of the user's own."""

    monitor, higher_is_better = "error", False

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).abs().mean()

    def judge(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        return {"loss": (outputs - targets).abs().mean(1)}

    def metrics(self, judged: dict[str, Tensor]) -> dict[str, float]:
        return {"loss": judged["loss"].mean().item(), "error": judged["loss"].mean().item()}

    def results(self, judged: dict[str, Tensor]) -> dict[str, np.ndarray]:
        return {}

    def worst(self, judged: dict[str, Tensor], count: int) -> dict[str, np.ndarray]:
        return {"index": judged["loss"].argsort(descending=True)[:count].numpy()}


def line(examples: int = 100) -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1, 1, examples)[:, None]
    return x, 3 * x + 200


def test_task_of_the_users_own_is_trained(tmp_path: Path) -> None:
    recipe = Recipe(epochs=60, batch_size=16, lenses="none", optimizer=SGD(learning_rate=1.0, weight_decay=0.0))
    run = train(nn.Linear(1, 1), line(), tmp_path, recipe, task=AbsoluteError())
    assert run.summary["test/error"] < 5
    best = run.readings("valid/error")
    assert run.summary["best_step"] == max(best.steps[best.values == best.values.min()])


def test_regression_by_name_speaks_in_the_targets_units(tmp_path: Path) -> None:
    run = train(
        "mlp",
        line(),
        tmp_path,
        Recipe(model="mlp", epochs=40, batch_size=16, lenses="none", optimizer=SGD(learning_rate=0.05)),
    )
    assert run.summary["test/rmse"] < 0.5
    assert run.summary["test/r2"] > 0.9


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (nn.Linear(2, 2), blobs, "the network has 2 outputs, but the data have 3 classes: 0, 1, 2"),
        (nn.Linear(5, 3), blobs, r"the network cannot take a batch of shape \(2, 2\) \(torch.float32\): "),
        (
            nn.Flatten(),
            lambda: (torch.rand(40, 3), torch.arange(40) % 3),
            "Flatten has no parameters that want a gradient",
        ),
        ("resnet", blobs, r"resnet takes images .* has shape \(2,\): try --model mlp"),
        (None, lambda: list(loader()), "an iterable of batches does not tell the shape of an example: pass the model"),
        (
            nn.Linear(2, 3),
            lambda: {"train": loader(), "validation": loader()},
            r"cannot train on a dict with \['validation'\]",
        ),
        (nn.Linear(2, 3), lambda: {"valid": loader()}, "cannot train on a dict"),
        (nn.Linear(2, 3), lambda: 3, "cannot train on a int; expected a source's name"),
        (nn.Linear(2, 3), list, "the iterable of batches is empty"),
        (nn.Linear(2, 3), lambda: iter(list(loader())), "yielded no batch in epoch 2; pass a list or a DataLoader"),
        (
            nn.Linear(2, 3),
            lambda: list(blobs()),
            r"an iterable of batches must yield \(inputs, targets\), a tensor each; it yielded a Tensor\. For other",
        ),
        (
            nn.Linear(2, 3),
            lambda: [({"x": x}, y) for x, y in loader()],
            r"it yielded \(dict, Tensor\)\. For other batches write the loop yourself .* shinso\.watch",
        ),
        (
            nn.Sequential(nn.Linear(2, 3), nn.Unflatten(1, (3, 1))),
            blobs,
            r"the network gives \(2, 3, 1\) for targets \(2,\); classification expects",
        ),
        ("alexnet", blobs, "unknown model 'alexnet'; near it are alexnet_2012"),
    ],
)
def test_what_does_not_fit_is_said(model: Any, data: Any, message: str, tmp_path: Path) -> None:
    with warnings.catch_warnings(), pytest.raises(ValueError, match=message):
        train(model, data(), tmp_path)


def test_what_does_not_fit_the_data_is_said_before_a_directory_is_made(tmp_path: Path) -> None:
    for changes, message in (
        ({"augment": Augment(crop=1)}, r"augment.crop, flip and warp are for images; an example here has shape \(2,\)"),
        ({"model_options": {"depth": 3}}, "mlp has no option 'depth'; it takes: "),
        ({"patience": 2, "split": Split(valid=0.0)}, "patience needs validation examples"),
    ):
        recipe = Recipe(**({"model": "mlp"} | changes))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=message):
            shinso.train(None, blobs(), recipe, to=tmp_path / "run", progress=False)
    images = (torch.rand(40, 1, 8, 4), torch.arange(40) % 2)
    with pytest.raises(ValueError, match=r"augment.crop must be smaller than the images \(8×4 pixels\); got 4"):
        shinso.train("mlp", images, Recipe(augment=Augment(crop=4)), to=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_narrow_colour_images_train_with_the_default_augmentation(tmp_path: Path) -> None:
    images = (torch.rand(60, 3, 32, 4), torch.arange(60) % 2)
    recipe = Recipe(epochs=1, batch_size=16, lenses="none", model_options={"depth": 8, "width": 4})
    assert train("resnet", images, tmp_path, recipe).events("finish")


@pytest.mark.parametrize("shape", [(3, 8, 6), (1, 8, 8), (5,)], ids=str)
def test_model_of_the_run_has_the_recorded_accuracy_on_normalised_inputs(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(120) % 3
    x = (
        torch.randn(120, *shape, generator=generator) * 4
        + 10
        + y.view(-1, *[1] * len(shape)) * torch.rand(shape, generator=generator)
    )
    data = ((x[:90], y[:90]), (x[90:], y[90:]))
    finished = train("mlp", data, tmp_path)
    run = shinso.load_run(finished.path)
    model = run.model()
    assert not model.training
    with torch.no_grad():
        logits = model(run.normalize(x[90:]))
    assert (logits.argmax(1) == y[90:]).double().mean().item() == run.summary["test/accuracy"]
    assert F.cross_entropy(logits, y[90:]).item() == pytest.approx(run.summary["test/loss"], rel=1e-5)
    assert run.recipe == Recipe(**{**vars(QUICK), "model": "mlp", "data": "python:tuple"})


def test_module_passed_from_python_is_not_guessed_from_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="power failure"):
        train(
            linear(),
            blobs(),
            tmp_path,
            Recipe(epochs=9, batch_size=16, lenses="none", checkpoint_seconds=0.0),
            task=FailsAfter(3),
        )
    run = shinso.load_run(tmp_path / "run")
    with pytest.raises(shinso.run.RunError, match="was trained on a module passed from Python: build it and load"):
        run.model()
    with pytest.raises(shinso.run.RunError, match="was given its model from Python: pass it again"):
        shinso.resume(run.path, data=blobs(), progress=False)
    with pytest.raises(shinso.run.RunError, match="was given its data from Python: pass them again"):
        shinso.resume(run.path, linear(), progress=False)


def losses_of(recipe: Recipe, tmp_path: Path, name: str, model: nn.Module, data: Any) -> list[float]:
    run = shinso.train(model, data, recipe, to=tmp_path / name, progress=False)
    return run.readings("train/loss").values.tolist()


def double(data: tuple[Tensor, Tensor]) -> list[tuple[Tensor, Tensor]]:
    x, y = data[0].double(), data[1]
    return list(zip(x.split(16), y.split(16), strict=True))


@pytest.mark.parametrize("pieces", [2, 3, 16])
def test_accumulated_pieces_are_the_whole_batch(pieces: int, tmp_path: Path) -> None:
    weights = []
    for accumulate in (1, pieces):
        model = linear().double()
        recipe = Recipe(
            epochs=3, batch_size=48, accumulate=accumulate, lenses="none", clip_norm=0.5, label_smoothing=0.1
        )
        train_to = tmp_path / str(accumulate)
        shinso.train(model, double(blobs()), recipe, to=train_to, progress=False)
        weights.append(model.weight.detach())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-12, atol=1e-12)


def test_training_is_the_loop_one_would_write_by_hand(tmp_path: Path) -> None:
    """Smoothed targets, clipping and a constant rate, against a plain loop and the loss written out."""
    recipe = Recipe(
        epochs=4, lenses="none", clip_norm=0.3, label_smoothing=0.2, schedule=Constant(),
        optimizer=SGD(learning_rate=0.1, momentum=0.9, nesterov=False, weight_decay=0.01),
    )  # fmt: skip
    ours, by_hand = linear().double(), linear().double()
    found = losses_of(recipe, tmp_path, "run", ours, double(blobs()))
    expected = []
    velocity = [torch.zeros_like(p) for p in by_hand.parameters()]
    for _ in range(4):
        for x, y in double(blobs()):
            log_p = by_hand(x).log_softmax(1)
            smoothed = torch.full_like(log_p, 0.2 / 3).scatter_add(
                1, y[:, None], torch.full((len(y), 1), 0.8, dtype=torch.float64)
            )
            loss = -(smoothed * log_p).sum(1).mean()
            gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
            norm = sum(g.square().sum() for g in gradients) ** 0.5
            with torch.no_grad():
                for p, g, v in zip(by_hand.parameters(), gradients, velocity, strict=True):
                    g = g * min(1.0, 0.3 / (norm.item() + 1e-6)) + (0.01 * p if p.ndim > 1 else 0)
                    v.mul_(0.9).add_(g)
                    p.sub_(0.1 * v)
            expected.append(loss.item())
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # losses are kept in float32
    torch.testing.assert_close(ours.weight, by_hand.weight, rtol=1e-9, atol=1e-9)


def test_early_stopping_ends_at_the_lectures_count_with_the_best_state(tmp_path: Path) -> None:
    recipe = Recipe(
        model="mlp",
        epochs=200,
        batch_size=16,
        lenses="none",
        patience=3,
        optimizer=SGD(learning_rate=0.5),
        schedule=Constant(),
    )
    x, y = blobs()
    noisy = torch.where(torch.rand(90, generator=torch.Generator().manual_seed(1)) < 0.4, (y + 1) % 3, y)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3))
    run = train(model, (x, noisy), tmp_path, recipe)
    losses = run.readings("valid/loss").values
    rises = np.flatnonzero(np.diff(losses) > 0) + 1
    assert len(rises) == 3
    assert rises[-1] == len(losses) - 1 < 199
    assert run.summary["stopped_early"]
    assert run.summary["best_step"] == run.readings("valid/loss").steps[losses.argmin()]
    torch.testing.assert_close(run.weights(), dict(model.state_dict()), rtol=0, atol=0)


def test_bfloat16_trains_float32_weights(tmp_path: Path) -> None:
    model = linear()
    run = train(model, blobs(), tmp_path, Recipe(epochs=20, batch_size=16, lenses="none", precision="bfloat16"))
    assert model.weight.dtype == torch.float32
    assert run.summary["test/accuracy"] > 0.8


def test_budget_ends_the_training_and_its_schedule(tmp_path: Path) -> None:
    recipe = Recipe(model="mlp", budget="2s", batch_size=16, lenses="none", lens_every=1, epochs=1)
    run = train("mlp", blobs(), tmp_path, recipe)
    assert 1.5 < run.summary["seconds"] < 12
    rates = run.readings("learning_rate").values
    assert rates[-1] < 0.1 * rates.max()
    assert rates.max() > 0.9 * recipe.optimizer.learning_rate


@pytest.mark.parametrize("seed", range(4))
def test_the_default_recipe_keeps_a_network_without_normalisation_from_diverging(tmp_path: Path, seed: int) -> None:
    # Without a limit on the gradient's norm, three of these four end in NaN.
    run = train("mlp", blobs(), tmp_path, Recipe(epochs=60, batch_size=16, lenses="none", seed=seed))
    assert run.readings("train/loss").values.max() < 100
    assert run.summary["test/accuracy"] > 0.7


def test_same_seed_same_run_another_seed_another(tmp_path: Path) -> None:
    def losses(name: str, seed: int) -> list[float]:
        recipe = Recipe(epochs=2, batch_size=16, lenses="none", dropout=0.2, seed=seed)
        run = shinso.train("mlp", blobs(), recipe, to=tmp_path / name, progress=False)
        return run.readings("train/loss").values.tolist()

    assert losses("first", 1) == losses("second", 1) != losses("third", 2)


def test_dropout_is_for_networks_that_have_it(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\ndef net(num_classes, in_features):\n    return nn.Linear(in_features, num_classes)\n"
    )
    with pytest.raises(ValueError, match=r"net\.py:net has no argument dropout; leave out --dropout"):
        train(f"{file}:net", blobs(), tmp_path, Recipe(dropout=0.5))
    assert train(f"{file}:net", blobs(), tmp_path, QUICK).events("finish")


def test_auxiliary_logits_count_a_third_in_training(tmp_path: Path) -> None:
    targets, logits = torch.tensor([0, 1]), torch.randn(3, 2, 4)
    losses = [nn.functional.cross_entropy(part, targets) for part in logits]
    task = Classification(tuple("abcd"))
    torch.testing.assert_close(task.loss(tuple(logits), targets), losses[0] + 0.3 * (losses[1] + losses[2]))
    torch.testing.assert_close(task.loss((logits[0],), targets), losses[0])

    class WithAuxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.auxiliary = nn.Linear(2, 3), nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Any:
            return (self.main(x), self.auxiliary(x)) if self.training else self.main(x)

    run = train(WithAuxiliary(), blobs(), tmp_path, Recipe(epochs=10, batch_size=16))
    assert run.summary["test/accuracy"] > 0.8


def test_classification_and_regression_say_what_does_not_fit() -> None:
    with pytest.raises(
        ValueError, match=r"the network gives \(2, 3\) for targets \(2, 1\); regression expects equal shapes"
    ):
        Regression(torch.zeros(1), torch.ones(1)).loss(torch.zeros(2, 3), torch.zeros(2, 1))
    with pytest.raises(ValueError, match=r"classification expects \(batch, classes\)"):
        Classification(("a", "b")).loss(torch.zeros(2, 5, 2), torch.zeros(2, dtype=torch.int64))

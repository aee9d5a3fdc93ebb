"""Optimizers: decay of weights alone, and the closed forms that the settings stand for."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from shinso.recipe import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, RMSprop
from shinso.training._optimizers import build_optimizer, parameter_groups


def test_weights_decay_and_biases_and_normalisation_do_not() -> None:
    model = nn.ModuleDict(
        {
            "conv": nn.Conv2d(1, 4, 3),
            "batch": nn.BatchNorm2d(4),
            "group": nn.GroupNorm(2, 4),
            "layer": nn.LayerNorm((4, 3, 3)),
            "embedding": nn.Embedding(5, 4),
            "lstm": nn.LSTM(4, 4),
            "linear": nn.Linear(4, 2),
        }
    )
    decaying = parameter_groups(model, 0.1)[0]
    assert decaying["weight_decay"] == 0.1
    names = {name for name, p in model.named_parameters() if any(p is other for other in decaying["params"])}
    assert names == {"conv.weight", "embedding.weight", "lstm.weight_ih_l0", "lstm.weight_hh_l0", "linear.weight"}
    every = [p for group in parameter_groups(model, 0.1) for p in group["params"]]
    assert len(every) == len(set(every)) == len(list(model.parameters()))


def test_frozen_and_tied_parameters_are_left_out_and_counted_once() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model[0].bias.requires_grad_(False)
    every = [p for group in parameter_groups(model, 0.1) for p in group["params"]]
    assert {id(p) for p in every} == {id(model[0].weight), id(model[1].bias)}
    assert len(every) == 2


def test_model_without_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="Flatten has no parameters that want a gradient: there is nothing to train"):
        build_optimizer(SGD(), nn.Flatten())


def test_weight_decay_ends_at_the_ridge_solution() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(30, 1, generator=generator, dtype=torch.float64) + 2
    model = nn.Linear(3, 1).double()
    decay = 0.3
    optimizer = build_optimizer(SGD(learning_rate=0.1, weight_decay=decay), model)
    for _ in range(2000):
        optimizer.zero_grad()
        (0.5 * (model(x) - y).square().mean()).backward()
        optimizer.step()
    # The minimum of ½ mean (xw + b - y)² + ½λ|w|² with b free: centred normal equations.
    centred, target = (x - x.mean(0)).numpy(), (y - y.mean(0)).numpy()
    w = np.linalg.solve(centred.T @ centred / 30 + decay * np.eye(3), centred.T @ target / 30)
    np.testing.assert_allclose(model.weight.detach().numpy(), w.T, rtol=1e-8)
    np.testing.assert_allclose(model.bias.item(), (y.numpy() - x.numpy() @ w).mean(), rtol=1e-8)


def sgd(w: float, g: float, s: dict[str, float], t: int) -> float:
    s["v"] = 0.8 * s.get("v", 0.0) + g + 0.1 * w if t > 1 else g + 0.1 * w
    return w - 0.05 * (g + 0.1 * w + 0.8 * s["v"])


def plain_sgd(w: float, g: float, s: dict[str, float], t: int) -> float:
    return w - 0.05 * g


def adam(w: float, g: float, s: dict[str, float], t: int) -> float:
    s["m"] = 0.7 * s.get("m", 0.0) + 0.3 * g
    s["v"] = 0.9 * s.get("v", 0.0) + 0.1 * g * g
    return w - 0.05 * (s["m"] / (1 - 0.7**t)) / ((s["v"] / (1 - 0.9**t)) ** 0.5 + 1e-3)


def adamw(w: float, g: float, s: dict[str, float], t: int) -> float:
    return adam(w, g, s, t) - 0.05 * 0.1 * w


def rmsprop(w: float, g: float, s: dict[str, float], t: int) -> float:
    s["v"] = 0.9 * s.get("v", 0.0) + 0.1 * g * g
    s["b"] = 0.5 * s.get("b", 0.0) + g / (s["v"] ** 0.5 + 1e-3)
    return w - 0.05 * s["b"]


BY_HAND: list[tuple[Optimizer, Callable[[float, float, dict[str, float], int], float]]] = [
    (SGD(learning_rate=0.05, momentum=0.8, weight_decay=0.1), sgd),
    (SGD(learning_rate=0.05, momentum=0.0, weight_decay=0.0), plain_sgd),
    (Adam(learning_rate=0.05, betas=(0.7, 0.9), epsilon=1e-3), adam),
    (AdamW(learning_rate=0.05, betas=(0.7, 0.9), epsilon=1e-3, weight_decay=0.1), adamw),
    (RMSprop(learning_rate=0.05, smoothing=0.9, momentum=0.5, epsilon=1e-3), rmsprop),
]


@pytest.mark.parametrize(("recipe", "by_hand"), BY_HAND, ids=lambda value: getattr(value, "__name__", ""))
def test_steps_are_those_of_the_formula(recipe: Optimizer, by_hand: Callable[..., float]) -> None:
    model = nn.Linear(1, 1, bias=False).double()
    optimizer = build_optimizer(recipe, model)
    w, state = model.weight.item(), {}  # type: ignore[var-annotated]
    for t in range(1, 8):
        optimizer.zero_grad()
        (model.weight.cos() * t).sum().backward()
        optimizer.step()
        w = by_hand(w, -float(np.sin(w)) * t, state, t)
        assert model.weight.item() == pytest.approx(w, rel=1e-9)


@pytest.mark.parametrize("kind", OPTIMIZERS.values())
def test_every_optimizer_lowers_a_loss(kind: type[Optimizer]) -> None:
    torch.manual_seed(0)
    model, x = nn.Linear(4, 1), torch.randn(16, 4)

    def loss() -> Tensor:
        return (model(x) - x.sum(1, keepdim=True)).square().mean()

    optimizer, before = build_optimizer(kind(learning_rate=0.01), model), loss().item()
    for _ in range(20):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().item() < before

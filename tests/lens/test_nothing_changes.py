"""Training with every lens on is the same, bit for bit, as training with none."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from lens_cases import CASES, Case, cross_entropy
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import LBFGS, SGD, Adam, AdamW, Optimizer

from shinso.lens import ActivationHealth, GradientFlow, Lens, Need, Reading, Step, UpdateRatio, watch


class SeesEverything:
    """A lens that asks for all there is."""

    name = "everything"
    needs = frozenset(Need)

    def read(self, step: Step) -> dict[str, Reading]:
        outputs = [output.float().square().mean() for layer in step.activations.values() for output in layer]
        weights = [w.norm() for w in (*step.parameters_before.values(), *step.parameters_after.values())]
        gradients = [g.norm() for g in step.gradients.values() if g is not None]
        weights += [gradient.norm() for gradient in step.probe.gradient().values()]
        return {"everything": Reading(torch.stack([*outputs, *weights, *gradients]))}


LENSES: dict[str, list[Lens]] = {
    "gradient_flow": [GradientFlow()],
    "activation_health": [ActivationHealth()],
    "update_ratio": [UpdateRatio()],
    "everything": [SeesEverything()],
    "all_together": [GradientFlow(), ActivationHealth(), UpdateRatio(), SeesEverything()],
}

Body = Callable[[nn.Module, Optimizer, Case], None]


def plain(model: nn.Module, optimizer: Optimizer, case: Case) -> None:
    cross_entropy(model, case.inputs()).backward()
    optimizer.step()
    optimizer.zero_grad()


def zeroed_in_place(model: nn.Module, optimizer: Optimizer, case: Case) -> None:
    optimizer.zero_grad(set_to_none=False)
    cross_entropy(model, case.inputs()).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()


def under_autocast(model: nn.Module, optimizer: Optimizer, case: Case) -> None:
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        loss = cross_entropy(model, case.inputs())
    loss.backward()
    optimizer.step()


def accumulating(model: nn.Module, optimizer: Optimizer, case: Case) -> None:
    for _ in range(3):
        (cross_entropy(model, case.inputs()) / 3).backward()
    optimizer.step()
    optimizer.zero_grad()


def twice(model: nn.Module, optimizer: Optimizer, case: Case) -> None:
    for _ in range(2):
        plain(model, optimizer, case)


def with_closure(model: nn.Module, optimizer: Optimizer, case: Case) -> None:
    inputs = case.inputs()

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(model, inputs)
        loss.backward()
        return loss

    optimizer.step(closure)


def never_stepping(model: nn.Module, optimizer: Optimizer, case: Case) -> None:
    cross_entropy(model, case.inputs()).backward()


def recomputing(model: nn.Module, optimizer: Optimizer, case: Case) -> None:
    def loss_of(inputs: Tensor) -> Tensor:
        return cross_entropy(model, inputs)

    optimizer.zero_grad()
    torch.utils.checkpoint.checkpoint(loss_of, case.inputs(), use_reentrant=False).backward()
    optimizer.step()


def sgd(model: nn.Module) -> Optimizer:
    return SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)


def adamw(model: nn.Module) -> Optimizer:
    return AdamW(model.parameters(), lr=1e-2)


@dataclass(frozen=True)
class Training:
    """All that training leaves behind."""

    tensors: dict[str, Tensor | None]
    random_state: tuple[Any, ...]


def _tensors(name: str, value: Any) -> Iterator[tuple[str, Tensor | None]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _tensors(f"{name}.{key}", item)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _tensors(f"{name}.{place}", item)
    elif isinstance(value, Tensor):
        yield name, value.detach().clone()


def trained(
    case: Case, body: Body, optimizer_of: Callable[[nn.Module], Optimizer], lenses: list[Lens] | None, steps: int = 3
) -> Training:
    """Everything after a few steps, under a watch that is due at each of them, or under none."""
    np.random.seed(3)
    torch.manual_seed(3)
    model = case.build()
    optimizer = optimizer_of(model)
    watching = watch(model, optimizer, lenses, every=1, loss=F.cross_entropy) if lenses else None
    with torch.random.fork_rng():
        inputs, targets = case.inputs(), torch.randint(4, (6,))
    for _ in range(steps):
        with watching.step(inputs, targets) if watching else nullcontext():
            body(model, optimizer, case)
    gradients = {name: p.grad for name, p in model.named_parameters()}
    tensors = {"model": model.state_dict(), "gradients": gradients, "optimizer": optimizer.state_dict()}
    if watching:
        watching.close()
        assert watching.record.names(), "nothing was watched"
    state = (np.random.get_state(legacy=False)["state"]["key"].tolist(), torch.get_rng_state().tolist())
    return Training(dict(_tensors("", tensors)), state)


def assert_same(watched: Training, alone: Training) -> None:
    assert watched.tensors.keys() == alone.tensors.keys()
    different = [n for n, t in alone.tensors.items() if not torch.equal(_bits(watched.tensors[n]), _bits(t))]
    assert different == []
    assert watched.random_state == alone.random_state


def _bits(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor.contiguous().reshape(-1).view(torch.uint8) if tensor.numel() else tensor


@pytest.mark.parametrize("lenses", LENSES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_lens_leaves_every_kind_of_network_as_it_is(case: Case, lenses: str) -> None:
    assert_same(trained(case, plain, sgd, LENSES[lenses]), trained(case, plain, sgd, None))


BODIES = (zeroed_in_place, under_autocast, accumulating, twice, with_closure, recomputing)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_however_the_step_is_written(case: Case, body: Body) -> None:
    assert_same(trained(case, body, adamw, LENSES["all_together"]), trained(case, body, adamw, None))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients_of_a_step_without_update_stay(case: Case) -> None:
    lenses: list[Lens] = [GradientFlow(), ActivationHealth(), UpdateRatio()]
    assert_same(trained(case, never_stepping, sgd, lenses), trained(case, never_stepping, sgd, None))


def lbfgs(model: nn.Module) -> Optimizer:
    return LBFGS(model.parameters(), max_iter=3, line_search_fn="strong_wolfe")


def fused(model: nn.Module) -> Optimizer:
    return Adam(model.parameters(), lr=1e-2, fused=True)


@pytest.mark.parametrize("optimizer", [lbfgs, fused], ids=["lbfgs", "fused"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whatever_the_optimizer(case: Case, optimizer: Callable[[nn.Module], Optimizer]) -> None:
    lenses = LENSES["all_together"]
    assert_same(trained(case, with_closure, optimizer, lenses), trained(case, with_closure, optimizer, None))


def test_gradients_stay_the_same_objects() -> None:
    case = CASES[0]
    model = case.build()
    optimizer = SGD(model.parameters(), lr=0.1)
    cross_entropy(model, case.inputs()).backward()
    before = [p.grad for p in model.parameters()]
    watching = watch(model, optimizer, LENSES["all_together"], every=1, loss=F.cross_entropy)
    with watching.step(torch.ones(6, 5), torch.zeros(6, dtype=torch.long)):
        cross_entropy(model, case.inputs()).backward()
        optimizer.step()
    assert all(p.grad is gradient for p, gradient in zip(model.parameters(), before, strict=True))


def test_the_random_state_of_python_stays() -> None:
    # In a process of its own, because the check of signatures that tests switch on draws random numbers itself.
    script = """
import random, torch, shinso
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
state = random.getstate()
with shinso.watch(model, optimizer) as watch:
    with watch.step():
        model(torch.ones(2, 3)).sum().backward()
        optimizer.step()
assert len(watch.record.names()) > 5
assert random.getstate() == state
"""
    subprocess.run([sys.executable, "-c", script], check=True)

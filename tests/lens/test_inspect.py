"""Lenses on a model at rest."""

import pytest
import torch
from lens_cases import CASES, Case
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import ActivationHealth, GradientFlow, UpdateRatio, inspect


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_reads_what_the_model_does_in_eval_mode_and_leaves_it_as_it_was(case: Case) -> None:
    model, inputs, targets = case.build(), case.inputs(), torch.arange(6) % 4
    model.train()
    next(model.children()).eval()
    modes = [module.training for module in model.modules()]
    kept = torch.ones_like(next(model.parameters()))
    next(model.parameters()).grad = kept
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    readings = inspect(model, F.cross_entropy, inputs, targets, [GradientFlow(), ActivationHealth()])
    assert [module.training for module in model.modules()] == modes
    assert next(model.parameters()).grad is kept
    assert torch.equal(kept, torch.ones_like(kept))
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    model.eval().zero_grad()
    F.cross_entropy(model(inputs), targets).backward()
    expected = torch.stack([parameter.grad.norm() for parameter in model.parameters()])  # type: ignore[union-attr]
    torch.testing.assert_close(readings["gradient_norm"].values, expected)
    assert "activation/mean" in readings


def test_what_only_training_shows_is_refused() -> None:
    with pytest.raises(ValueError, match="the lens 'update_ratio' reads what a step changed: use it with watch"):
        inspect(nn.Linear(2, 1), F.mse_loss, torch.ones(1, 2), torch.ones(1, 1), [UpdateRatio()])


def test_a_model_that_fails_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(2, 1))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        inspect(model, F.mse_loss, torch.ones(1, 3), torch.ones(1, 1), [GradientFlow()])
    assert model.training

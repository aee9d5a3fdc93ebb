"""Lenses on a model at rest."""

from typing import Any

import pytest
import torch
from lens_cases import CASES, Case
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import ActivationHealth, GradientFlow, UpdateRatio, inspect
from shinso.lens.adversarial import Robustness
from shinso.lens.features import input_gradient


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


class Restless(nn.Module):
    """Counts its calls in one buffer, puts another in the place of a second, and draws numbers in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(3, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        outputs = self.linear(inputs)
        self.last = outputs.detach()
        return outputs + torch.randn_like(outputs)


def test_buffers_and_random_state_stay_also_of_a_model_that_changes_them_in_eval_mode() -> None:
    model, random_state = Restless(), torch.get_rng_state()
    buffers = dict(model.named_buffers())
    for _ in range(2):
        inspect(model, F.mse_loss, torch.ones(3, 2), torch.ones(3, 1), [GradientFlow()])
        assert torch.equal(torch.get_rng_state(), random_state)
        assert all(buffer is buffers[name] for name, buffer in model.named_buffers())
        assert not model.calls.any()
        assert not model.last.any()


def test_a_graph_of_the_callers_is_not_broken() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).eval()
    outputs = model(torch.rand(4, 2))
    inspect(model, F.mse_loss, torch.ones(4, 2), torch.ones(4, 3), [GradientFlow()])
    outputs.sum().backward()


def test_a_frozen_model_can_be_looked_into() -> None:
    model = nn.Linear(3, 2).requires_grad_(False)
    inputs, targets = torch.randn(5, 3), torch.arange(5) % 2
    readings = inspect(model, F.cross_entropy, inputs, targets, [Robustness(), GradientFlow()])
    accuracy = model(inputs).argmax(1).eq(targets).float().mean().item()
    assert readings["robust_accuracy"].values[0].item() == pytest.approx(accuracy)


def test_two_lenses_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two lenses are named 'robustness', and would overwrite each other's"):
        inspect(nn.Linear(3, 2), F.cross_entropy, torch.ones(2, 3), torch.zeros(2), [Robustness(), Robustness((0.3,))])


def test_where_no_derivative_can_be_taken_it_says_so() -> None:
    with torch.inference_mode(), pytest.raises(ValueError, match="call inspect outside of it"):
        inspect(nn.Linear(3, 2), F.mse_loss, torch.ones(2, 3), torch.zeros(2, 2), [GradientFlow()])


class WithoutCudnn(nn.LSTM):
    """Notes whether cuDNN would run it, which cannot differentiate recurrent layers in eval mode."""

    def forward(self, *arguments: Any) -> Any:
        self.seen = torch.backends.cudnn.enabled
        return super().forward(*arguments)[0]


def test_recurrent_layers_are_run_without_cudnn() -> None:
    model, before = WithoutCudnn(2, 3), torch.backends.cudnn.enabled
    inspect(model, F.mse_loss, torch.ones(4, 1, 2), torch.ones(4, 1, 3), [GradientFlow()])
    assert not model.seen
    model.seen = True
    input_gradient(model, torch.ones(4, 1, 2), lambda outputs: outputs.sum((1, 2)))
    assert not model.seen
    assert torch.backends.cudnn.enabled == before

"""The three sets on training of every kind of network."""

from contextlib import nullcontext

import pytest
import torch
from lens_cases import CASES, Case, cross_entropy
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Lens, Probe, watch
from shinso.lens.sets import LENSES, Distance, TrainingLoss, business, economy, full_set, rough_trace

QUANTITIES = {
    "loss", "gradient_norm", "gradient_noise/variance", "gradient_noise/squared_gradient",
    "gradient_noise/simple_scale", "distance_from_start", "distance_from_start/by_parameter", "update_size",
    "update_size/by_parameter", "alpha", "gradient_test/norm", "gradient_test/inner_product",
    "gradient_test/orthogonality", "gradient_histogram/share", "gradient_histogram/error",
}  # fmt: skip
MORE = {"hessian/trace", "hessian/trace_error", "takeuchi/diagonal", "takeuchi/trace"}
MOST = {"hessian/top_eigenvalue", "hessian/top_eigenvalue_error", "gradient_parameter_histogram/share"}


def after_training(case: Case, lenses: tuple[Lens, ...]) -> tuple[dict[str, Tensor], Tensor, tuple[str, ...]]:
    torch.manual_seed(1)
    model = case.build()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    watching = watch(model, optimizer, lenses, every=1, loss=F.cross_entropy) if lenses else None
    with torch.random.fork_rng():
        inputs = case.inputs()
    for _ in range(3):
        with watching.step(inputs, torch.zeros(6, dtype=torch.long)) if watching else nullcontext():
            optimizer.zero_grad()
            cross_entropy(model, case.inputs()).backward()
            optimizer.step()
    if watching:
        watching.close()
    return model.state_dict(), torch.get_rng_state(), watching.record.names() if watching else ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_is_bit_for_bit_as_without(case: Case) -> None:
    watched, alone = after_training(case, full_set()), after_training(case, ())
    assert all(torch.equal(watched[0][name], tensor) for name, tensor in alone[0].items())
    assert torch.equal(watched[1], alone[1])
    assert set(watched[2]) == QUANTITIES | MORE | MOST


def test_a_loss_that_draws_numbers_draws_the_same_ones() -> None:
    def noisy(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs + 0.1 * torch.randn_like(outputs), targets)

    def weights(lenses: tuple[Lens, ...]) -> Tensor:
        torch.manual_seed(0)
        model, inputs, targets = nn.Linear(4, 3), torch.randn(12, 4), torch.arange(12) % 3
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with watch(model, optimizer, lenses, every=1, loss=noisy) as watching:
            for _ in range(3):
                with watching.step(inputs, targets):
                    optimizer.zero_grad()
                    noisy(model(inputs), targets).backward()
                    optimizer.step()
        return model.weight.detach()

    assert torch.equal(weights(full_set()), weights(()))


def test_each_set_has_what_it_names() -> None:
    case = CASES[0]
    assert set(after_training(case, economy())[2]) == QUANTITIES
    assert set(after_training(case, business())[2]) == QUANTITIES | MORE


def test_every_lens_can_be_made_and_is_named_as_it_is_listed() -> None:
    assert [entry.make().name for entry in LENSES.values()] == list(LENSES)


def step_of(model: nn.Module, lenses: list[Lens], parts: int = 1) -> dict[str, list[float]]:
    """Readings of one step of plain descent with rate 0.1 on a batch of ones."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs, targets = torch.ones(4, 2), torch.zeros(4, 1)
    with watch(model, optimizer, lenses, every=1, loss=F.mse_loss) as watching, watching.step(inputs, targets):
        optimizer.zero_grad()
        for _ in range(parts):
            (F.mse_loss(model(inputs), targets) / parts).backward()
        optimizer.step()
    return {name: watching.readings(name).values.tolist() for name in watching.record.names()}


def ones() -> nn.Module:
    model = nn.Linear(2, 1, bias=False)
    nn.init.ones_(model.weight)
    return model


@pytest.mark.parametrize("parts", [1, 2])
def test_the_loss_is_that_before_the_step(parts: int) -> None:
    assert step_of(ones(), [TrainingLoss()], parts)["loss"] == [4.0]


def test_distances_in_closed_form() -> None:
    # The loss is (w·1)², its gradient 2 (w·1) = 4 in both entries: w goes from 1 to 0.6, and then to 0.36.
    model, lens = ones(), Distance()
    first, second = step_of(model, [lens]), step_of(model, [lens])
    assert first["update_size"] == pytest.approx([0.4 * 2**0.5])
    assert first["distance_from_start/by_parameter"][0] == pytest.approx([0.4 * 2**0.5])
    assert second["update_size"] == pytest.approx([0.24 * 2**0.5])
    assert second["distance_from_start"] == pytest.approx([0.64 * 2**0.5])


def test_a_lens_that_holds_another_start_says_so() -> None:
    lens = Distance()
    step_of(ones(), [lens])
    with pytest.raises(ValueError, match="another model: make a new Distance"):
        step_of(nn.Linear(2, 1), [lens])


class Spectral(nn.Module):
    """A layer with complex weights, as in Fourier neural operators."""

    def __init__(self) -> None:
        super().__init__()
        self.weights, self.layer = nn.Parameter(torch.randn(5, dtype=torch.cfloat)), nn.Linear(8, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(torch.fft.irfft(torch.fft.rfft(inputs) * self.weights, n=8))


def test_complex_parameters_do_not_end_a_training_under_a_battery() -> None:
    model, inputs, targets = Spectral(), torch.randn(6, 8), torch.randn(6, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, "full", every=1, loss=F.mse_loss) as watching, watching.step(inputs, targets):
        F.mse_loss(model(inputs), targets).backward()
        optimizer.step()
    assert watching.readings("gradient_norm").labels == ("weights", "layer.weight", "layer.bias")
    assert watching.readings("per_sample/variance").labels == ("layer.weight", "layer.bias")
    assert "hessian/trace" not in watching.record.names()
    with pytest.raises(ValueError, match=r"real parameters; 'weights' is torch\.complex64"):
        rough_trace(Probe(model, F.mse_loss, inputs, targets), 1, 6, torch.Generator())

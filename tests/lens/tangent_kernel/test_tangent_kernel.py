"""The tangent kernel against dense Jacobians, the kernel of infinite width, and models that are linear."""

import math

import pytest
import torch
from lens_cases import CASES, Case
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.func import functional_call, jacrev
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import Lens, Probe, inspect, watch
from shinso.lens.tangent_kernel import (
    TangentKernel,
    draw_convergence,
    gradient_descent,
    kernel_spectrum,
    lazy_training,
    linearized_descent,
    linearized_outputs,
    predicted_convergence,
    tangent_kernel,
    target_alignment,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inputs_of(case: Case) -> Tensor:
    inputs = case.inputs()
    return inputs.double() if inputs.is_floating_point() else inputs


def dense_kernel(model: nn.Module, inputs: Tensor) -> Tensor:
    buffers = dict(model.named_buffers())
    jacobian = jacrev(lambda at: functional_call(model, {**at, **buffers}, (inputs,)))(dict(model.named_parameters()))
    flat = torch.cat([part.flatten(2) for part in jacobian.values()], dim=2).detach()
    return torch.einsum("iap,jbp->iajb", flat, flat)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("at_once", [1, 5, 100])
def test_it_is_the_jacobian_times_itself(case: Case, at_once: int) -> None:
    torch.manual_seed(0)
    model = case.build().double().eval()
    probe = Probe(model, F.cross_entropy, inputs_of(case), torch.arange(6) % 4)
    found = tangent_kernel(probe, at_once=at_once)
    torch.testing.assert_close(found, dense_kernel(model, probe.inputs), rtol=1e-9, atol=1e-12)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_in_training_mode_normalization_couples_the_examples() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).double()
    inputs = torch.randn(5, 3).double()
    found = tangent_kernel(Probe(model, F.cross_entropy, inputs, torch.arange(5) % 2))
    assert model[1].num_batches_tracked == 0
    twin = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.ReLU(), nn.Linear(4, 2))
    twin.double().load_state_dict(model.state_dict(), strict=False)
    torch.testing.assert_close(found, dense_kernel(twin, inputs), rtol=1e-9, atol=1e-12)


def test_frozen_unused_and_tied_parameters() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.unused = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(2, 2)
            self.two.weight = self.one.weight
            self.one.bias.requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            return self.two(torch.tanh(self.one(x)))

    torch.manual_seed(0)
    model = Tied().double()
    inputs = torch.randn(4, 3).double()
    trained = {"one.weight": model.one.weight, "two.bias": model.two.bias}

    def run(at: dict[str, Tensor]) -> Tensor:
        hidden = torch.tanh(inputs @ at["one.weight"].T + model.one.bias)
        return hidden @ at["one.weight"].T + at["two.bias"]

    flat = torch.cat([part.flatten(2) for part in jacrev(run)(trained).values()], dim=2).detach()
    found = tangent_kernel(Probe(model, F.mse_loss, inputs, inputs))
    torch.testing.assert_close(found, torch.einsum("iap,jbp->iajb", flat, flat))


class TwoLayer(nn.Module):
    """In the parametrization of Jacot et al.: 1/√m Σ aᵣ relu(wᵣᵀ x), only w is trained (Du et al. 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, 3, generator=generator(1), dtype=torch.float64))
        self.register_buffer("signs", torch.randn(width, generator=generator(2), dtype=torch.float64).sign())

    def forward(self, x: Tensor) -> Tensor:
        return (F.relu(x @ self.weight.T) @ self.signs / math.sqrt(len(self.weight)))[:, None]


def test_at_great_width_it_is_the_arc_cosine_kernel_and_its_least_eigenvalue_stays_above_zero() -> None:
    x = F.normalize(torch.randn(6, 3, generator=generator(0), dtype=torch.float64))
    cosines = (x @ x.T).clamp(-1, 1)
    expected = cosines * (math.pi - cosines.acos()) / (2 * math.pi)  # Du et al. 2019, assumption 3.1
    kernels = [tangent_kernel(Probe(TwoLayer(m), F.mse_loss, x, x[:, :1])).reshape(6, 6) for m in (50, 50_000)]
    errors = [(kernel - expected).norm().item() for kernel in kernels]
    assert errors[1] < 0.02 < errors[0]
    least = kernel_spectrum(kernels[1].reshape(6, 1, 6, 1))[-1].item()
    assert least == pytest.approx(torch.linalg.eigvalsh(expected)[0].item(), abs=0.01)
    assert least > 0


def linear_probe() -> Probe:
    torch.manual_seed(1)
    x, y = torch.randn(7, 4, generator=generator(3)).double(), torch.randn(7, 2, generator=generator(4)).double()
    return Probe(nn.Linear(4, 2).double(), F.mse_loss, x, y)


def test_for_a_linear_model_the_prediction_is_exact() -> None:
    probe = linear_probe()
    prediction = predicted_convergence(probe)
    rate = 0.7 * prediction.greatest_learning_rate
    measured = gradient_descent(probe, rate, 30)
    torch.testing.assert_close(prediction.descent(rate, 30), measured.losses)
    torch.testing.assert_close(linearized_descent(probe, rate, 30), measured.losses)
    torch.testing.assert_close(linearized_outputs(probe, measured.parameters), probe.outputs(measured.parameters))
    assert lazy_training(probe, measured.parameters).kernel_distance == pytest.approx(0, abs=1e-12)
    # Gradient flow is the limit of small steps.
    small = gradient_descent(probe, 1e-3, 500).losses
    torch.testing.assert_close(prediction.flow(1e-3 * torch.arange(501)), small, rtol=5e-3, atol=0)
    diverging = gradient_descent(probe, 1.02 * prediction.greatest_learning_rate, 300).losses
    assert diverging[-1] > diverging[0]


def test_linear_convergence_no_slower_than_the_least_eigenvalue() -> None:
    x = F.normalize(torch.randn(6, 3, generator=generator(0), dtype=torch.float64))
    probe = Probe(TwoLayer(4000), F.mse_loss, x, torch.randn(6, 1, generator=generator(5), dtype=torch.float64))
    prediction = predicted_convergence(probe)
    rate = 0.3 * prediction.greatest_learning_rate
    measured = gradient_descent(probe, rate, 60)
    torch.testing.assert_close(prediction.descent(rate, 60), measured.losses, rtol=0, atol=0.005)
    assert measured.losses[0] > 0.2
    times = rate * torch.arange(61)
    assert (measured.losses <= 1.02 * measured.losses[0] * torch.exp(-prediction.rates[-1] * times)).all()


def test_a_wide_network_is_lazier_than_a_narrow_one() -> None:
    x = F.normalize(torch.randn(6, 3, generator=generator(0), dtype=torch.float64))
    y = torch.randn(6, 1, generator=generator(5), dtype=torch.float64)
    found = []
    for width in (10, 5000):
        probe = Probe(TwoLayer(width), F.mse_loss, x, y)
        found.append(lazy_training(probe, gradient_descent(probe, 1.0, 40).parameters))
    narrow, wide = found
    assert all(far > 3 * near for far, near in zip(narrow, wide, strict=True))


def test_cross_entropy_is_linearized_too() -> None:
    torch.manual_seed(2)
    inputs, targets = torch.randn(6, 3).double(), torch.arange(6) % 4
    probe = Probe(nn.Linear(3, 4).double(), F.cross_entropy, inputs, targets)
    torch.testing.assert_close(linearized_descent(probe, 0.5, 20), gradient_descent(probe, 0.5, 20).losses)


def test_alignment_is_one_for_the_targets_own_kernel() -> None:
    targets = F.one_hot(torch.arange(9) % 3).double()
    assert target_alignment((targets @ targets.T)[:, None, :, None], targets).item() == pytest.approx(1)
    other = torch.randn(9, 1, generator=generator()).double()
    centred, wanted = other - other.mean(), targets - targets.mean(0)
    expected = (wanted.T @ centred).square().sum() / (centred.square().sum() * (wanted @ wanted.T).norm())
    assert target_alignment((other @ other.T)[:, None, :, None], targets).item() == pytest.approx(expected.item())


def trained(case: Case, lenses: list[Lens]) -> tuple[list[Tensor], Tensor]:
    torch.manual_seed(5)
    model = case.build()
    optimizer = SGD(model.parameters(), lr=0.1)
    inputs, targets = case.inputs(), torch.arange(6) % 4
    watching = watch(model, optimizer, lenses, every=1, loss=F.cross_entropy)
    for _ in range(3):
        with watching.step(inputs, targets):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    watching.close()
    assert len(watching.record.names()) == 4 * len(lenses)
    return [*model.state_dict().values(), *(p.grad for p in model.parameters())], torch.get_rng_state()  # type: ignore[misc]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_stays_as_it_is(case: Case) -> None:
    (state, random_state), (alone, random_alone) = trained(case, [TangentKernel(examples=3)]), trained(case, [])
    assert all(torch.equal(a, b) for a, b in zip(state, alone, strict=True))
    assert torch.equal(random_state, random_alone)


def test_the_lens_reads_the_kernel_of_the_first_examples() -> None:
    probe = linear_probe()
    readings = inspect(probe.model, F.mse_loss, probe.inputs, probe.targets, [TangentKernel(examples=5)])
    kernel = tangent_kernel(probe.on(probe.inputs[:5], probe.targets[:5]))
    values = torch.linalg.eigvalsh(kernel.reshape(10, 10))
    assert readings["tangent_kernel/greatest"].values.item() == pytest.approx(values[-1].item())
    assert readings["tangent_kernel/least"].values.item() == pytest.approx(values[0].item())
    assert readings["tangent_kernel/trace"].values.item() == pytest.approx(values.sum().item())
    assert readings["tangent_kernel/alignment"].values == target_alignment(kernel, probe.targets[:5])


def test_what_has_no_kernel_is_said() -> None:
    class Pair(nn.Linear):
        def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
            return super().forward(input), input

    inputs = torch.ones(2, 3)
    with pytest.raises(TypeError, match="the model gives tuple: wrap it in a module that returns the part you mean"):
        tangent_kernel(Probe(Pair(3, 1), F.mse_loss, inputs, inputs))
    with pytest.raises(ValueError, match="no output of Linear depends on a trained parameter: unfreeze one"):
        tangent_kernel(Probe(nn.Linear(3, 1).requires_grad_(False), F.mse_loss, inputs, inputs))
    with pytest.raises(ValueError, match=r"of shape \(2, 1\), are empty or not finite"):
        tangent_kernel(Probe(nn.Linear(3, 1), F.mse_loss, inputs * float("nan"), inputs))
    with pytest.raises(ValueError, match=r"targets shaped like the outputs, \(2, 4\); got \(2,\)"):
        predicted_convergence(Probe(nn.Linear(3, 4), F.cross_entropy, inputs, torch.tensor([0, 1])))
    with pytest.raises(
        ValueError, match=r"predicted for the mean squared error, here .*use torch\.nn\.functional\.mse_loss"
    ):
        predicted_convergence(Probe(nn.Linear(3, 1), F.l1_loss, inputs, torch.ones(2, 1)))
    with pytest.raises(KeyError, match="'wieght' is no trained parameter; there are weight, bias"):
        linearized_outputs(Probe(nn.Linear(3, 1), F.mse_loss, inputs, inputs), {"wieght": inputs})


def test_the_picture_shows_measured_and_predicted() -> None:
    probe = linear_probe()
    prediction = predicted_convergence(probe)
    rate = 0.5 * prediction.greatest_learning_rate
    figure = Figure()
    draw_convergence(prediction, gradient_descent(probe, rate, 10).losses, rate, figure)
    figure.draw_without_rendering()
    measured, predicted = figure.axes[1].get_lines()[:2]
    assert [measured.get_label(), predicted.get_label()] == ["measured", "predicted, by steps"]
    torch.testing.assert_close(torch.tensor(measured.get_ydata()), torch.tensor(predicted.get_ydata()))


def test_a_kernel_of_zeros_allows_any_learning_rate() -> None:
    prediction = predicted_convergence(
        Probe(nn.Linear(2, 1, bias=False), F.mse_loss, torch.zeros(3, 2), torch.ones(3, 1))
    )
    assert prediction.greatest_learning_rate == math.inf
    assert prediction.flow(torch.tensor([0.0, 5.0])).tolist() == pytest.approx([1.0, 1.0])

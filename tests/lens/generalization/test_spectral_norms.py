"""Spectral norms and spectral complexity against matrices that are written out."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from generalization_cases import ResidualSum, batch
from torch import Tensor, nn
from torch.func import jacrev
from torch.nn.utils import spectral_norm as older_spectral_norm
from torch.nn.utils import weight_norm as older_weight_norm
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from shinso.lens.generalization import margins, normalized_margins, spectral_complexity, spectral_norms


def matrix_of(layer: nn.Module, *shape: int) -> np.ndarray:
    """The layer's derivative, which is its matrix, by torch.func."""
    layer = layer.double().eval()
    zeros = torch.zeros(1, *shape, dtype=torch.float64)
    found = jacrev(layer)(zeros).detach()
    return found.reshape(-1, zeros.numel()).numpy()


LAYERS = {
    "linear": (nn.Linear(7, 4), (7,)),
    "large_linear": (nn.Linear(600, 520), (600,)),
    "linear_at_positions": (nn.Linear(3, 4), (5, 3)),
    "convolution": (nn.Conv2d(2, 3, 3, padding=1), (2, 7, 6)),
    "strided": (nn.Conv2d(3, 5, 3, stride=2), (3, 9, 9)),
    "circular": (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 8, 8)),
    "reflected": (nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (2, 8, 8)),
    "depthwise": (nn.Conv2d(4, 4, 3, groups=4, bias=False), (4, 8, 8)),
    "one_output": (nn.Conv1d(2, 1, 5), (2, 5)),
    "transposed": (nn.ConvTranspose2d(3, 2, 3, stride=2), (3, 5, 5)),
    "three_dimensional": (nn.Conv3d(1, 2, 2), (1, 5, 5, 5)),
    "batch_norm": (nn.BatchNorm2d(3), (3, 4, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_it_is_the_largest_singular_value_of_the_operator(name: str) -> None:
    layer, shape = LAYERS[name]
    torch.manual_seed(1)
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_var = torch.tensor([0.5, 2.0, 3.0])
    found = spectral_norms(nn.Sequential(layer), torch.zeros(2, *shape, dtype=layer.weight.dtype))
    assert found == {"0": pytest.approx(np.linalg.svd(matrix_of(layer, *shape), compute_uv=False)[0], rel=2e-6)}


def test_it_is_not_that_of_the_reshaped_kernel() -> None:
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.ones_(layer.weight)
    assert spectral_norms(layer, torch.zeros(1, 1, 16, 16))[""] > 8.5  # near 9, where the kernel's own norm is 3


def chain() -> nn.Sequential:
    torch.manual_seed(2)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(3, 2, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(2, 3),
    )  # fmt: skip
    model[1].running_var = torch.tensor([0.5, 2.0, 3.0])
    return model


SHAPES = {"0": (1, 6, 6), "1": (3, 6, 6), "4": (3, 3, 3), "7": (2,)}


@pytest.mark.parametrize("with_reference", [False, True])
def test_spectral_complexity_is_the_formula_on_written_out_matrices(with_reference: bool) -> None:
    model, reference = chain(), chain()
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5))
    matrices = {name: matrix_of(model.get_submodule(name), *shape) for name, shape in SHAPES.items()}
    product, total = 1.0, 0.0
    for name, matrix in matrices.items():
        norm = np.linalg.norm(matrix, 2)
        start = matrix_of(reference.get_submodule(name), *SHAPES[name]) if with_reference else 0
        product *= norm
        total += (np.linalg.norm(matrix - start, axis=1).sum() / norm) ** (2 / 3)
    found = spectral_complexity(model, torch.zeros(2, 1, 6, 6).double(), reference if with_reference else None)
    assert found == pytest.approx(product * total**1.5, rel=1e-5)


def test_normalised_margins_do_not_change_when_a_linear_network_is_scaled() -> None:
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 3, bias=False)).double()
    inputs, targets = batch()
    before = normalized_margins(margins(model(inputs).detach(), targets), spectral_complexity(model, inputs), inputs)
    model[0].weight.data *= 10
    after = normalized_margins(margins(model(inputs).detach(), targets), spectral_complexity(model, inputs), inputs)
    torch.testing.assert_close(before, after)
    root = float(inputs.square().sum() ** 0.5)
    expected = margins(model(inputs).detach(), targets)[0] / (spectral_complexity(model, inputs) * root / 12)
    assert float(after[0]) == pytest.approx(float(expected))


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(self.layer(inputs).relu())


class Forked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return self.left(inputs), self.right(inputs)


class InnerResidual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.first(inputs).relu_()
        return hidden + self.third(self.second(hidden).relu_())


NO_CHAINS = {
    "inner_residual": (InnerResidual(), "the output depends on the input of first around"),
    "residual": (ResidualSum(), "the input of head depends on the input of the network around the layers between"),
    "shared": (Shared(), "a chain uses each layer once; layer ran 2 times"),
    "forked": (Forked(), "the input of right depends on the input of the network around"),
    "layer_norm": (nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)), "1.weight is a parameter of something else"),
}


@pytest.mark.parametrize("name", NO_CHAINS)
def test_spectral_complexity_is_refused_where_it_is_undefined(name: str) -> None:
    model, message = NO_CHAINS[name]
    with pytest.raises(ValueError, match=message):
        spectral_complexity(model, torch.ones(2, 3))


def test_other_refusals() -> None:
    with pytest.raises(ValueError, match="LSTM ran no linear layer"):
        spectral_norms(nn.LSTM(3, 2), torch.ones(2, 1, 3))
    with pytest.raises(ValueError, match="not implemented for padding_mode 'reflect'"):
        spectral_complexity(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), torch.ones(1, 1, 4, 4))


def test_residual_networks_have_norms_of_their_layers() -> None:
    model = ResidualSum()
    found = spectral_norms(model, torch.ones(2, 3))
    assert list(found) == ["first", "second", "head"]
    assert found["head"] == pytest.approx(float(torch.linalg.svdvals(model.head.weight.detach())[0]), rel=1e-5)


def test_weights_that_are_no_numbers_have_no_norm() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    nn.init.constant_(model[0].weight, float("nan"))
    assert np.isnan(spectral_norms(model, torch.ones(1, 2))["0"])


def test_a_spectral_normalisation_in_training_does_not_move_on() -> None:
    model = nn.Sequential(spectral_norm(nn.Linear(4, 6)), nn.ReLU(), nn.Linear(6, 2)).train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    spectral_norms(model, torch.ones(1, 4))
    spectral_complexity(model, torch.ones(1, 4))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.*_norm` is deprecated")
@pytest.mark.parametrize("wrap", [spectral_norm, weight_norm, older_spectral_norm, older_weight_norm])
def test_weights_that_are_computed_are_taken_as_they_are(wrap: Callable[[nn.Module], nn.Module]) -> None:
    inputs = torch.randn(1, 2, 5)
    model = nn.Sequential(wrap(nn.Conv1d(2, 3, 3)))
    model(inputs).sum().backward()
    model.eval()
    written = jacrev(lambda x: model(x).flatten())(inputs).flatten(1).detach().double()
    assert spectral_norms(model, inputs)["0"] == pytest.approx(float(torch.linalg.matrix_norm(written, 2)), rel=1e-5)
    assert spectral_complexity(model, inputs) == pytest.approx(float(written.norm(dim=1).sum()), rel=1e-5)


def test_a_circular_kernel_that_meets_itself_is_refused() -> None:
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular")
    with pytest.raises(ValueError, match=r"larger than its input of shape \(1, 2\)"):
        spectral_complexity(nn.Sequential(layer), torch.ones(1, 1, 2))
    assert spectral_complexity(nn.Sequential(layer), torch.ones(1, 1, 3)) > 0

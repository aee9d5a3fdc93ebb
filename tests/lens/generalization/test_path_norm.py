"""The path norm against paths that are walked one by one."""

import copy
import itertools
import math

import pytest
import torch
from generalization_cases import ResidualSum
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import weight_norm as older_weight_norm
from torch.nn.utils.parametrizations import weight_norm

from shinso.lens.generalization import path_norm


def walked(model: nn.Sequential, order: float) -> float:
    """Over all paths through the units of a perceptron, from an input or a bias to an output."""
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    widths = [layers[0].in_features, *(layer.out_features for layer in layers)]
    total = 0.0
    for path in itertools.product(*map(range, widths)):
        weights = [layer.weight[path[i + 1], path[i]].item() for i, layer in enumerate(layers)]
        total += math.prod(abs(weight) ** order for weight in weights)
    for start in range(len(layers)):
        for path in itertools.product(*map(range, widths[start + 1 :])):
            weights = [layers[start].bias[path[0]].item()]
            weights += [layers[start + i].weight[path[i], path[i - 1]].item() for i in range(1, len(path))]
            total += math.prod(abs(weight) ** order for weight in weights)
    return total ** (1 / order)


def perceptron(*widths: int) -> nn.Sequential:
    layers = [[nn.Linear(a, b), nn.ReLU()] for a, b in itertools.pairwise(widths)]
    return nn.Sequential(*itertools.chain(*layers))[:-1]


@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.sampled_from([1.0, 2.0, 1.5]))
@settings(max_examples=15, deadline=None)
def test_it_is_the_sum_over_all_paths(widths: list[int], order: float) -> None:
    model = perceptron(*widths)
    assert path_norm(model, torch.zeros(1, widths[0]), order) == pytest.approx(walked(model, order))


def test_residual_sums_are_more_paths() -> None:
    model = ResidualSum().double()
    first, second, head = (m.weight.detach().abs() for m in (model.first, model.second, model.head))
    biases = [m.bias.detach().abs() for m in (model.first, model.second, model.head)]
    inputs = torch.ones(3, dtype=torch.float64)
    middle = inputs + second @ (first @ inputs + biases[0]) + biases[1]
    assert path_norm(model, torch.zeros(2, 3), 1.0) == pytest.approx(float((head @ middle + biases[2]).sum()))


def test_a_convolution_is_the_sparse_layer_that_it_is() -> None:
    convolution = nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False).double()
    units = torch.eye(2 * 25, dtype=torch.float64).reshape(-1, 2, 5, 5)
    matrix = convolution(units).detach().flatten(1)
    model = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(27, 2, bias=False).double())
    expected = (matrix.square() @ model[3].weight.detach().mT.square()).sum().sqrt()
    assert path_norm(model, torch.zeros(1, 2, 5, 5)) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    "pool",
    [nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, 3, ceil_mode=True), nn.MaxPool2d(2, 1, dilation=2)],
    ids=["plain", "overlapping", "ceil_mode", "dilated"],
)
def test_every_input_of_a_maximum_is_a_path(pool: nn.MaxPool2d) -> None:
    scale = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(scale.weight, -2.0)
    places = torch.arange(49.0).reshape(1, 1, 7, 7) + 1
    expected = 0
    for place in places.flatten().tolist():  # in how many windows each input is
        alone = torch.where(places == place, 1.0, 0.0)
        expected += int((pool(alone) > 0).sum())
    assert path_norm(nn.Sequential(scale, pool), places, 1.0) == pytest.approx(2 * expected)


def test_batch_normalisation_counts_as_the_layer_it_is() -> None:
    norm = nn.BatchNorm1d(3).double()
    norm.running_mean, norm.running_var = (
        torch.tensor([1.0, -2.0, 0.5]).double(),
        torch.tensor([4.0, 0.5, 2.0]).double(),
    )
    nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    model = nn.Sequential(nn.Linear(2, 3, bias=False).double(), norm, nn.ReLU(), nn.Linear(3, 1, bias=False).double())
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    plain = nn.Sequential(nn.Linear(2, 3).double(), nn.ReLU(), model[3])
    plain[0].weight.data = (scale[:, None] * model[0].weight).detach()
    plain[0].bias.data = (norm.bias - scale * norm.running_mean).detach()
    assert path_norm(model, torch.ones(4, 2)) == pytest.approx(path_norm(plain, torch.ones(4, 2)))


def test_scaling_a_layer_up_and_the_next_down_changes_nothing() -> None:
    model = perceptron(3, 5, 2)
    before = path_norm(model, torch.ones(1, 3))
    model[0].weight.data *= 7
    model[0].bias.data *= 7
    model[2].weight.data /= 7
    assert path_norm(model, torch.ones(1, 3)) == pytest.approx(before)
    model[2].weight.data *= 2
    assert path_norm(model, torch.ones(1, 3)) > before


def test_weights_behind_a_parametrization_are_what_counts() -> None:
    plain, behind = nn.Linear(3, 2), weight_norm(nn.Linear(3, 2))
    behind.load_state_dict(weight_norm(_copy_of(plain)).state_dict())
    assert path_norm(behind, torch.ones(1, 3)) == pytest.approx(path_norm(plain, torch.ones(1, 3)))


def _copy_of(layer: nn.Linear) -> nn.Linear:
    copied = nn.Linear(3, 2)
    copied.load_state_dict(layer.state_dict())
    return copied


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(2, 1, bias=False)

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        return {"sum": self.shared(left) + self.shared(right)}


def test_inputs_and_outputs_may_be_nested_and_weights_shared() -> None:
    model = TwoInputs()
    inputs = {"left": torch.zeros(3, 2), "right": torch.zeros(3, 2)}
    expected = 2 * float(model.shared.weight.detach().double().abs().sum())
    assert path_norm(model, inputs, 1.0) == pytest.approx(expected)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.value, self.gate = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.value(inputs) * self.gate(inputs)


UNDEFINED = {
    "sigmoid": nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()),
    "gelu": nn.Sequential(nn.Linear(3, 2), nn.GELU()),
    "relu6": nn.Sequential(nn.Linear(3, 2), nn.ReLU6()),
    "softmax": nn.Sequential(nn.Linear(3, 2), nn.Softmax(-1), nn.Linear(2, 2)),
    "layer_norm": nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)),
    "gate": Gated(),
    "attention": nn.TransformerEncoderLayer(3, 1, 4, batch_first=True, dropout=0.0),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_where_it_is_undefined_it_says_so(name: str) -> None:
    inputs = torch.ones(1, 2, 3) if name == "attention" else torch.ones(1, 3)
    with pytest.raises(ValueError, match=r"is undefined: on positive numbers and weights it is no sum over paths"):
        path_norm(UNDEFINED[name], inputs)


def test_normalised_outputs_that_sum_to_zero_are_refused_whatever_the_weights() -> None:
    for seed in (18, 78, 136, 209):  # sums of 0, of rounding error, and of rounding error below zero
        torch.manual_seed(seed)
        attention = nn.TransformerEncoderLayer(3, 1, 4, batch_first=True, dropout=0.0)
        with pytest.raises(ValueError, match="of TransformerEncoderLayer is undefined"):
            path_norm(attention, torch.ones(1, 2, 3))


def test_what_is_bent_only_below_zero_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="the path norm is undefined for elu"):
        path_norm(nn.Sequential(nn.Linear(3, 2), nn.ELU()), torch.ones(1, 3))
    norm = nn.BatchNorm1d(3, track_running_stats=False)
    with pytest.raises(ValueError, match="undefined for 1: batch normalisation without running statistics"):
        path_norm(nn.Sequential(nn.Linear(3, 3), norm, nn.Linear(3, 1)), torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"undefined for inputs of type torch.int64"):
        path_norm(nn.Embedding(3, 2), torch.ones(1, 2, dtype=torch.long))
    with pytest.raises(ValueError, match=r"order of a path norm is positive .* got 0"):
        path_norm(nn.Linear(1, 1), torch.ones(1, 1), 0.0)
    with pytest.raises(ValueError, match="ReLU has no parameters"):
        path_norm(nn.ReLU(), torch.ones(1, 1))


def test_a_buffer_of_unknown_meaning_is_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].register_buffer("mask", torch.ones(2))
    with pytest.raises(ValueError, match=r"0 \(Linear\) holds buffers that may act as weights"):
        path_norm(model, torch.ones(1, 2))


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 1)).train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    path_norm(model, torch.ones(3, 2))
    assert model.training
    assert model[1].eps == 1e-5
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


def test_sums_over_windows_in_one_and_three_dimensions() -> None:
    for pool, shape in ((nn.MaxPool1d(3, 2), (1, 2, 9)), (nn.MaxPool3d(2), (1, 1, 4, 4, 4))):
        convolution = (nn.Conv1d if len(shape) == 3 else nn.Conv3d)(shape[1], shape[1], 1, groups=shape[1], bias=False)
        nn.init.ones_(convolution.weight)
        windows = F.avg_pool1d(torch.ones(shape), 3, 2).numel() * 3 if len(shape) == 3 else 64
        assert path_norm(nn.Sequential(convolution, pool), torch.ones(shape), 1.0) == pytest.approx(windows)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_a_parametrized_model_goes_on_working_and_older_weight_norm_has_the_same_paths() -> None:
    plain = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    inputs = torch.randn(2, 3)
    for wrap in (weight_norm, older_weight_norm):
        model = copy.deepcopy(plain)
        wrap(model[0])
        before = model(inputs)  # the older one leaves a weight with a graph behind
        with torch.no_grad():
            assert path_norm(model, inputs) == pytest.approx(path_norm(plain, inputs), rel=1e-6)
        assert torch.equal(model(inputs), before)

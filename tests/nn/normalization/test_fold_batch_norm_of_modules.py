"""Folding into modules: outputs stay, and what cannot be folded exactly is left alone with its reason."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from shinso.models import build
from shinso.nn.normalization import BatchNormalization, fold_batch_norm

CASES: dict[str, tuple[Callable[[], list[nn.Module]], tuple[int, ...]]] = {
    "linear": (lambda: [nn.Linear(4, 3), nn.BatchNorm1d(3)], (5, 4)),
    "conv1d": (lambda: [nn.Conv1d(4, 6, 3, padding="same"), nn.BatchNorm1d(6)], (2, 4, 7)),
    "conv2d": (lambda: [nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6)], (2, 4, 7, 6)),
    "reflected": (lambda: [nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(6)], (2, 4, 7, 6)),
    "grouped": (lambda: [nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6, affine=False)], (2, 4, 7, 6)),
    "conv3d": (lambda: [nn.Conv3d(2, 3, 2), nn.BatchNorm3d(3)], (2, 2, 4, 3, 5)),
    "transposed": (lambda: [nn.ConvTranspose2d(4, 6, 3, stride=2), nn.BatchNorm2d(6)], (2, 4, 3, 5)),
    "transposed, grouped": (lambda: [nn.ConvTranspose1d(4, 6, 3, groups=2, bias=False), nn.BatchNorm1d(6)], (2, 4, 5)),
    "transposed, 3 axes": (lambda: [nn.ConvTranspose3d(2, 4, 2, groups=2), nn.BatchNorm3d(4)], (2, 2, 3, 2, 3)),
}


def as_if_trained(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d) and module.track_running_stats:
            for tensor in (*module.parameters(), module.running_mean, module.running_var):
                nn.init.uniform_(tensor, 0.5, 2.0)
    return network.eval()


@pytest.mark.parametrize("name", CASES)
def test_the_layer_does_the_work_of_both(name: str) -> None:
    torch.manual_seed(0)
    make, shape = CASES[name]
    network = as_if_trained(nn.Sequential(*make())).double()
    state = {key: value.clone() for key, value in network.state_dict().items()}
    x = torch.randn(shape, dtype=torch.float64)
    folded = fold_batch_norm(network, x)
    assert folded.folded == {"1": "0"}
    assert not folded.kept
    assert isinstance(folded.network[1], nn.Identity)
    assert isinstance(network[1], nn.Module)
    torch.testing.assert_close(folded.network(x), network(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(folded.network[0](x), network(x), rtol=1e-12, atol=1e-12)
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in state.items())


class Elsewhere(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return self.norm(y) + y


class Twice(Elsewhere):
    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(self.conv(x)))


class NormTwice(Elsewhere):
    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.norm(self.conv(x)).relu())


class OtherName(Elsewhere):
    def __init__(self) -> None:
        super().__init__()
        self.other = self.norm

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.conv(x))


class Unused(Elsewhere):
    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class WeightElsewhere(Elsewhere):
    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)) * self.conv.weight.sum()


class Returned(Elsewhere):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.conv(x)
        return self.norm(y), y


class Subclass(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


def shared_weight() -> nn.Module:
    layers = [nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 2, 1)]
    layers[3].weight = layers[0].weight
    return nn.Sequential(*layers)


def unused_owner() -> nn.Module:
    network = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))
    network[0].spare = nn.Conv2d(2, 2, 1)
    network[0].spare.weight = network[0].weight
    return network


def hooked() -> nn.Module:
    network = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))
    network[0].register_forward_hook(lambda module, inputs, output: output * 2)
    return network


def hooked_norm() -> nn.Module:
    network = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))
    network[1].register_forward_hook(lambda module, inputs, output: output * 2)
    return network


class NormSubclass(nn.BatchNorm2d):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).relu()


IMAGES = (2, 2, 2, 2)
UNFOLDABLE: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "used elsewhere": (Elsewhere, IMAGES, "used elsewhere too"),
    "returned": (Returned, IMAGES, "used elsewhere too"),
    "convolution twice": (Twice, IMAGES, "or registered more than once"),
    "norm twice": (NormTwice, IMAGES, "or registered, more than once|no linear layer"),
    "weight elsewhere": (WeightElsewhere, IMAGES, "its weight, is used or registered"),
    "weight shared": (shared_weight, IMAGES, "its weight, is used or registered"),
    "weight of a spare": (unused_owner, IMAGES, "its weight, is used or registered"),
    "another name": (OtherName, IMAGES, "it is used, or registered, more than once"),
    "unused": (Unused, IMAGES, "not in use"),
    "relu between": (
        lambda: nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)), IMAGES, "no linear layer or conv"
    ),
    "subclass": (lambda: nn.Sequential(Subclass(2, 2, 1), nn.BatchNorm2d(2)), IMAGES, "no linear layer or conv"),
    "hook": (hooked, IMAGES, "no linear layer or conv"),
    "hook of norm": (hooked_norm, IMAGES, "its module or a hook does more"),
    "norm subclass": (lambda: nn.Sequential(nn.Conv2d(2, 2, 1), NormSubclass(2)), IMAGES, "its module or a hook does"),
    "ours": (lambda: nn.Sequential(nn.Conv2d(2, 2, 1), BatchNormalization(2)), IMAGES, "written in single operations"),
    "weight norm": (
        lambda: nn.Sequential(parametrizations.weight_norm(nn.Conv2d(2, 2, 1)), nn.BatchNorm2d(2)), IMAGES,
        "no linear layer or conv",
    ),
    "no statistics": (
        lambda: nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2, track_running_stats=False)), IMAGES,
        "no running statistics",
    ),
    "another axis": (lambda: nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), (4, 3, 3), "channels are not those"),
    "no batch axis": (lambda: nn.Sequential(nn.Conv1d(2, 3, 1), nn.BatchNorm1d(4)), (2, 4), "channels are not those"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFOLDABLE)
def test_what_cannot_be_folded_is_left_alone(name: str) -> None:
    torch.manual_seed(0)
    make, shape, reason = UNFOLDABLE[name]
    network = as_if_trained(make())
    x = torch.randn(shape)
    result = fold_batch_norm(network, x)
    assert not result.folded
    assert len(result.kept) == 1
    assert any(part in next(iter(result.kept.values())) for part in reason.split("|"))
    torch.testing.assert_close(result.network(x), network(x), rtol=0, atol=0)


@pytest.mark.parametrize(("name", "shape"), [("resnet", (1, 3, 32, 32)), ("mobilenet_v2_small", (1, 3, 32, 32))])
def test_whole_networks(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = as_if_trained(build(name, 10, input_shape=shape[1:])).double()
    x = torch.randn(shape, dtype=torch.float64)
    result = fold_batch_norm(network, x)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert len(result.folded) == norms
    assert not any(isinstance(module, nn.BatchNorm2d) for module in result.network.modules())
    torch.testing.assert_close(result.network(x), network(x), rtol=1e-9, atol=1e-9)


def test_it_says_what_became_of_each() -> None:
    network = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.BatchNorm2d(2))
    assert str(fold_batch_norm(network, torch.ones(IMAGES))) == (
        "1 folded into 0\n3 kept: no linear layer or convolution is right before it"
    )
    assert str(fold_batch_norm(nn.ReLU(), torch.ones(1))) == "no batch normalisation"


def test_a_frozen_layer_stays_frozen_and_its_type_stays() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2)).bfloat16().requires_grad_(False)
    layer = fold_batch_norm(network, torch.ones(3, 2).bfloat16()).network[0]
    assert layer.weight.dtype == layer.bias.dtype == torch.bfloat16
    assert not layer.weight.requires_grad
    assert not layer.bias.requires_grad


def test_a_network_that_cannot_be_traced_is_refused() -> None:
    class ByValue(Elsewhere):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) if x.sum() > 0 else x

    with pytest.raises(ValueError, match=r"cannot be traced by torch.export with these inputs"):
        fold_batch_norm(ByValue(), torch.ones(IMAGES))

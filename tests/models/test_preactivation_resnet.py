"""Residual networks with identity mappings: sizes, and x_L = x_l + Σ f."""

import pytest
import torch
from torch import nn

from network_counts import check_he_initialisation, parameter_count
from shinso.models import _preactivation_resnet

# Of the model table of imgclsmob; its networks for photographs normalise 64 channels once more, before the first block.
PARAMETERS = [
    ("preact_resnet18", 11_687_848 - 128),
    ("preact_resnet34", 21_796_008 - 128),
    ("preact_resnet50", 25_549_480 - 128),
    ("preact_resnet101", 44_541_608 - 128),
    ("preact_resnet152", 60_185_256 - 128),
    ("preact_resnet200", 64_666_280 - 128),
    ("preact_resnet164_cifar", 1_703_258),
    ("preact_resnet1001_cifar", 10_327_706),
    # As ResNet-110: the same convolutions, normalised before instead of after.
    ("preact_resnet110_cifar", 1_727_962),
]


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS)
def test_the_network_has_its_published_size(name: str, parameters: int) -> None:
    network = _preactivation_resnet.NETWORKS[name]
    with torch.device("meta"):
        model = network.function().eval()
        logits = model(torch.empty(1, *network.input_shape))
    assert parameter_count(model) == parameters
    assert logits.shape == (1, 10 if "cifar" in name else 1000)


def test_the_output_of_a_stage_is_its_input_plus_the_sum_of_residuals() -> None:
    torch.manual_seed(0)
    channels = (8, 8, 8)
    blocks = nn.Sequential(*(_preactivation_resnet.preactivated_bottleneck(c, 8, 1) for c in channels)).double()
    residuals: list[torch.Tensor] = []
    for block in blocks:
        block.residual.register_forward_hook(lambda module, inputs, output: residuals.append(output))
    x = torch.randn(4, 8, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(blocks(x), x + sum(residuals))
    assert len(residuals) == 3


def test_shortcuts_without_parameters_carry_the_input_through_all_stages() -> None:
    network = _preactivation_resnet.preact_resnet110_cifar(in_channels=1).eval()
    for name, module in network.named_modules():
        if name.endswith("residual.conv2.conv"):
            nn.init.zeros_(module.weight)
    start = network.stem(torch.randn(2, 1, 32, 32))
    end = network.stage3(network.stage2(network.stage1(start)))
    assert torch.equal(end[:, :16], start[:, :, ::4, ::4])
    assert (end[:, 16:] == 0).all()


def test_a_projection_sees_the_activation() -> None:
    block = _preactivation_resnet.preactivated_basic_block(4, 8, 2)
    nn.init.zeros_(block.residual.conv2.conv.weight)
    nn.init.ones_(block.shortcut.weight)
    x = torch.randn(2, 4, 6, 6)
    expected = block.activation(x)[:, :, ::2, ::2].sum(dim=1, keepdim=True).expand(2, 8, 3, 3)
    torch.testing.assert_close(block(x), expected)


def test_the_first_block_of_the_networks_for_photographs_has_the_activation_of_the_stem() -> None:
    with torch.device("meta"):
        network = _preactivation_resnet.preact_resnet50()
    assert isinstance(network.stage1[0].activation, nn.Identity)
    assert not isinstance(network.stage2[0].activation, nn.Identity)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_preactivation_resnet.preact_resnet_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _preactivation_resnet.preact_resnet_small(num_classes=7, in_channels=1, dropout=0.5)
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())

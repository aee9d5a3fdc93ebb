"""AlexNet against the paper's own numbers and the published figures."""

import pytest
import torch
from published_rows import Row, check_row
from torch import Tensor, nn

from shinso.models._alexnet import NETWORKS, alexnet_2012, alexnet_small

STAGES_2012 = "96x55x55 > 256x27x27 > 256x13x13 > 256x6x6"
STAGES_2014 = "64x55x55 > 192x27x27 > 256x13x13 > 256x6x6"
ROWS = [
    Row("alexnet_2012", 1, 60_965_224, 724_406_816, 0, 0, 16, (5, 3, 0), STAGES_2012),
    Row(
        "alexnet_2012_ungrouped",
        1,
        62_378_344,
        1_135_256_096,
        0,
        0,
        16,
        (5, 3, 0),
        STAGES_2012,
    ),
    Row(
        "alexnet_torchvision",
        1,
        61_100_840,
        714_188_480,
        0,
        0,
        16,
        (5, 3, 0),
        STAGES_2014,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_published_figure_is_met(row: Row) -> None:
    check_row(row, NETWORKS)


def test_layers_have_the_neurons_that_the_paper_counts() -> None:
    with torch.device("meta"):
        model = alexnet_2012()
    neurons = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda module, inputs, output: neurons.append(output.numel()))
    model(torch.empty(1, 3, 227, 227, device="meta"))
    assert neurons[1:] == [186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    # The paper says 253,440 of the first, which is not the size of the layer that it describes.
    assert neurons[0] == 55 * 55 * 96
    assert 55 * 48 * 96 == 253_440


def test_two_groups_meet_at_the_third_convolution_alone() -> None:
    with torch.device("meta"):
        model = alexnet_2012()
    assert [module.groups for module in model.modules() if isinstance(module, nn.Conv2d)] == [1, 2, 1, 2, 2]


def test_response_normalisation_is_the_formula_of_section_3_3() -> None:
    torch.manual_seed(0)
    x = 20 * torch.randn(2, 9, 3, 4, dtype=torch.float64)
    with torch.device("meta"):
        norm = alexnet_2012().get_submodule("features.norm1")
    torch.testing.assert_close(norm(x), _normalized(x))


def _normalized(a: Tensor) -> Tensor:
    b = torch.empty_like(a)
    channels = a.shape[1]
    for i in range(channels):
        nearby = a[:, max(0, i - 2) : min(channels - 1, i + 2) + 1]
        b[:, i] = a[:, i] / (2 + 1e-4 * nearby.square().sum(1)) ** 0.75
    return b


def test_weights_and_biases_begin_as_in_section_5() -> None:
    torch.manual_seed(0)
    model = alexnet_2012()
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    assert [bias.unique().tolist() for bias in biases] == [[0], [1], [0], [1], [1], [1], [1], [0]]
    for name in ("features.conv1.weight", "classifier.linear3.weight"):
        weight = model.get_parameter(name)
        assert weight.std().item() == pytest.approx(0.01, rel=0.02)
        assert abs(weight.mean().item()) < 2e-4


@pytest.mark.parametrize("size", [15, 28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    assert alexnet_small(in_channels=1, num_classes=7)(torch.randn(2, 1, size, size)).shape == (2, 7)


def test_too_small_images_are_refused() -> None:
    with torch.device("meta"):
        model = alexnet_2012()
    assert model(torch.empty(1, 3, 67, 67, device="meta")).shape == (1, 1000)
    with pytest.raises(ValueError, match=r"at least 67×67 pixels; got 100×66: enlarge them or use alexnet_small"):
        model(torch.empty(1, 3, 100, 66, device="meta"))

"""GoogLeNet against table 1 of the paper and the published figures."""

import pytest
import torch
from published_rows import Row, check_row
from torch import nn

from shinso.models._googlenet import (
    NETWORKS,
    googlenet_paper,
    googlenet_paper_aux,
    googlenet_small,
    googlenet_torchvision,
    googlenet_torchvision_aux,
)

STAGES = "64x112x112 > 192x56x56 > 480x28x28 > 832x14x14 > 1024x7x7"
ROWS = [
    Row(
        "googlenet_paper",
        1,
        6_998_552,
        1_582_671_872,
        0,
        0,
        116,
        (57, 1, 0),
        STAGES,
    ),
    Row(
        "googlenet_paper_aux",
        3,
        13_378_280,
        1_591_044_096,
        0,
        0,
        128,
        (59, 5, 0),
        STAGES,
    ),
    Row(
        "googlenet_torchvision",
        1,
        6_624_904,
        1_498_376_192,
        14_560,
        14_560,
        173,
        (57, 1, 57),
        STAGES,
    ),
    Row(
        "googlenet_torchvision_aux",
        3,
        13_004_888,
        1_506_748_416,
        15_072,
        15_072,
        187,
        (59, 5, 59),
        STAGES,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_published_figure_is_met(row: Row) -> None:
    check_row(row, NETWORKS)


def test_inception_modules_have_the_output_widths_of_table_1() -> None:
    widths = {"to_4a.inception3a": 256, "to_4a.inception3b": 480, "to_4a.inception4a": 512}
    widths |= {"to_4d.inception4b": 512, "to_4d.inception4c": 512, "to_4d.inception4d": 528}
    widths |= {"to_5b.inception4e": 832, "to_5b.inception5a": 832, "to_5b.inception5b": 1024}
    with torch.device("meta"):
        model = googlenet_paper()
    seen = {}
    for name in widths:
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: output.shape[1]})
        )
    model(torch.empty(1, 3, 224, 224, device="meta"))
    assert seen == widths


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_only_the_published_network_has_5x5_convolutions(kernel_size: int) -> None:
    with torch.device("meta"):
        model = googlenet_paper() if kernel_size == 5 else googlenet_torchvision()
    for name, module in model.named_modules():
        if name.endswith("branch5x5.conv"):
            conv = next(inner for inner in module.modules() if isinstance(inner, nn.Conv2d))
            assert conv.kernel_size == (kernel_size, kernel_size)


@pytest.mark.parametrize("deepest_first", [False, True])
def test_auxiliary_logits_come_in_training_alone_and_in_the_order_said(deepest_first: bool) -> None:
    with torch.device("meta"):
        model = googlenet_torchvision_aux(num_classes=5) if deepest_first else googlenet_paper_aux(num_classes=5)
    x = torch.empty(2, 3, 224, 224, device="meta")
    order = []
    heads = [model.get_submodule("auxiliary_4a"), model.get_submodule("auxiliary_4d")]
    results = {}
    for name, head in zip(("4a", "4d"), heads, strict=True):
        head.register_forward_hook(lambda module, inputs, output, name=name: results.update({name: output}))
    logits, *auxiliary = model(x)
    order = [name for output in auxiliary for name, result in results.items() if result is output]
    assert order == (["4d", "4a"] if deepest_first else ["4a", "4d"])
    assert [tuple(output.shape) for output in (logits, *auxiliary)] == [(2, 5)] * 3
    results.clear()
    assert model.eval()(x).shape == (2, 5)
    assert not results


def test_initialisation_of_the_published_network_is_that_of_the_caffe_model() -> None:
    torch.manual_seed(0)
    model = googlenet_paper_aux()
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            assert (module.bias == 0.2).all(), name
    weight = model.get_parameter("to_5b.inception5b.branch3x3.conv.conv.weight")
    assert weight.var().item() == pytest.approx(1 / (192 * 9), rel=0.02)
    assert (model.get_parameter("classifier.linear.bias") == 0).all()


def test_initialisation_of_torchvisions_network_is_normal_and_cut_off() -> None:
    torch.manual_seed(0)
    weight = googlenet_torchvision().get_parameter("classifier.linear.weight")
    assert weight.abs().max().item() <= 0.02
    assert weight.std().item() == pytest.approx(0.01 * 0.8796, rel=0.02)


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    assert googlenet_small(in_channels=1, num_classes=7)(torch.randn(2, 1, size, size)).shape == (2, 7)


@pytest.mark.parametrize(("function", "least"), [(googlenet_paper, 31), (googlenet_paper_aux, 79)])
def test_too_small_images_are_refused(function: type[nn.Module], least: int) -> None:
    with torch.device("meta"):
        model = function()
    model(torch.empty(1, 3, least, least, device="meta"))
    with pytest.raises(ValueError, match=rf"at least {least}×{least} pixels; got 30×30: .* use googlenet_small"):
        model(torch.empty(1, 3, 30, 30, device="meta"))

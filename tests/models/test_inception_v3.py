"""Inception v3 against the published figures."""

import pytest
import torch
from published_rows import Row, check_row

from shinso.models._inception_v3 import NETWORKS, inception_v3, inception_v3_aux, inception_v3_small

STAGES = "32x149x149 > 64x147x147 > 80x73x73 > 192x71x71 > 288x35x35 > 768x17x17 > 2048x8x8"
ROWS = [
    Row(
        "inception_v3",
        1,
        23_834_568,
        5_713_216_096,
        34_432,
        34_432,
        284,
        (94, 1, 94),
        STAGES,
    ),
    Row(
        "inception_v3_aux",
        2,
        27_161_264,
        5_718_899_296,
        36_224,
        36_224,
        292,
        (96, 2, 96),
        STAGES,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_published_figure_is_met(row: Row) -> None:
    check_row(row, NETWORKS)


def test_modules_have_the_output_shapes_of_table_1() -> None:
    with torch.device("meta"):
        model = inception_v3().eval()
    shapes = []
    for name, module in model.named_modules():
        if name.count(".") == 1 and ".mixed" in name:
            module.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    model(torch.empty(1, 3, 299, 299, device="meta"))
    assert shapes == [
        *[(256, 35, 35), (288, 35, 35), (288, 35, 35)],
        *[(768, 17, 17)] * 5,
        *[(1280, 8, 8), (2048, 8, 8), (2048, 8, 8)],
    ]


def test_auxiliary_logits_come_in_training_alone() -> None:
    with torch.device("meta"):
        model = inception_v3_aux(num_classes=5)
    x = torch.empty(2, 3, 299, 299, device="meta")
    assert [tuple(output.shape) for output in model(x)] == [(2, 5)] * 2
    assert model.eval()(x).shape == (2, 5)


def test_initialisation_is_that_of_the_release() -> None:
    torch.manual_seed(0)
    model = inception_v3_aux()
    for name, std in [
        ("stage17x17.mixed6e.branch1x1.conv.weight", 0.1),
        ("classifier.linear.weight", 0.1),
        ("auxiliary.conv1.conv.weight", 0.1),
        ("auxiliary.conv2.conv.weight", 0.01),
        ("auxiliary.linear.weight", 0.001),
    ]:
        weight = model.get_parameter(name)
        assert weight.abs().max().item() <= 2.0001 * std
        # A normal distribution that is cut off at two deviations has 0.8796 of the deviation.
        assert weight.std().item() == pytest.approx(0.8796 * std, rel=0.02)


@pytest.mark.parametrize("size", [14, 28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    assert inception_v3_small(in_channels=1, num_classes=7)(torch.randn(2, 1, size, size)).shape == (2, 7)


def test_too_small_images_are_refused() -> None:
    with torch.device("meta"):
        model, with_head = inception_v3().eval(), inception_v3_aux()
    assert model(torch.empty(1, 3, 75, 75, device="meta")).shape == (1, 1000)
    with pytest.raises(ValueError, match=r"at least 75×75 pixels; got 74×74: enlarge them or use inception_v3_small"):
        model(torch.empty(1, 3, 74, 74, device="meta"))
    with pytest.raises(ValueError, match=r"at least 299×299 pixels; got 298×298"):
        with_head(torch.empty(1, 3, 298, 298, device="meta"))

"""Xception: published figures, its blocks and the least size of images."""

from itertools import pairwise

import pytest
import torch
from published_rows import Row, check_row
from torch import nn

from shinso.models._xception import NETWORKS, XceptionBlock, xception, xception_small

# fmt: off
ROWS = [
    Row("xception", 1, 22_855_952, 8_357_403_496, 54_528, 54_528, 156, (74, 1, 40),
        "32x149x149 > 64x147x147 > 128x74x74 > 256x37x37 > 728x19x19 > 2048x10x10"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_network_has_its_published_figures(row: Row) -> None:
    check_row(row, NETWORKS)


def test_the_middle_flow_is_eight_blocks_of_three_that_keep_the_shape() -> None:
    with torch.device("meta"):
        model = xception()
    kept = [block for block in model if isinstance(block, XceptionBlock) and isinstance(block.shortcut, nn.Identity)]
    assert len(kept) == 8
    assert all(sum(m.kernel_size == (3, 3) for m in b.modules() if isinstance(m, nn.Conv2d)) == 3 for b in kept)


def test_nothing_is_rectified_between_depthwise_and_pointwise() -> None:
    with torch.device("meta"):
        convolutions = [m for m in xception().modules() if isinstance(m, nn.Conv2d | nn.ReLU)]
    for layer, following in pairwise(convolutions):
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            assert isinstance(following, nn.Conv2d)


def test_a_block_leaves_its_input_as_it_is() -> None:
    x = torch.randn(2, 16, 6, 6)
    before = x.clone()
    block = XceptionBlock(16, (16, 16), pools=False, starts_with_relu=True).eval()
    torch.testing.assert_close(block(x), block.layers(before) + before)
    assert torch.equal(x, before)


def test_images_under_7_pixels_are_refused() -> None:
    with torch.device("meta"):
        model = xception().eval()
        assert model(torch.empty(1, 3, 7, 9)).shape == (1, 1000)
        with pytest.raises(ValueError, match=r"at least 7×7 pixels; got 6×9.*xception_small"):
            model(torch.empty(1, 3, 6, 9))


def test_the_small_network_takes_grey_images() -> None:
    assert xception_small(num_classes=7, in_channels=1)(torch.randn(2, 1, 28, 28)).shape == (2, 7)

"""Stochastic depth: published numbers, expected depth, what is skipped and what is scaled."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from network_counts import Row, check_he_initialisation, check_row
from shinso.models import _stochastic_depth

# Copied from the table of published architectures (built and counted with torchvision, timm or the authors' files).
# fmt: off
ROWS: list[Row] = [
    ("stochastic_depth_resnet110", 1_727_962, 252_887_680, 8_096, 8_096, 329, 109, 1, 109,
     "16x32x32 > 32x16x16 > 64x8x8"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_network_has_its_published_numbers(row: Row) -> None:
    network = _stochastic_depth.NETWORKS[row[0]]
    shape, classes = network.input_shape, 10
    check_row(network.function, row, shape, classes)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_stochastic_depth.stochastic_depth_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _stochastic_depth.stochastic_depth_small(
        num_classes=7, in_channels=1, dropout=0.5, last_survival_probability=1.0
    )
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def blocks_of(network: nn.Module) -> list[_stochastic_depth.StochasticBlock]:
    return [m for m in network.modules() if isinstance(m, _stochastic_depth.StochasticBlock)]


def test_survival_decays_linearly_and_the_expected_depth_is_that_of_the_paper() -> None:
    with torch.device("meta"):
        blocks = blocks_of(_stochastic_depth.stochastic_depth_resnet110())
    probabilities = [block.survival_probability for block in blocks]
    assert probabilities == pytest.approx([1 - number / 54 * 0.5 for number in range(1, 55)])
    assert _stochastic_depth.expected_depth(probabilities) == pytest.approx(40.25)


def test_the_expected_cost_of_a_training_forward_pass_is_as_published() -> None:
    with torch.device("meta"):
        network = _stochastic_depth.stochastic_depth_resnet110().eval()
        images = torch.empty(1, 3, 32, 32)
    costs: dict[nn.Module, float] = {}
    for block in blocks_of(network):
        block.register_forward_pre_hook(lambda module, inputs: costs.update({module: counter.get_total_flops() / 2}))
        block.register_forward_hook(
            lambda module, inputs, output: costs.update({module: counter.get_total_flops() / 2 - costs[module]})
        )
    with FlopCounterMode(display=False) as counter:
        network(images)
    saved = sum((1 - block.survival_probability) * cost for block, cost in costs.items())
    assert counter.get_total_flops() / 2 - saved == pytest.approx(188_618_709.3, abs=0.05)


def identity_block(probability: float) -> _stochastic_depth.StochasticBlock:
    return _stochastic_depth.StochasticBlock(nn.Identity(), nn.Identity(), probability)


def test_in_training_a_block_is_there_as_often_as_its_probability_and_otherwise_not_computed() -> None:
    torch.manual_seed(0)
    block = identity_block(0.3)
    calls: list[None] = []
    block.residual.register_forward_hook(lambda *_: calls.append(None))
    x = torch.rand(4, 1, 2, 2)
    outputs = [block(x) for _ in range(2000)]
    doubled = [torch.equal(output, 2 * x) for output in outputs]
    # A batch is kept or dropped as a whole.
    assert all(is_doubled or torch.equal(output, x) for is_doubled, output in zip(doubled, outputs, strict=True))
    assert len(calls) == sum(doubled)
    assert len(calls) / 2000 == pytest.approx(0.3, abs=5 * (0.3 * 0.7 / 2000) ** 0.5)


def test_in_evaluation_the_residual_is_multiplied_by_the_probability() -> None:
    x = torch.rand(4, 1, 2, 2)
    torch.testing.assert_close(identity_block(0.3).eval()(x), 1.3 * x)


@pytest.mark.parametrize(("blocks", "last"), [(0, 0.5), (4, 0.0), (4, 1.1)])
def test_probabilities_outside_of_their_range_are_refused(blocks: int, last: float) -> None:
    with pytest.raises(ValueError, match=f"last survival probability above 0 and at most 1; got {blocks} and {last}"):
        _stochastic_depth.survival_probabilities(blocks, last)

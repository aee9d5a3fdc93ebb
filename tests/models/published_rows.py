"""A check of a network against a row of published figures."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from shinso.graph import trace
from shinso.models._network import Network


class Row(NamedTuple):
    """Figures of a network at its published input size, all of them exact."""

    id: str
    outputs: int
    """How many there are, each [1, classes]; auxiliary classifiers are counted in all figures."""
    parameters: int
    macs: int
    buffers: int
    norm_parameters: int
    parameter_tensors: int
    layers: tuple[int, int, int]
    """Convolutions, linear layers, batch normalisations."""
    stages: str
    """The images, channels × height × width, in order; others may come between them."""


def check_row(row: Row, networks: dict[str, Network]) -> None:
    network = networks[row.id]
    with torch.device("meta"):
        model = network.function().eval()
    # The top alone: auxiliary classifiers answer, and one example will do for batch normalisation.
    model.training = row.outputs > 1
    x = torch.empty(1, *network.input_shape, device="meta")
    images, outputs = _images(model, x)
    cost = trace(model, x).cost()
    assert (cost.parameters, cost.macs, cost.matmul_macs) == (row.parameters, row.macs, 0)
    assert sum(b.numel() for name, b in model.named_buffers() if "num_batches" not in name) == row.buffers
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert sum(p.numel() for norm in norms for p in norm.parameters()) == row.norm_parameters
    assert len(list(model.parameters())) == row.parameter_tensors
    assert (_count(model, nn.Conv2d), _count(model, nn.Linear), len(norms)) == row.layers
    classes = 10 if row.id.startswith(("lenet5", "nin")) else 1000
    assert [tuple(output.shape) for output in outputs] == [(1, classes)] * row.outputs
    remaining = iter(images)
    assert all(stage in remaining for stage in row.stages.split(" > ")), images


def _images(model: nn.Module, x: Tensor) -> tuple[list[str], tuple[Tensor, ...]]:
    images = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor | tuple[Tensor, ...]) -> None:
        if isinstance(output, Tensor) and output.dim() == 4:
            images.append("x".join(map(str, output.shape[1:])))

    handles = [module.register_forward_hook(keep) for module in model.modules()]
    output = model(x)
    for handle in handles:
        handle.remove()
    return images, output if isinstance(output, tuple) else (output,)


def _count(model: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in model.modules())

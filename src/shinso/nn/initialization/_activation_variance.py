"""How the variance of activations changes from layer to layer (Glorot & Bengio, 2010, section 4.2)."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso._run_with import run_with


def activation_variance_by_depth(network: nn.Module, x: Any) -> dict[str, Float[Tensor, ""]]:
    """The variance of each layer's output in ``network(x)``, over all its entries, in the order of the run.

    Entries are all examples, units and positions. Layers are the modules that contain no others, by name; the second
    call of one has " (2)" after its name, and so on. Those whose output is not one tensor of real numbers are left
    out. Variances that fall or grow geometrically show that the initial weights are too small or too large.

    The network runs in the mode in which it is, without gradient; its parameters, running statistics and hooks, and the
    state of the random generators, are then as before.
    """
    variances: dict[str, Tensor] = {}

    def record(name: str, output: Any) -> None:
        if isinstance(output, Tensor) and output.is_floating_point():
            variances[_unused(name, variances)] = _variance(output)

    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: record(name, output))
        for name, module in network.named_modules()
        if next(module.children(), None) is None
    ]
    try:
        _run_on_copies_of_buffers(network, x)
    finally:
        for handle in handles:
            handle.remove()
    return variances


def _run_on_copies_of_buffers(network: nn.Module, x: Any) -> None:
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    used = {tensor.device for tensor in [*network.parameters(), *buffers.values()] if tensor.is_cuda}
    with torch.no_grad(), torch.random.fork_rng(devices=list(used)):
        run_with(network, buffers, (x,), {})


def _unused(name: str, taken: dict[str, Tensor]) -> str:
    """The name, with the number of the call if there were others before."""
    numbered, call = name, 1
    while numbered in taken:
        call += 1
        numbered = f"{name} ({call})"
    return numbered


def _variance(output: Tensor) -> Tensor:
    # Half precision would not hold the squares.
    values = output if output.dtype == torch.float64 else output.float()
    return values.var(correction=0)

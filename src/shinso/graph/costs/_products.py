"""How many multiply-accumulates the kernels take that multiply matrices, and what they multiply."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten

# The positions of the two factors; of what is not listed, fused attention, both factors come from activations.
_FACTORS = {
    aten.mm: (0, 1),
    aten.bmm: (0, 1),
    aten.mv: (0, 1),
    aten.dot: (0, 1),
    aten.vdot: (0, 1),
    aten._scaled_mm: (0, 1),
    aten.convolution: (0, 1),
    aten._convolution: (0, 1),
    aten.cudnn_convolution: (0, 1),
    aten.addmm: (1, 2),
    aten.addmv: (1, 2),
    aten.baddbmm: (1, 2),
}


def multiply_accumulates(kernel: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int:
    """What the kernel takes, as ``torch.utils.flop_counter`` counts it (two operations each); 0 for one that does not
    multiply matrices, and biases are not counted.
    """
    formula = _formulas().get(kernel._overloadpacket)
    return 0 if formula is None else int(formula(*args, **kwargs, out_val=result)) // 2


def factors(kernel: Any, args: Sequence[Any]) -> tuple[Tensor, ...]:
    """The two tensors that are multiplied; none for fused attention, which multiplies twice."""
    positions = _FACTORS.get(kernel._overloadpacket, ())
    return tuple(args[position] for position in positions)


@cache
def _formulas() -> dict[Any, Callable[..., int]]:
    from torch.utils.flop_counter import flop_registry

    # torch's table lacks products with a vector, and attention as it is fused on a CPU.
    return {
        aten.mv: lambda matrix, vector, out_val: 2 * matrix.numel(),
        aten.addmv: lambda start, matrix, vector, out_val, **scales: 2 * matrix.numel(),
        aten.dot: lambda first, second, out_val: 2 * first.numel(),
        aten.vdot: lambda first, second, out_val: 2 * first.numel(),
        aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[aten._scaled_dot_product_flash_attention],
        aten._scaled_dot_product_flash_attention_for_cpu_backward: flop_registry[
            aten._scaled_dot_product_flash_attention_backward
        ],
        **flop_registry,
    }

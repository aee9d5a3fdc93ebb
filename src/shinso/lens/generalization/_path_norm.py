"""The path norm: over all paths from an input to an output, the products of the weights along each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.generalization._batch_norm_map import BatchNorm, is_affine_in_eval_mode, scale_and_shift
from shinso.lens.generalization._plain_copy import plain_copy
from shinso.lens.generalization._sum_over_windows import SumOverWindows

_AGREEMENT = 1e-6


def path_norm(model: nn.Module, inputs: Any, order: float = 2.0) -> float:
    """The ``order``-th root of Σ over paths of Π |weight|^order, of the model in eval mode, in float64.

    Computed by the one trick: each weight is replaced by its ``order``-th power without sign, and the network is run
    once on ones of the shape of one example of ``inputs``. A bias is a weight from a unit that is always 1. Residual
    sums and concatenations are more paths; batch normalisation is the affine layer that it is in eval mode; each input
    of a max-pooling window is a path (Gonon et al. 2024). Numbers that are no parameters (the 1/k in a mean of k, a
    constant factor) count as they are and not by their power.

    Small means that few strong paths carry the function; for networks with one output the order 1 bounds the Lipschitz
    constant in the maximum norm. Unlike spectral and other weight norms it does not change when a ReLU layer is scaled
    up and the next one down. It compares networks trained on the same data; do not trust it across depths, where the
    number of paths alone drives it, nor as a bound: as such it is vacuous for deep networks.

    Raises ValueError where the norm is undefined: the run on positive numbers has to be a sum over paths, which
    sigmoid, tanh, GELU, softmax, gates, attention and layer or group normalisation are not; and for inputs that are no
    real numbers, such as tokens.

    Source: Neyshabur, Tomioka and Srebro 2015, arXiv 1503.00036, eq. 7 (as φ_p,1); Neyshabur et al. 2017, arXiv
    1706.08947, §2; lecture 003 §2.3 (reference 21).

    >>> chain = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False))
    >>> for parameter in chain.parameters():
    ...     nn.init.constant_(parameter, -3.0)
    Parameter containing:
    tensor([[-3.]], requires_grad=True)
    Parameter containing:
    tensor([[-3.]], requires_grad=True)
    >>> path_norm(chain, torch.ones(1, 1))
    9.0
    """
    if not order > 0:
        raise ValueError(f"the order of a path norm is positive (1 or 2 as a rule); got {order}")
    if next(model.parameters(), None) is None:
        raise ValueError(f"{type(model).__name__} has no parameters, so its paths have no weights")
    powers = Probe(_with_powers(model, order), _no_loss, inputs, None)
    ones = tree_map(_one_example_of_ones, inputs)
    with torch.no_grad(), SumOverWindows():
        outputs = _outputs(powers.on(ones, None))
        _check_sum_over_paths(powers, ones, outputs)
    total = math.fsum(outputs.tolist())
    return total ** (1 / order) if math.isfinite(total) else total


@dataclass(frozen=True)
class PathNorm:
    """Reads ``path_norm``, of the given ``order``; see the function of that name for its meaning and its limits.

    Source: Neyshabur, Tomioka and Srebro 2015; lecture 003 §2.3.
    """

    order: float = 2.0

    name = "path_norm"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """One number."""
        norm = path_norm(step.probe.model, step.probe.inputs, self.order)
        return {"path_norm": Reading(torch.tensor(norm, dtype=torch.float64))}


def _no_loss(outputs: Any, targets: Any) -> Tensor:
    raise AssertionError("the path norm asks for outputs alone")


def _with_powers(model: nn.Module, order: float) -> nn.Module:
    """A copy in float64 and eval mode with |w|^order for each weight w."""
    powers = plain_copy(model).double()
    for path, module in powers.named_modules():
        if is_affine_in_eval_mode(module):
            _as_affine_layer(module)
        elif isinstance(module, BatchNorm):
            raise ValueError(
                f"the path norm is undefined for {path or 'the model'}: batch normalisation without running statistics "
                "is no fixed map"
            )
        elif any(buffer.is_floating_point() for buffer in module.buffers(recurse=False)):
            raise ValueError(
                f"{path or 'the model'} ({type(module).__name__}) holds buffers that may act as weights: the path norm "
                "is defined for parameters and for batch normalisation with running statistics"
            )
    for parameter in powers.parameters():
        parameter.data = parameter.data.abs().pow(order)
    return powers


def _as_affine_layer(norm: BatchNorm) -> None:
    scale, shift = scale_and_shift(norm)
    norm.weight, norm.bias = nn.Parameter(scale), nn.Parameter(shift)
    norm.running_mean, norm.running_var, norm.eps = torch.zeros_like(scale), torch.ones_like(scale), 0.0


def _one_example_of_ones(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    if not value.is_floating_point():
        raise ValueError(f"the path norm is undefined for inputs of type {value.dtype}: it needs real-valued inputs")
    return torch.ones_like(value[:1], dtype=torch.float64)


def _outputs(probe: Probe) -> Tensor:
    """All real outputs in one row, in float64."""
    leaves = [leaf for leaf in tree_leaves(probe.outputs()) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    return torch.cat([leaf.flatten().double() for leaf in leaves])


def _check_sum_over_paths(powers: Probe, ones: Any, outputs: Tensor) -> None:
    """A sum over paths is non-negative, and affine in non-negative inputs: f(x + y) + f(0) = f(x) + f(y).

    Output by output: those of a layer normalisation sum to zero whatever goes in, so their sum would show nothing.
    """

    def at(change: Any) -> Tensor:
        return _outputs(
            powers.on(tree_map(lambda leaf: change(leaf) if isinstance(leaf, Tensor) else leaf, ones), None)
        )

    left, right = at(lambda x: x + _uneven(x)) + at(torch.zeros_like), outputs + at(_uneven)
    if not (left.isfinite().all() and right.isfinite().all()):
        return
    if (outputs < 0).any() or ((left - right).abs() > _AGREEMENT * right.abs()).any():
        raise ValueError(
            f"the path norm of {type(powers.model).__name__} is undefined: on positive numbers and weights it is no "
            "sum over paths. It needs activations with f(ax) = a f(x) for a > 0 (ReLU, LeakyReLU), no products of two "
            "activations, no softmax and no layer or group normalisation; spectral_norms are defined for all of these"
        )


def _uneven(like: Tensor) -> Tensor:
    """Positive numbers of several sizes, so that what saturates or competes shows."""
    return torch.logspace(-1, 3, like.numel(), dtype=like.dtype, device=like.device).reshape(like.shape)

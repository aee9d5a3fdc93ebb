"""Dinh's caveat, measured: one function, many sharpnesses."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils import _pytree as pytree  # torch's only way to walk nested outputs

from shinso.lens._probe import Probe
from shinso.lens.curvature._eigenpairs import top_eigenpairs
from shinso.lens.curvature._epsilon_sharpness import epsilon_sharpness
from shinso.lens.curvature._filter_normalized_sharpness import filter_normalized_sharpness
from shinso.lens.curvature._hessian import hessian
from shinso.lens.curvature._rescaled import rescaled
from shinso.lens.curvature._trace import Trace, trace


@dataclass(frozen=True)
class Rescalings:
    """By factor: how far the outputs moved, and what each measure says of the sharpness."""

    factors: tuple[float, ...]
    output_changes: Float[Tensor, " factors"]
    """The largest change of an output, relative to the largest output: what rounding does."""
    top_eigenvalues: Float[Tensor, " factors"]
    traces: tuple[Trace, ...]
    epsilon_sharpness: Float[Tensor, " factors"]
    """In percent."""
    filter_normalized_sharpness: Float[Tensor, " factors"]
    """In percent."""


def compare_rescalings(
    probe: Probe, first: str, second: str, factors: Sequence[float] = (0.1, 0.3, 1.0, 3.0, 10.0), *, seed: int = 0
) -> Rescalings:
    """Four measures of sharpness for copies of one network, ``rescaled`` by each factor.

    For a network of ReLU the first three change by orders of magnitude while the outputs stay; the filter-normalised
    one stays with them. Every measure has the same random numbers at each factor. Raises ValueError where the outputs
    change by more than rounding: the two layers are not joined by homogeneous functions alone.
    """
    with torch.no_grad():
        outputs = _flat(probe.outputs())
    rows = []
    for factor in factors:
        other = Probe(rescaled(probe.model, first, second, factor), probe.loss_function, probe.inputs, probe.targets)
        with torch.no_grad():
            change = float((_flat(other.outputs()) - outputs).abs().max() / outputs.abs().max())
        if change > 1e-3:
            raise ValueError(
                f"with {first!r} times {factor:g} and {second!r} divided by it the outputs change by "
                f"{100 * change:.2g} %: between the two may be only ReLU, pooling and dropout, and nothing else may "
                "follow the first"
            )
        matrix = hessian(other)
        top, whole = top_eigenpairs(matrix, relative_error=1e-3, seed=seed), trace(matrix, seed=seed)
        filters = filter_normalized_sharpness(other, seed=seed).value
        rows.append((change, float(top.values[0]), whole, epsilon_sharpness(other, seed=seed), filters))
    changes, tops, traces, boxes, normalized = zip(*rows, strict=True)
    return Rescalings(tuple(factors), _doubles(changes), _doubles(tops), traces, _doubles(boxes), _doubles(normalized))


def _doubles(numbers: Sequence[float]) -> Float[Tensor, " numbers"]:
    return torch.tensor(numbers, dtype=torch.float64)


def _flat(outputs: object) -> Tensor:
    tensors = [leaf for leaf in pytree.tree_leaves(outputs) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    return torch.cat([tensor.double().flatten() for tensor in tensors])

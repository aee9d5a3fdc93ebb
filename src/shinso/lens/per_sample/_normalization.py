"""The gradients of single examples of the affine parameters of normalisation layers.

Through batch normalisation in training an example also acts on the others, by the statistics of the batch. What is
given here is its contribution to the gradient of the batch, with those statistics as they were.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens.per_sample._example_gradients import ExampleGradients, WrittenOut
from shinso.lens.per_sample._rows import NotByExample, by_example, wide

_ENTRIES_AT_ONCE = 1 << 18
"""So few that their products stay in the cache: new memory for all of them would take longer than the products."""

_Found = list[tuple[Tensor | None, ExampleGradients]]


def batch_norm(
    output_gradient: Float[Tensor, "images channels *space"],
    batch_size: int,
    input: Float[Tensor, "images channels *space"],
    running_mean: Float[Tensor, " channels"] | None,
    running_var: Float[Tensor, " channels"] | None,
    weight: Float[Tensor, " channels"] | None = None,
    bias: Float[Tensor, " channels"] | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    statistics: tuple[Float[Tensor, " channels"], Float[Tensor, " channels"]] | None = None,
) -> _Found:
    """Of the scales and the shifts; the statistics are the mean and 1 / √(variance + eps), if they are known."""
    at_outputs = _by_channel(output_gradient, batch_size)
    inputs = wide(input).to(at_outputs.dtype)
    if statistics is None and not training and running_mean is not None and running_var is not None:
        statistics = running_mean, (running_var + eps).rsqrt()
    mean, scale = statistics or _statistics(inputs, eps)
    shifts = _over_space(at_outputs)
    # Σ (x - mean) δ without a pass over the inputs for x - mean, which would take twice the time of all the rest.
    products = _products_over_space(inputs, at_outputs)
    scales = (products - mean * shifts) * scale
    return [(weight, _added_up(scales, batch_size)), (bias, _added_up(shifts, batch_size))]


def instance_norm(
    output_gradient: Float[Tensor, "images channels *space"],
    batch_size: int,
    input: Float[Tensor, "images channels *space"],
    running_mean: Float[Tensor, " channels"] | None = None,
    running_var: Float[Tensor, " channels"] | None = None,
    weight: Float[Tensor, " channels"] | None = None,
    bias: Float[Tensor, " channels"] | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> _Found:
    """Of the scales and the shifts."""
    statistics = (None, None) if use_input_stats else (running_mean, running_var)
    normalized = F.instance_norm(input, *statistics, use_input_stats=use_input_stats, eps=eps)
    return _scaled_by_channel(output_gradient, batch_size, normalized, weight, bias)


def group_norm(
    output_gradient: Float[Tensor, "images channels *space"],
    batch_size: int,
    input: Float[Tensor, "images channels *space"],
    num_groups: int,
    weight: Float[Tensor, " channels"] | None = None,
    bias: Float[Tensor, " channels"] | None = None,
    eps: float = 1e-5,
) -> _Found:
    """Of the scales and the shifts."""
    return _scaled_by_channel(output_gradient, batch_size, F.group_norm(input, num_groups, eps=eps), weight, bias)


def layer_norm(
    output_gradient: Float[Tensor, "..."],
    batch_size: int,
    input: Float[Tensor, "..."],
    normalized_shape: list[int] | tuple[int, ...],
    weight: Float[Tensor, "..."] | None = None,
    bias: Float[Tensor, "..."] | None = None,
    eps: float = 1e-5,
) -> _Found:
    """Of the scales and the shifts."""
    normalized = F.layer_norm(wide(input), normalized_shape, eps=eps)
    return _by_entry(output_gradient, batch_size, normalized, len(normalized_shape), weight, bias)


def rms_norm(
    output_gradient: Float[Tensor, "..."],
    batch_size: int,
    input: Float[Tensor, "..."],
    normalized_shape: list[int] | tuple[int, ...],
    weight: Float[Tensor, "..."] | None = None,
    eps: float | None = None,
) -> _Found:
    """Of the scales."""
    normalized = F.rms_norm(wide(input), normalized_shape, eps=eps)
    return _by_entry(output_gradient, batch_size, normalized, len(normalized_shape), weight, None)


def _scaled_by_channel(
    output_gradient: Tensor, batch_size: int, normalized: Tensor, weight: Tensor | None, bias: Tensor | None
) -> _Found:
    at_outputs = _by_channel(output_gradient, batch_size)
    return [(weight, _summed(at_outputs * normalized, batch_size)), (bias, _summed(at_outputs, batch_size))]


def _by_channel(output_gradient: Tensor, batch_size: int) -> Float[Tensor, "images channels *space"]:
    if not batch_size or output_gradient.dim() < 2 or len(output_gradient) % batch_size:
        raise NotByExample(
            f"a normalisation layer saw a tensor of shape {tuple(output_gradient.shape)}, whose first axis is not "
            f"that of the {batch_size} examples of the batch"
        )
    return wide(output_gradient)


def _statistics(
    inputs: Float[Tensor, "images channels *space"], eps: float
) -> tuple[Float[Tensor, " channels"], Float[Tensor, " channels"]]:
    variance, mean = torch.var_mean(inputs, (0, *range(2, inputs.dim())), correction=0)
    return mean, (variance + eps).rsqrt()


def _products_over_space(
    left: Float[Tensor, "images channels *space"], right: Float[Tensor, "images channels *space"]
) -> Float[Tensor, "images channels"]:
    at_once = max(1, _ENTRIES_AT_ONCE * len(left) // max(1, left.numel()))
    parts = zip(torch.split(left, at_once), torch.split(right, at_once), strict=True)
    return torch.cat([_over_space(some * others) for some, others in parts])


def _over_space(tensor: Float[Tensor, "images channels *space"]) -> Float[Tensor, "images channels"]:
    return tensor.sum(tuple(range(2, tensor.dim()))) if tensor.dim() > 2 else tensor


def _summed(tensor: Float[Tensor, "images channels *space"], batch_size: int) -> WrittenOut:
    return _added_up(_over_space(tensor), batch_size)


def _added_up(by_image: Float[Tensor, "images channels"], batch_size: int) -> WrittenOut:
    return WrittenOut(
        by_image if len(by_image) == batch_size else torch.unflatten(by_image, 0, (batch_size, -1)).sum(1)
    )


def _by_entry(
    output_gradient: Tensor,
    batch_size: int,
    normalized: Tensor,
    axes: int,
    weight: Tensor | None,
    bias: Tensor | None,
) -> _Found:
    at_outputs = wide(by_example(output_gradient, batch_size, axes))
    scales = torch.mul(at_outputs, by_example(normalized, batch_size, axes)).sum(1)
    return [(weight, WrittenOut(scales)), (bias, WrittenOut(at_outputs.sum(1)))]

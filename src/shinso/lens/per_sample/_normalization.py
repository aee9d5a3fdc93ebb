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
) -> _Found:
    """Of the scales and the shifts."""
    statistics = (None, None) if training else (running_mean, running_var)
    return _by_channel(
        output_gradient, batch_size, F.batch_norm(input, *statistics, training=training, eps=eps), weight, bias
    )


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
    return _by_channel(output_gradient, batch_size, normalized, weight, bias)


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
    return _by_channel(output_gradient, batch_size, F.group_norm(input, num_groups, eps=eps), weight, bias)


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


def _by_channel(
    output_gradient: Tensor, batch_size: int, normalized: Tensor, weight: Tensor | None, bias: Tensor | None
) -> _Found:
    if not batch_size or output_gradient.dim() < 2 or len(output_gradient) % batch_size:
        raise NotByExample(
            f"a normalisation layer saw a tensor of shape {tuple(output_gradient.shape)}, whose first axis is not "
            f"that of the {batch_size} examples of the batch"
        )
    at_outputs = wide(output_gradient)
    scales = _summed(at_outputs * normalized, batch_size)
    return [(weight, scales), (bias, _summed(at_outputs, batch_size))]


def _summed(tensor: Float[Tensor, "images channels *space"], batch_size: int) -> WrittenOut:
    by_image = tensor.sum(tuple(range(2, tensor.dim()))) if tensor.dim() > 2 else tensor
    return WrittenOut(torch.unflatten(by_image, 0, (batch_size, -1)).sum(1))


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

"""The gradients of single examples of convolutions, plain and transposed, in any number of dimensions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens.per_sample._example_gradients import ExampleGradients, Totals, WrittenInParts, WrittenOut
from shinso.lens.per_sample._overlaps import overlaps_are_cheaper, squared_norms_from_overlaps
from shinso.lens.per_sample._rows import NotByExample, wide

_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CHANNELS_LAST = {2: torch.channels_last, 3: torch.channels_last_3d}
_FEW_CHANNELS = 4
"""Up to which the kernels of convolutions, which work on blocks of channels, are slower than a matrix of windows."""


@dataclass(frozen=True)
class Correlations:
    """Contributions Σ_p δ_p ⊗ window_p of shape (out, in / groups, *kernel)."""

    inputs: Float[Tensor, "images in *space"]
    output_gradients: Float[Tensor, "images out *positions"]
    batch_size: int
    """A divisor of the number of images: one example may be several of them."""
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def sums(self, direction: Float[Tensor, "..."]) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """The squared norms and the inner products with a direction."""
        if len(self.inputs) != self.batch_size or self.groups > 1 or not self._overlaps_are_cheaper:
            return self._parts.sums(direction.movedim(1, -1) if self._channels_are_last else direction)
        norms = squared_norms_from_overlaps(
            self._padded(self.inputs), self.output_gradients, self.kernel, self.stride, self.dilation
        )
        forward = _CONVOLUTIONS[len(self.kernel)]
        along: Tensor = forward(self.inputs, direction, None, self.stride, self.padding, self.dilation)
        for axis, size in enumerate(self.output_gradients.shape[2:], 2):
            along = along.narrow(axis, 0, size)
        return norms, torch.linalg.vecdot(along.flatten(1), self.output_gradients.flatten(1))

    def totals(self) -> Totals:
        """The sums over examples of each entry and of its square."""
        totals = self._parts.totals()
        return Totals(*(total.movedim(-1, 1) for total in totals)) if self._channels_are_last else totals

    def entries(self, examples: Int[Tensor, " count"], entries: Int[Tensor, " count"]) -> Float[Tensor, " count"]:
        """Single entries, each of its own example."""
        out_channels, in_channels = self.output_gradients.shape[1], self.inputs.shape[1] // self.groups
        out, within, *offsets = torch.unravel_index(entries, (out_channels, in_channels, *self.kernel))
        group = torch.div(out, out_channels // self.groups, rounding_mode="floor")
        # Only the channels that are asked for: to draw the windows of all inputs would take longer than the layer.
        inputs, at_outputs = (
            torch.unflatten(tensor, 0, (self.batch_size, -1)).transpose(1, 2)
            for tensor in (self.inputs, self.output_gradients)
        )
        windows = self._windows(inputs[examples, group * in_channels + within])
        windows = windows.movedim(list(range(-len(offsets), 0)), list(range(1, 1 + len(offsets))))
        seen = windows[(torch.arange(len(entries), device=entries.device), *offsets)]
        found: Tensor = torch.linalg.vecdot(seen.flatten(1), at_outputs[examples, out].flatten(1))
        return found

    def of(self, examples: slice) -> Float[Tensor, "examples ..."]:
        """The contributions of some examples."""
        found = self._as_they_lie(examples)
        return found.movedim(-1, 2) if self._channels_are_last else found

    def _as_they_lie(self, examples: slice) -> Float[Tensor, "examples out ..."]:
        """The contributions of some examples, with the input channels last where those of the layer are."""
        images, count = len(self.inputs) // self.batch_size, examples.stop - examples.start
        chosen = slice(examples.start * images, examples.stop * images)
        inputs, at_outputs = self.inputs[chosen], self.output_gradients[chosen]
        if self._channels_are_last:
            merged = _with_channels_of_all(inputs), _with_channels_of_all(at_outputs)
            return self._side_by_side(*merged, count).movedim(2, -1)
        if self._through_windows:
            dims = len(self.kernel)
            windows = self._windows(inputs).permute(0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims))
            columns = windows.reshape(count, inputs.shape[1] * math.prod(self.kernel), -1)
            products = torch.bmm(at_outputs.flatten(2), columns.transpose(1, 2))
            return torch.unflatten(products, 2, (-1, *self.kernel))
        by_image = [torch.unflatten(tensor, 0, (count, images)).transpose(0, 1) for tensor in (inputs, at_outputs)]
        return self._side_by_side(by_image[0].flatten(1, 2), by_image[1].flatten(1, 2), count)

    def _side_by_side(
        self,
        inputs: Float[Tensor, "images all_in *space"],
        at_outputs: Float[Tensor, "images all_out *positions"],
        count: int,
    ) -> Float[Tensor, "examples ..."]:
        """By one convolution of as many groups as there are examples, so that their gradients do not add up."""
        groups, dims = count * self.groups, len(self.kernel)
        # Never read, but put in the order of the inputs where it is not: a copy as large as the result.
        order = _CHANNELS_LAST[dims] if self._channels_are_last else torch.contiguous_format
        shape = at_outputs.shape[1], inputs.shape[1] // groups, *self.kernel
        weights = torch.empty(shape, dtype=inputs.dtype, device=inputs.device, memory_format=order)
        _, found, _ = torch.ops.aten.convolution_backward(
            at_outputs,
            inputs,
            weights,
            None,
            self.stride,
            self.padding,
            self.dilation,
            False,
            (0,) * dims,
            groups,
            (False, True, False),
        )
        return torch.unflatten(found, 0, (count, -1))

    @cached_property
    def _channels_are_last(self) -> bool:
        if len(self.kernel) == 1 or len(self.inputs) != self.batch_size:
            return False
        tensors = self.inputs, self.output_gradients
        return all(tensor.stride(1) == 1 or tensor.shape[1] == 1 for tensor in tensors)

    @property
    def _through_windows(self) -> bool:
        few = self.inputs.shape[1] < _FEW_CHANNELS
        return few and len(self.inputs) == self.batch_size and self.groups == 1 and not self._channels_are_last

    @cached_property
    def _parts(self) -> WrittenInParts:
        positions = math.prod(self.output_gradients.shape[2:])
        windows = positions * self.inputs.shape[1] * math.prod(self.kernel)
        weights = self.output_gradients.shape[1] * self.inputs.shape[1] * math.prod(self.kernel) // self.groups
        return WrittenInParts(self.batch_size, max(weights, windows if self._through_windows else 0), self._as_they_lie)

    @property
    def _overlaps_are_cheaper(self) -> bool:
        padded = [size + 2 * amount for size, amount in zip(self.inputs.shape[2:], self.padding, strict=True)]
        out_channels, *positions = self.output_gradients.shape[1:]
        return overlaps_are_cheaper(padded, positions, self.inputs.shape[1], out_channels, self.kernel)

    def _padded(self, inputs: Float[Tensor, "images in *space"]) -> Float[Tensor, "images in *padded"]:
        return F.pad(inputs, [amount for amount in reversed(self.padding) for _ in range(2)])

    def _windows(self, inputs: Float[Tensor, "images in *space"]) -> Float[Tensor, "images in *positions_in_kernel"]:
        inputs = self._padded(inputs)
        for axis, (kernel, stride, dilation) in enumerate(zip(self.kernel, self.stride, self.dilation, strict=True)):
            inputs = inputs.unfold(axis + 2, (kernel - 1) * dilation + 1, stride)[..., ::dilation]
            inputs = inputs.narrow(axis + 2, 0, self.output_gradients.shape[axis + 2])
        return inputs


def convolution(
    output_gradient: Float[Tensor, "images out *positions"],
    batch_size: int,
    input: Float[Tensor, "images in *space"],
    weight: Float[Tensor, "out in_per_group *kernel"],
    bias: Float[Tensor, " out"] | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> list[tuple[Tensor | None, ExampleGradients]]:
    """Of the weight and the bias."""
    kernel = tuple(weight.shape[2:])
    inputs = wide(input)
    if padding == "same":
        inputs = _padded_to_same(inputs, kernel, _each(dilation, kernel))
    at_outputs = wide(output_gradient).to(inputs.dtype)
    amount = 0 if isinstance(padding, str) else padding
    weights = _correlations(inputs, at_outputs, batch_size, kernel, stride, amount, dilation, groups)
    return [(weight, weights), (bias, _of_bias(at_outputs, batch_size))]


def transposed_convolution(
    output_gradient: Float[Tensor, "images out *positions"],
    batch_size: int,
    input: Float[Tensor, "images in *space"],
    weight: Float[Tensor, "in out_per_group *kernel"],
    bias: Float[Tensor, " out"] | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> list[tuple[Tensor | None, ExampleGradients]]:
    """Of the weight and the bias: those of the plain convolution that goes back, with input and output exchanged."""
    kernel = tuple(weight.shape[2:])
    at_outputs = wide(output_gradient)
    inputs = wide(input).to(at_outputs.dtype)
    reached, amount = at_outputs, padding
    if any(extra >= step for extra, step in zip(_each(output_padding, kernel), _each(stride, kernel), strict=True)):
        # So much at the end that the convolution that goes back would have more positions than there are.
        reached, amount = _cut_to(inputs.shape[2:], at_outputs, kernel, stride, padding, dilation), 0
    weights = _correlations(reached, inputs, batch_size, kernel, stride, amount, dilation, groups)
    return [(weight, weights), (bias, _of_bias(at_outputs, batch_size))]


def _correlations(
    inputs: Tensor,
    at_outputs: Tensor,
    batch_size: int,
    kernel: tuple[int, ...],
    stride: int | Sequence[int],
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
    groups: int,
) -> Correlations:
    if at_outputs.dim() != len(kernel) + 2 or not batch_size or len(at_outputs) % batch_size:
        raise NotByExample(
            f"a convolution gave a tensor of shape {tuple(at_outputs.shape)}, whose first axis is not that of the "
            f"{batch_size} examples of the batch"
        )
    stride, padding, dilation = (_each(value, kernel) for value in (stride, padding, dilation))
    return Correlations(inputs, at_outputs, batch_size, kernel, stride, padding, dilation, groups)


def _with_channels_of_all(tensor: Float[Tensor, "examples channels *space"]) -> Float[Tensor, "1 all_channels *space"]:
    # Channels stay innermost in memory: the copy moves them in blocks, and convolutions take them as they lie.
    return tensor.movedim((0, 1), (-2, -1)).contiguous().flatten(-2).unsqueeze(0).movedim(-1, 1)


def _of_bias(at_outputs: Float[Tensor, "images out *positions"], batch_size: int) -> WrittenOut:
    by_image = at_outputs.sum(tuple(range(2, at_outputs.dim())))
    return WrittenOut(torch.unflatten(by_image, 0, (batch_size, -1)).sum(1))


def _padded_to_same(inputs: Tensor, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> Tensor:
    whole = [(size - 1) * step for size, step in zip(kernel, dilation, strict=True)]
    sides = [(total // 2, total - total // 2) for total in whole]
    return F.pad(inputs, [amount for side in reversed(sides) for amount in side])


def _cut_to(
    positions: Sequence[int],
    inputs: Tensor,
    kernel: tuple[int, ...],
    stride: int | Sequence[int],
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
) -> Tensor:
    """The padded inputs as far as these positions of a kernel reach."""
    inputs = F.pad(inputs, [amount for amount in reversed(_each(padding, kernel)) for _ in range(2)])
    steps = zip(positions, kernel, _each(stride, kernel), _each(dilation, kernel), strict=True)
    for axis, (count, size, step, apart) in enumerate(steps, 2):
        inputs = inputs.narrow(axis, 0, (count - 1) * step + (size - 1) * apart + 1)
    return inputs


def _each(value: int | Sequence[int], kernel: tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * len(kernel)
    return tuple(value) * len(kernel) if len(value) == 1 else tuple(value)

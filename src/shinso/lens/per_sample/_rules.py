"""How the gradients of single examples are had from a call, by the function that was called."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens._call import Call, Pass, Source, parameters_of_source
from shinso.lens._nested import tensors_in, with_tensors
from shinso.lens.per_sample._any_function import any_function
from shinso.lens.per_sample._attention import attention
from shinso.lens.per_sample._convolution import convolution, transposed_convolution
from shinso.lens.per_sample._embedding import embedding
from shinso.lens.per_sample._example_gradients import ExampleGradients, added
from shinso.lens.per_sample._linear import linear
from shinso.lens.per_sample._normalization import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from shinso.lens.per_sample._outer_products import OuterProducts, one_after_another
from shinso.lens.per_sample._recurrent import RECURRENT, RECURRENT_CELLS, recurrent, recurrent_cell
from shinso.lens.per_sample._rows import NotByExample, wide
from shinso.lens.per_sample._through_parameters import through_parameters

_Found = list[tuple[Tensor | None, ExampleGradients]]

_OF_LAYERS: dict[Any, Callable[..., _Found]] = {
    F.linear: linear,
    F.embedding: embedding,
    **dict.fromkeys((F.conv1d, F.conv2d, F.conv3d), convolution),
    **dict.fromkeys((F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d), transposed_convolution),
    F.batch_norm: batch_norm,
    F.instance_norm: instance_norm,
    F.group_norm: group_norm,
    F.layer_norm: layer_norm,
    F.rms_norm: rms_norm,
}
"""Called with the gradient of the output, the batch size, and the arguments of the function."""

_OF_CALLS: dict[Any, Callable[[Call, int], _Found]] = {
    F.multi_head_attention_forward: attention,
    **dict.fromkeys(RECURRENT, recurrent),
    **dict.fromkeys(RECURRENT_CELLS, recurrent_cell),
}


def by_parameter(seen: Pass) -> tuple[dict[str, ExampleGradients], dict[str, str]]:
    """The contributions of the examples by parameter, and why there are none, by parameter."""
    uses: dict[str, list[ExampleGradients]] = {}
    sizes: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for call in seen.calls:
        if not call.gradients:
            continue
        try:
            for source, tensor, gradients in of_sources(call, seen.batch_size):
                for name, part in _of_parameters(source, gradients, seen.batch_size):
                    uses.setdefault(name, []).append(part)
                    sizes[name] = tensor.numel()
        except NotByExample as reason:
            for source in call.sources.values():
                reasons |= dict.fromkeys(parameters_of_source(source), str(reason))
    return {
        name: together(parts, seen.batch_size, sizes[name]) for name, parts in uses.items() if name not in reasons
    }, reasons


def is_of_layer(call: Call) -> bool:
    """Whether the call's contributions are had without running anything again."""
    return call.function in _OF_LAYERS


def of_sources(call: Call, batch_size: int) -> list[tuple[Source, Tensor, ExampleGradients]]:
    """The contributions of the examples to the gradient of each argument of a call that is made of parameters."""
    rule = _OF_LAYERS.get(call.function)
    if rule is not None:
        known = {} if call.statistics is None else {"statistics": call.statistics}
        found = rule(call.gradients[0], batch_size, *call.args, **call.kwargs, **known)
    else:
        call = _in_single_precision(call)
        try:
            found = _OF_CALLS.get(call.function, any_function)(call, batch_size)
        except RuntimeError as error:
            name = getattr(call.function, "__name__", "a function of a parameter")
            raise NotByExample(f"{name} could not be run again: {error}") from error
    # Frozen parameters are no sources.
    return [(call.sources[id(t)], t, g) for t, g in found if t is not None and id(t) in call.sources]


def _in_single_precision(call: Call) -> Call:
    """The call without half precision: what autocast mixed cannot be mixed when it is run again without."""
    held = {id(tensor): wide(tensor) for tensor in tensors_in((call.args, call.kwargs))}
    args, kwargs = with_tensors((call.args, call.kwargs), lambda tensor: held[id(tensor)])
    sources = {id(held[key]): source for key, source in call.sources.items()}
    gradients = {place: wide(gradient) for place, gradient in call.gradients.items()}
    return Call(call.function, args, kwargs, sources, call.random_state, gradients)


def _of_parameters(source: Source, gradients: ExampleGradients, batch_size: int) -> list[tuple[str, ExampleGradients]]:
    if source.parameter is not None:
        return [(source.parameter, gradients)]
    return through_parameters(source, gradients, batch_size)


def together(parts: list[ExampleGradients], batch_size: int, size: int) -> ExampleGradients:
    """The contributions through all uses of one parameter."""
    outer = [part for part in parts if isinstance(part, OuterProducts)]
    return one_after_another(outer) if len(outer) == len(parts) else added(parts, batch_size, size)

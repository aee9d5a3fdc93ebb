"""From the gradients of a computed weight, such as a normalised one, to those of the parameters it is made of."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._call import Source
from shinso.lens._nested import tensors_in
from shinso.lens.per_sample._example_gradients import ExampleGradients, WrittenInParts
from shinso.lens.per_sample._rows import wide
from shinso.lens.per_sample._run_again import run_again


def parameters_in(source: Source, value: Tensor) -> dict[str, Tensor]:
    """The values, at the time of the call, of the parameters that a tensor was made of, by name."""
    if source.parameter is not None:
        return {source.parameter: value}
    assert source.made_by is not None
    found: dict[str, Tensor] = {}
    for key, argument in _arguments(source).items():
        found |= parameters_in(source.made_by.sources[key], argument)
    return found


def through_parameters(
    source: Source, gradients: ExampleGradients, batch_size: int
) -> list[tuple[str, ExampleGradients]]:
    """The gradients of the parameters that a tensor was made of, by name."""
    values = {name: v.detach().clone() for name, v in parameters_in(source, source.tensor).items()}
    size = source.tensor.numel()

    def of(name: str) -> ExampleGradients:
        def compute(examples: slice) -> Float[Tensor, "examples ..."]:
            with torch.enable_grad():
                leaf = values[name].detach().requires_grad_()
                made = _made(source, {**values, name: leaf})
                by_example = gradients.of(examples).to(made.dtype)
                return wide(torch.autograd.grad(made, leaf, by_example, is_grads_batched=True)[0])

        return WrittenInParts(batch_size, max(size, values[name].numel()), compute)

    return [(name, of(name)) for name in values]


def _made(source: Source, values: Mapping[str, Tensor]) -> Tensor:
    if source.parameter is not None:
        return values[source.parameter]
    call = source.made_by
    assert call is not None
    made = {key: _made(part, values) for key, part in call.sources.items()}
    return run_again(call, lambda tensor: made.get(id(tensor), tensor))[source.place]


def _arguments(source: Source) -> dict[int, Tensor]:
    call = source.made_by
    assert call is not None
    return {id(t): t for t in tensors_in((call.args, call.kwargs)) if id(t) in call.sources}

"""The gradients of single examples of any torch function, which is run again."""

import warnings
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._call import Call
from shinso.lens._nested import tensors_in
from shinso.lens.per_sample._example_gradients import ExampleGradients, WrittenInParts
from shinso.lens.per_sample._rows import NotByExample
from shinso.lens.per_sample._run_again import run_again


def any_function(call: Call, batch_size: int) -> list[tuple[Tensor | None, ExampleGradients]]:
    """Of each parameter among the arguments; exact where the rows of an example come from no other example's rows.

    Raises NotByExample where an output has no axis of the examples.
    """
    given = tensors_in((call.args, call.kwargs))
    found: list[tuple[Tensor | None, ExampleGradients]] = []
    for parameter in [tensor for tensor in given if id(tensor) in call.sources]:
        compute = _one_by_one(call, parameter, batch_size) or _by_masked_gradients(call, parameter, batch_size)
        size = parameter.numel() + sum(gradient.numel() for gradient in call.gradients.values())
        found.append((parameter, WrittenInParts(batch_size, size, compute)))
    return found


def _one_by_one(call: Call, parameter: Tensor, batch_size: int) -> Callable[[slice], Tensor] | None:
    """As if each example had been run alone, where the function can be run so; else None."""
    given = tensors_in((call.args, call.kwargs))
    batched = [t for t in given if id(t) not in call.sources and t.dim() and len(t) == batch_size]
    places, gradients = list(call.gradients), list(call.gradients.values())
    if not batched or any(not g.dim() or len(g) != batch_size for g in gradients):
        return None

    def of_example(examples: list[Tensor], at_outputs: list[Tensor]) -> Tensor:
        alone = {id(whole): row.unsqueeze(0) for whole, row in zip(batched, examples, strict=True)}

        def outputs(value: Tensor) -> tuple[Tensor, ...]:
            # Copies, because the function may write into what it is given.
            got = run_again(call, lambda t: value if t is parameter else alone.get(id(t), t).clone())
            return tuple(got[place] for place in places)

        back: Callable[..., tuple[Tensor, ...]] = torch.func.vjp(outputs, parameter)[1]
        return back(tuple(gradient.unsqueeze(0) for gradient in at_outputs))[0]

    def compute(examples: slice) -> Tensor:
        with torch.enable_grad(), warnings.catch_warnings():
            # Of torch, that a function has no batched form and is run in a loop.
            warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
            return torch.func.vmap(of_example, randomness="error")(
                [t[examples] for t in batched], [g[examples] for g in gradients]
            )

    try:
        compute(slice(0, 1))
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None
    return compute


def _by_masked_gradients(call: Call, parameter: Tensor, batch_size: int) -> Callable[[slice], Tensor]:
    """By one backward pass for each example, in which the outputs' gradients of all others are zero."""
    data = [t for t in tensors_in((call.args, call.kwargs)) if id(t) not in call.sources and t.dim()]
    second = bool(data) and all(len(t) != batch_size and batch_size in t.shape[1:] for t in data)
    gradients = {place: _examples_first(gradient, batch_size, second) for place, gradient in call.gradients.items()}
    with torch.enable_grad():
        value = parameter.detach().clone().requires_grad_()
        copies = {id(t): t.clone() for t in tensors_in((call.args, call.kwargs))}
        outputs = run_again(call, lambda t: value if t is parameter else copies[id(t)])
        reached = [_examples_first(outputs[place], batch_size, second) for place in gradients]

    def compute(examples: slice) -> Float[Tensor, "examples ..."]:
        chosen = range(examples.start, examples.stop)
        masked = []
        for gradient in gradients.values():
            alone = gradient.new_zeros(len(chosen), *gradient.shape)
            for row, example in enumerate(chosen):
                alone[row, example] = gradient[example]
            masked.append(alone)
        return torch.autograd.grad(reached, value, masked, retain_graph=True, is_grads_batched=True)[0]

    return compute


def _examples_first(tensor: Tensor, batch_size: int, second: bool) -> Tensor:
    """With an axis of the examples in front: the first, or the second where that is so of the data."""
    fits = tensor.dim() > 1 and tensor.shape[1] == batch_size
    if batch_size and fits and (second or len(tensor) != batch_size):
        return tensor.transpose(0, 1)
    if batch_size and tensor.dim() and len(tensor) % batch_size == 0:
        return torch.unflatten(tensor, 0, (batch_size, -1))
    raise NotByExample(
        f"a function of a parameter gave a tensor of shape {tuple(tensor.shape)}, of which no axis is that of the "
        f"{batch_size} examples of the batch"
    )

"""One call of a torch function that parameters take part in, and the calls of one run of a model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Shaped
from torch import Tensor

from shinso.lens._nested import tensors_in, with_tensors


@dataclass(frozen=True, eq=False)
class Source:
    """A trained parameter, or a tensor computed from parameters alone, such as a normalised weight."""

    tensor: Shaped[Tensor, "..."]
    parameter: str | None
    """Its name, if it is a parameter itself."""
    made_by: "Call | None" = None
    """The call that computed it, otherwise."""
    place: int = 0
    """Which of that call's outputs it is."""


@dataclass(eq=False)
class Call:
    """One call of a torch function with parameters among its arguments, and what the backward pass brought to it."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    sources: dict[int, Source]
    """The arguments that are made of parameters alone, by their ids."""
    random_state: Tensor | None = None
    """From before the call, of the generator of its device."""
    gradients: dict[int, Shaped[Tensor, "..."]] = field(default_factory=dict)
    """Of its outputs, by their place; an output without one did not reach the loss."""
    statistics: tuple[Tensor, Tensor] | None = None
    """Of batch normalisation in training: the mean and 1 / √(variance + eps) that it computed, if it tells."""
    released: bool = False
    """Whether all that was wanted of it is known, and its tensors were let go."""

    def receive(self, place: int, gradient: Tensor) -> None:
        """Take in the gradient of one output; a second backward pass through the same call adds to it."""
        if not self.released:
            known = self.gradients.get(place)
            self.gradients[place] = gradient.detach() if known is None else known + gradient.detach()

    def release(self) -> None:
        """Let go of all tensors."""
        self.released = True
        self.args, self.kwargs, self.gradients, self.statistics = (), {}, {}, None


@dataclass(eq=False)
class Pass:
    """What ran between one backward pass and the next: calls that saw the same examples, or parts of them."""

    batch_size: int
    """The first axis of the model's first input; 0 if it had none."""
    is_empty: bool = False
    """Whether that axis is there, and holds no example."""
    is_without_gradients: bool = False
    """Whether it began where no gradients are recorded: an evaluation, or layers that will be run again."""
    calls: list[Call] = field(default_factory=list)
    uses: dict[str, list[Call]] = field(default_factory=dict)
    """The calls of which a parameter itself is an argument, by its name."""
    through_others: set[str] = field(default_factory=set)
    """The parameters that take part by way of tensors computed from them."""
    gradients: dict[str, Shaped[Tensor, "..."]] = field(default_factory=dict)
    """Of each parameter that got one, from before any clipping."""
    outputs: Any = None
    """What the model returned: None if it did not run to its end."""


def parameters_of_source(source: Source) -> set[str]:
    """The names of the parameters that a tensor was made of."""
    if source.parameter is not None:
        return {source.parameter}
    assert source.made_by is not None
    return set[str]().union(*(parameters_of_source(part) for part in source.made_by.sources.values()))


def kept(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], sources: dict[int, Source]
) -> Call:
    """The call with its tensors as they are."""
    # Detached, because a graph that is held by its own hooks is never freed.
    held = {id(tensor): tensor.detach() for tensor in tensors_in((args, kwargs))}
    args, kwargs = with_tensors((args, kwargs), lambda tensor: held[id(tensor)])
    return Call(function, args, kwargs, {id(held[key]): source for key, source in sources.items()})


def copied(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], sources: dict[int, Source]
) -> Call:
    """The call with copies of its tensors, of which something may be overwritten."""
    call = kept(function, args, kwargs, sources)
    copies = {id(tensor): tensor.clone() for tensor in tensors_in((call.args, call.kwargs))}
    call.args, call.kwargs = with_tensors((call.args, call.kwargs), lambda tensor: copies[id(tensor)])
    call.sources = {id(copies[key]): source for key, source in call.sources.items()}
    return call

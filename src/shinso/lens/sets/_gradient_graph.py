"""One run of a model, kept as a graph that several lenses go back through."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.utils.hooks import RemovableHandle

from shinso.lens._call import Call, Pass
from shinso.lens._calls import Calls
from shinso.lens._capture import looking_away
from shinso.lens._differentiable_twice import differentiable_twice
from shinso.lens._probe import Probe

Vector = dict[str, Shaped[Tensor, "..."]]
"""A tensor for each parameter."""


class GradientGraph:
    """The loss of a probe's batch at its parameters as they are, its gradient as a function of them, and the calls.

    Holds all that takes, about three times the activations, until it is dropped. Raises ValueError for a complex
    parameter.
    """

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        # Copies, because the graph may outlive the step that changes the parameters in place.
        self.at: Vector = {name: value.detach().clone().requires_grad_() for name, value in probe.parameters.items()}
        for name, value in self.at.items():
            if value.is_complex():
                raise ValueError(f"curvature is read of real parameters; {name!r} is {value.dtype}: freeze it")
        self._calls = _Calls(self.at)
        with looking_away(), differentiable_twice(probe.model), self._calls.seen(probe.model):
            self.outputs = probe.outputs(self.at)
            self.loss: Float[Tensor, ""] = probe.loss_function(self.outputs, probe.targets)
            parameters = map(get_gradient_edge, self.at.values())
            sources = [*parameters, *self._calls.edges.values()]
            found = torch.autograd.grad(self.loss, sources, create_graph=True, allow_unused=True)
        gradients = dict(zip(self.at, found[: len(self.at)], strict=True))
        _check_none_is_sparse(gradients)
        self.gradient: Vector = {n: torch.zeros_like(self.at[n]) if g is None else g for n, g in gradients.items()}
        """Where it does not depend on the parameters at all, without a graph."""
        self._at_calls = found[len(self.at) :]

    def has(self, parameters: dict[str, Tensor]) -> bool:
        """Whether the graph is at these values of its parameters."""
        return all(torch.equal(value, parameters[name]) for name, value in self.at.items())

    def back_from_loss(self) -> Pass:
        """The calls, with the gradients of the loss at their outputs."""
        return self._with(self._at_calls)

    def back_from_outputs(self, direction: Float[Tensor, "..."]) -> Pass:
        """The calls, with the gradients of the inner product of the model's outputs with a tensor."""
        edges = list(self._calls.edges.values())
        # Only as far as the calls: what the parameters get is made of that by whoever wants it.
        return self._with(torch.autograd.grad(self.outputs, edges, direction, retain_graph=True, allow_unused=True))

    def _with(self, gradients: tuple[Tensor | None, ...]) -> Pass:
        seen = self._calls.passes[-1]
        for call in seen.calls:
            call.gradients = {}
        for (call, place), gradient in zip(self._calls.edges, gradients, strict=True):
            if gradient is not None:
                call.gradients[place] = gradient.detach()
        return seen


def _check_none_is_sparse(gradients: Mapping[str, Tensor | None]) -> None:
    for name, gradient in gradients.items():
        if gradient is not None and gradient.is_sparse:
            # Torch gives them without a graph: their curvature would read as zero.
            raise NotImplementedError(
                f"curvature needs second derivatives, which the sparse gradient of {name!r} does not have: build the "
                "embedding with sparse=False"
            )


@contextmanager
def lacking_is_said() -> Iterator[None]:
    """Raises NotImplementedError where an operation has no second derivative, which torch says in several ways."""
    try:
        yield
    except RuntimeError as error:
        if "is not implemented" not in str(error) and "differentiate twice" not in str(error):
            raise
        raise NotImplementedError(
            f"curvature needs second derivatives, which an operation of the model or the loss does not have: {error}"
        ) from error


class _Calls(Calls):
    """Keeps where in the graph the outputs of calls are, to ask for gradients there and again."""

    def __init__(self, parameters: Vector) -> None:
        super().__init__(parameters)
        self.edges: dict[tuple[Call, int], GradientEdge] = {}

    def _follow_parameters(self) -> list[RemovableHandle]:
        return []

    def _follow_output(self, call: Call, place: int, tensor: Tensor) -> None:
        # The edge and not the tensor, which a later operation may overwrite in place.
        self.edges[call, place] = get_gradient_edge(tensor)

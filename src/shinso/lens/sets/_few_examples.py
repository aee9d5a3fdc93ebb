"""A few random examples of a step's batch, on which its lenses share one run of the model."""

from collections.abc import Mapping
from functools import cached_property

from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens._step import Step
from shinso.lens._subset import generator_of, random_examples
from shinso.lens.sets._gradient_graph import GradientGraph


class FewExamples:
    """Random examples of a step's batch; the same for all lenses that ask for as many with the same seed."""

    def __init__(self, step: Step, count: int, seed: int) -> None:
        self.probe = random_examples(step.probe, count, generator_of(step, seed))

    @cached_property
    def graph(self) -> GradientGraph:
        """Their loss as a function of the parameters, at the parameters of when it was first asked for."""
        return GradientGraph(self.probe)

    def loss_and_gradient(
        self, parameters: Mapping[str, Shaped[Tensor, "..."]]
    ) -> tuple[Float[Tensor, ""], dict[str, Shaped[Tensor, "..."]]]:
        """Their loss and its gradient; from the graph, if there is one at these parameters."""
        at = {name: parameters[name] for name in self.probe.parameters}
        if "graph" in vars(self) and self.graph.has(at):
            return self.graph.loss.detach(), {name: value.detach() for name, value in self.graph.gradient.items()}
        return self.probe.loss_and_gradient(at)

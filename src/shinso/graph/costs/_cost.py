"""What a network costs: parameters, multiply-accumulates and memory, per node and per module."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from shinso._text_columns import columns
from shinso.graph._node import Node, Role
from shinso.graph._quantities import bytes_text, count_text
from shinso.graph.costs._lifetimes import Storage
from shinso.graph.costs._step_cost import StepCost

if TYPE_CHECKING:
    from shinso.graph._graph import Graph


@dataclass(frozen=True)
class Costs:
    """Costs of a node, a module or a whole network. One multiply-accumulate is two floating point operations."""

    parameters: int = 0
    macs: int = 0
    """Multiply-accumulates forward with weights: of convolutions, linear layers and recurrent cells, without biases."""
    matmul_macs: int = 0
    """Multiply-accumulates forward of activations with activations: QKᵀ and PV of attention."""
    backward_macs: int = 0
    """Multiply-accumulates backward, of both kinds. What needs no gradient (the network's input) costs none."""
    saved_bytes: int = 0
    """Activations kept for the backward; what several nodes keep counts at the first."""

    def __add__(self, other: "Costs") -> "Costs":
        return Costs(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Costs)))


@dataclass(frozen=True, eq=False)
class Cost:
    """What one forward and one backward of a graph cost. ``print(cost)`` is a table by module."""

    nodes: Mapping[Node, Costs]
    """Of parameters and operations, each by itself."""
    modules: Mapping[str, Costs]
    """Of each module with all inside it, by its path; ``""`` is the whole network."""
    parameter_bytes: int
    buffer_bytes: int
    input_bytes: int
    """Of inputs and constants."""
    gradient_bytes: int
    """Of what is differentiated: parameters, and inputs that require it."""
    peak_bytes: int
    """The most memory that is needed at one time: all that is given, the gradients, what is kept for the backward, and
    the largest sum of values and adjoints on their way. Python variables that outlive their last use, and an
    allocator's rounding, come on top."""

    @property
    def parameters(self) -> int:
        """How many numbers are learned; shared parameters count once."""
        return self.modules[""].parameters

    @property
    def macs(self) -> int:
        """Multiply-accumulates forward with weights, without biases."""
        return self.modules[""].macs

    @property
    def matmul_macs(self) -> int:
        """Multiply-accumulates forward of activations with activations."""
        return self.modules[""].matmul_macs

    @property
    def backward_macs(self) -> int:
        """Multiply-accumulates backward, of both kinds."""
        return self.modules[""].backward_macs

    @property
    def saved_bytes(self) -> int:
        """Activations kept for the backward: no parameters, buffers or inputs."""
        return self.modules[""].saved_bytes

    def table(self, *, depth: int | None = None) -> str:
        """A row for each module at most ``depth`` levels down (all by default), then the network, then its memory.

        Raises ValueError for a negative depth.
        """
        if depth is not None and depth < 0:
            raise ValueError(f"depth must be 0 (the network alone) or more; got {depth}")
        paths = [path for path in self.modules if path and (depth is None or path.count(".") < depth)]
        rows = [_row(_indented(path), self.modules[path]) for path in paths]
        header = ("module", "parameters", "MACs", "activation MACs", "backward MACs", "kept for backward")
        return columns(header, [*rows, _row("all", self.modules[""])]) + "\n\n" + self._memory()

    def __str__(self) -> str:
        return self.table(depth=2)

    def _memory(self) -> str:
        memory = {
            "parameters": self.parameter_bytes,
            "buffers": self.buffer_bytes,
            "inputs": self.input_bytes,
            "gradients": self.gradient_bytes,
            "kept for backward": self.saved_bytes,
            "peak": self.peak_bytes,
        }
        return columns(("memory", "bytes"), [(name, bytes_text(nbytes)) for name, nbytes in memory.items() if nbytes])


def cost(graph: "Graph") -> Cost:
    """What one forward and one backward of the graph cost, found without computing anything.

    Gradients go to what requires them: parameters that are not frozen, and inputs with ``requires_grad``. Products are
    counted as ``torch.utils.flop_counter`` counts them, halved: zero padding counts as data; biases, normalisation and
    pooling do not count; the gradient of a grouped convolution's weight counts as if there were one group. Memory is
    that of the device the graph was traced on; on ``meta`` no kernel is fused. Recurrent layers count in their plain
    form, step by step, on every device. What an operation computes for itself and drops (a kernel's workspace) is not
    in sight.
    """
    step = StepCost(graph)
    nodes = dict(_costs_of_nodes(graph, step))
    return Cost(
        nodes=nodes,
        modules=_costs_of_modules(nodes),
        parameter_bytes=_bytes_of(graph, "parameter"),
        buffer_bytes=_bytes_of(graph, "buffer"),
        input_bytes=_bytes_of(graph, "input") + _bytes_of(graph, "constant"),
        gradient_bytes=step.gradient_bytes,
        peak_bytes=step.ledger.peak_bytes,
    )


def _costs_of_nodes(graph: "Graph", step: StepCost) -> Iterator[tuple[Node, Costs]]:
    kept: set[Storage] = set()
    for node in graph.nodes:
        if node.role == "parameter":
            yield node, Costs(parameters=node.spec.elements)
        elif node in step.ran:
            ran = step.ran[node]
            new = [storage for storage in ran.saved if not storage.given and storage not in kept]
            kept.update(new)
            yield (
                node,
                Costs(
                    macs=ran.forward.macs,
                    matmul_macs=ran.forward.matmul_macs,
                    backward_macs=ran.backward.macs if node in step.pulled_back else 0,
                    saved_bytes=sum(storage.nbytes for storage in new),
                ),
            )
        elif node.is_operation:
            yield node, Costs()


def _costs_of_modules(nodes: Mapping[Node, Costs]) -> dict[str, Costs]:
    """The sums over what is inside each module, in the order of first use, outer modules before inner ones."""
    sums: dict[str, Costs] = {"": Costs()}
    for node, costs in sorted(nodes.items(), key=lambda item: not item[0].is_operation):
        for path in _with_outer(node.module if node.is_operation else node.name.rpartition(".")[0]):
            sums[path] = sums.get(path, Costs()) + costs
    place = {path: at for at, path in enumerate(sums)}
    order = sorted(sums, key=lambda path: [place[outer] for outer in _with_outer(path)])
    return {path: sums[path] for path in order}


def _with_outer(path: str) -> list[str]:
    """For ``stage1.0`` the empty path, ``stage1`` and ``stage1.0``."""
    parts = path.split(".") if path else []
    return [".".join(parts[:length]) for length in range(len(parts) + 1)]


def _bytes_of(graph: "Graph", role: Role) -> int:
    return sum(node.spec.nbytes for node in graph.bindings if node.role == role)


def _indented(path: str) -> str:
    return "  " * path.count(".") + path


def _row(label: str, costs: Costs) -> tuple[str, ...]:
    counts = (costs.parameters, costs.macs, costs.matmul_macs, costs.backward_macs)
    return (label, *map(count_text, counts), bytes_text(costs.saved_bytes))

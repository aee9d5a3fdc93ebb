"""The full Jacobian by either mode (lecture 003 section 1.3, lecture 004 section 6.5.9).

A sweep of forward mode gives a column, one of reverse mode a row: n sweeps against m for n inputs and m outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from shinso._text_columns import columns
from shinso.graph._timing import duration_text, seconds_in_turn

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ModeMeasured:
    """One mode's cost for a full Jacobian."""

    mode: str
    sweeps: int
    seconds: float | None
    """None where torch has no derivative of the kind for one of the operations."""


@dataclass(frozen=True)
class JacobianComparison:
    """Both modes on one function; ``print(comparison)`` is a table."""

    inputs: int
    outputs: int
    forward: ModeMeasured
    reverse: ModeMeasured
    difference: float
    """The largest difference between entries of the two Jacobians; nan where only one mode can be used."""

    @property
    def by_shape(self) -> ModeMeasured:
        """The mode of fewer sweeps, which ``jacobian`` takes; forward, which keeps nothing, if they are as many."""
        return self.forward if self.inputs <= self.outputs else self.reverse

    @property
    def faster(self) -> ModeMeasured:
        """The mode that took less time."""
        return min(
            (self.forward, self.reverse), key=lambda mode: float("inf") if mode.seconds is None else mode.seconds
        )

    def __str__(self) -> str:
        rows = [(mode.mode, str(mode.sweeps), duration_text(mode.seconds)) for mode in (self.forward, self.reverse)]
        chosen = f"{self.by_shape.mode} has fewer sweeps, {self.faster.mode} took less time"
        if self.by_shape is self.faster:
            chosen = f"{self.faster.mode} is cheaper by sweeps and by time"
        head = f"Jacobian of {self.outputs} outputs in {self.inputs} inputs: {chosen}"
        return f"{head}; largest difference {self.difference:.1e}\n\n{columns(('mode', 'sweeps', 'time'), rows)}"


def jacobian(function: Function, x: Tensor) -> Tensor:
    """∂function(x)/∂x, of the shape of the output followed by that of x, by the mode of fewer sweeps.

    That is forward mode for n ≤ m, or reverse mode if an operation has no forward derivative in torch (lecture 003
    equation 16). The function is run once more to count its outputs. Raises ValueError if x or the output is not one
    tensor of real numbers.
    """
    outputs = _output(function, x).numel()
    if x.numel() > outputs:
        return jacobian_reverse(function, x)
    try:
        return jacobian_forward(function, x)
    except NotImplementedError:
        return jacobian_reverse(function, x)


def jacobian_forward(function: Function, x: Tensor) -> Tensor:
    """The same by forward mode, a sweep for each entry of x, all in one batch where torch can (lecture 003 equation
    17). Raises NotImplementedError if an operation has no forward derivative in torch.
    """
    _check("x", x)

    def column(direction: Tensor) -> Tensor:
        pushed = torch.func.jvp(function, (x,), (direction,))
        _check("the function's output", pushed[0])
        tangent: Tensor = pushed[1]
        return tangent

    swept = _all_sweeps(column, _unit_tensors(x))
    return swept.movedim(0, -1).reshape(*swept.shape[1:], *x.shape)


def jacobian_reverse(function: Function, x: Tensor) -> Tensor:
    """The same by reverse mode, one run of the function and a sweep back for each entry of its output, all in one batch
    where torch can (lecture 003 equation 19).
    """
    _check("x", x)
    output, pull_back, *_ = torch.func.vjp(function, x)
    _check("the function's output", output)

    def row(adjoint: Tensor) -> Tensor:
        pulled: Tensor = pull_back(adjoint, retain_graph=True)[0]
        return pulled

    return _all_sweeps(row, _unit_tensors(output)).reshape(*output.shape, *x.shape)


def compare_jacobians(function: Function, x: Tensor, *, rounds: int = 5) -> JacobianComparison:
    """Sweeps and median seconds of the full Jacobian in either mode, measured in turn."""
    outputs = _output(function, x).numel()
    modes = {"reverse": lambda: jacobian_reverse(function, x), "forward": lambda: jacobian_forward(function, x)}
    found = {"reverse": modes["reverse"]()}
    try:
        found["forward"] = modes["forward"]()
    except NotImplementedError:
        del modes["forward"]
    times = seconds_in_turn(modes, rounds)
    difference = float("nan")
    if len(found) == 2:
        difference = (
            float((found["forward"] - found["reverse"]).detach().abs().max()) if found["reverse"].numel() else 0.0
        )
    forward = ModeMeasured("forward", x.numel(), times.get("forward"))
    reverse = ModeMeasured("reverse", outputs, times["reverse"])
    return JacobianComparison(x.numel(), outputs, forward, reverse, difference)


def _all_sweeps(sweep: Callable[[Tensor], Tensor], directions: Tensor) -> Tensor:
    """The sweeps along all directions, stacked."""
    if len(directions) == 0:
        return torch.stack([sweep(torch.zeros_like(directions.sum(0)))])[:0]
    try:
        found: Tensor = torch.func.vmap(sweep, randomness="same")(directions)
        return found
    except (RuntimeError, ValueError):
        # Some operations cannot be batched; an error of the function's own comes again.
        return torch.stack([sweep(direction) for direction in directions])


def _unit_tensors(like: Tensor) -> Tensor:
    identity = torch.eye(like.numel(), dtype=like.dtype, device=like.device)
    return identity.reshape(like.numel(), *like.shape)


def _output(function: Function, x: Tensor) -> Tensor:
    _check("x", x)
    with torch.no_grad():
        output = function(x)
    _check("the function's output", output)
    return output


def _check(name: str, value: object) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(
            f"{name} is of type {type(value).__name__}; a Jacobian needs one tensor: concatenate several into one"
        )
    if not value.is_floating_point():
        raise ValueError(f"{name} holds {value.dtype}; derivatives need real numbers: convert it with .float()")

"""A lens on the trace of the Hessian."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.curvature._hessian import hessian
from shinso.lens.curvature._parameter_vectors import by_layer
from shinso.lens.curvature._trace import Trace, total_and_by_layer

_NAN = float("nan")
_UNKNOWN = Trace(_NAN, _NAN, _NAN, _NAN, 0)


@dataclass(frozen=True)
class HessianTrace:
    """Reads ``hessian/trace``, the sum of the Hessian's eigenvalues on the batch, and its parts by layer.

    ``hessian/trace_low`` and ``hessian/trace_high`` are the ends of its 95 % confidence interval over random vectors,
    ``hessian/trace_by_layer`` the traces of the layers' diagonal blocks. It falls as training finds flat regions; a
    part that outgrows the others names the layer that has become sharp. NaN where the loss is not finite.

    A draw costs about two gradients. Do not trust differences within the interval, nor the number where negative
    curvature cancels positive. See ``trace`` and ``hessian`` for its other limits.
    """

    relative_error: float = 0.1
    max_draws: int = 50

    name: ClassVar[str] = "hessian_trace"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The trace, its interval, and the traces by layer."""
        try:
            whole, parts = total_and_by_layer(hessian(step.probe), self.relative_error, self.max_draws, step.number)
        except FloatingPointError:
            whole, parts = _UNKNOWN, dict.fromkeys(by_layer(tuple(step.probe.parameters)), _UNKNOWN)
        by_name = torch.tensor([part.value for part in parts.values()], dtype=torch.float64)
        ends = {"": whole.value, "_low": whole.low, "_high": whole.high}
        readings = {f"hessian/trace{end}": Reading(torch.tensor(value).double()) for end, value in ends.items()}
        return {**readings, "hessian/trace_by_layer": Reading(by_name, tuple(parts))}

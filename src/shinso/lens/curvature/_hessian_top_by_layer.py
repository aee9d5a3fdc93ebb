"""A lens on the sharpness of each layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.curvature._eigenpairs import extreme
from shinso.lens.curvature._hessian import hessian
from shinso.lens.curvature._parameter_vectors import by_layer


@dataclass(frozen=True)
class HessianTopByLayer:
    """Reads ``hessian/top_by_layer``: the largest eigenvalue of each layer's diagonal block of the Hessian.

    Each is at most the largest of the whole. A layer far above the others is what limits the learning rate. NaN as for
    ``HessianTop``, whose cost it has for each layer, and whose limits; besides, layers' shares change with the way in
    which scale is distributed over them (Dinh et al. 2017; see ``rescaled``).
    """

    relative_error: float = 1e-2
    max_products: int = 50

    name: ClassVar[str] = "hessian_top_by_layer"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The eigenvalues by layer."""
        layers = by_layer(tuple(step.probe.parameters))
        values = []
        try:
            matrix = hessian(step.probe)
            for names in layers.values():
                pairs = extreme(matrix.block(names), 1, 1.0, self.relative_error, self.max_products, 0)
                known = bool(pairs.errors[0] <= 2 * self.relative_error * pairs.values[0].abs())
                values.append(float(pairs.values[0]) if known else float("nan"))
        except FloatingPointError:
            values = [float("nan")] * len(layers)
        return {"hessian/top_by_layer": Reading(torch.tensor(values, dtype=torch.float64), tuple(layers))}

"""A lens on the largest eigenvalues of the Hessian."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.curvature._eigenpairs import extreme
from shinso.lens.curvature._hessian import hessian


@dataclass(frozen=True)
class HessianTop:
    """Reads ``hessian/top``: the largest eigenvalues of the Hessian on the batch, the largest first.

    The first is the sharpness. Full-batch gradient descent of rate η makes it rise to about 2/η and hover there (Cohen
    et al. 2021); far beyond it the step is unstable. A jump comes before divergence. NaN where the loss is not finite
    or Lanczos was not done after ``max_products``; a model of fewer parameters than ``count`` has as many.

    It takes about 20 to 40 times a training step, hence the sparse schedule. Do not trust it where batches are small:
    the largest eigenvalue of a batch's Hessian is above that of all data's. See ``hessian`` for its other limits.
    """

    count: int = 5
    relative_error: float = 1e-3
    max_products: int = 100

    name: ClassVar[str] = "hessian_top"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The eigenvalues by rank."""
        count = min(self.count, sum(value.numel() for value in step.probe.parameters.values()))
        try:
            pairs = extreme(hessian(step.probe), count, 1.0, self.relative_error, self.max_products, 0)
            known = pairs.errors <= 2 * self.relative_error * pairs.values.abs().max()
            values = torch.where(known, pairs.values, float("nan"))
        except FloatingPointError:
            values = torch.full((count,), float("nan"))
        return {"hessian/top": Reading(values, tuple(f"λ{rank}" for rank in range(1, count + 1)))}

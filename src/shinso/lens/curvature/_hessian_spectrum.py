"""A lens on the density of the Hessian's eigenvalues."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.curvature._hessian import hessian
from shinso.lens.curvature._spectral_density import spectral_density

_SHARES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)


@dataclass(frozen=True)
class HessianSpectrum:
    """Reads ``hessian/quantiles`` of the Hessian's eigenvalues on the batch, and ``hessian/negative_share``.

    The quantiles are of stochastic Lanczos quadrature; 0 and 100 % are the extreme eigenvalues that it met. A bulk near
    zero with few large values is usual. A share of negative eigenvalues that stays near one half says that there is no
    minimum near. NaN where the loss is not finite.

    Do not trust quantiles near 0 and 100 % as eigenvalues (they lie inside the true ones; ``HessianTop`` finds those),
    nor the share where most eigenvalues are zero but for rounding. See ``spectral_density`` and ``hessian``.
    """

    products: int = 30
    draws: int = 1

    name: ClassVar[str] = "hessian_spectrum"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The quantiles by share, and the share below zero."""
        try:
            density = spectral_density(hessian(step.probe), products=self.products, draws=self.draws, seed=step.number)
            values, below = density.quantiles(_SHARES), density.share_below(0.0)
        except FloatingPointError:
            values, below = torch.full((len(_SHARES),), float("nan")), float("nan")
        labels = tuple(f"{100 * share:g} %" for share in _SHARES)
        return {
            "hessian/quantiles": Reading(values, labels),
            "hessian/negative_share": Reading(torch.tensor(below).double()),
        }

"""Mean field theory of signals in wide random networks (Poole et al. 2016, Schoenholz et al. 2017)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.propagation._gaussian import gaussian_mean, gaussian_product_mean

_ENDLESS = 1e12
"""Longer signals are taken to grow without bound, and shorter ones than its inverse to die out."""


@dataclass(frozen=True)
class MeanField:
    """A wide fully-connected network with independent random weights, of one activation function.

    ``weight_variance`` σ_w² is the variance of a weight times its number of inputs, ``bias_variance`` σ_b² that of a
    bias: PyTorch's Linear has σ_w² = 1/3, He's initialization 2, Glorot's 1 where widths are equal. The length q of
    a signal is the mean square of its preactivations, c the correlation of two signals.

    Exact as the width goes to infinity. At width n the measured lengths of a ReLU network scatter by a share of about
    √(5·depth/n), so that for narrow or very deep ones this is a guess. It knows no residual sums, normalization or
    dropout, and no trained weights. An activation works elementwise, on tensors of float64; the quadrature is exact
    for smooth ones and for a kink at zero, and good to about 1e-3 for kinks elsewhere (hardtanh).

    Raises ValueError for variances that are negative, or no weights at all.

    >>> MeanField(torch.relu, 2.0).variance_map(1.5)
    1.5
    """

    activation: Callable[[Tensor], Tensor]
    weight_variance: float
    bias_variance: float = 0.0

    def __post_init__(self) -> None:
        if not self.weight_variance > 0 or not self.bias_variance >= 0:
            raise ValueError(
                f"σ_w² is above 0 and σ_b² at least 0; got {self.weight_variance} and {self.bias_variance}"
            )

    def variance_map(self, length: float) -> float:
        """The length in the next layer: σ_w² E[φ(√q z)²] + σ_b². Source: Poole et al. 2016, equation 3."""
        mean = gaussian_mean(lambda u: self.activation(u).square(), _number(length))
        return _round_off(self.weight_variance * mean.item() + self.bias_variance)

    def fixed_length(self, start: float = 1.0) -> float:
        """The length that stays as it is, reached from ``start``; 0 where signals die, infinite where they explode.

        Where every length stays as it is (ReLU with σ_w² = 2 and no biases) it is ``start``.
        """
        factor = 2.0 if self._excess(start) > 0 else 0.5
        near, far = start, start
        while self._excess(far) * (factor - 1) > 0:
            near, far = far, far * factor
            if far > _ENDLESS:
                return math.inf
            if far < 1 / _ENDLESS:
                return 0.0
        return _round_off(_root(self._excess, min(near, far), max(near, far)))

    def _excess(self, length: float) -> float:
        """By what share a length grows in a layer; 0 where that is within the error of the quadrature."""
        share = self.variance_map(length) / length - 1
        return 0.0 if abs(share) < 1e-11 else share

    def correlation_map(self, correlation: float, length: float | None = None) -> float:
        """The correlation in the next layer of two signals of that length, by default the fixed one.

        Source: Poole et al. 2016, equation 5 at equal lengths.
        """
        length = self.fixed_length() if length is None else length
        pair = _number(length), _number(length)
        mean = gaussian_product_mean(self.activation, self.activation, pair, _number(correlation))
        return (self.weight_variance * mean.item() + self.bias_variance) / self.variance_map(length)

    def fixed_correlation(self) -> float:
        """To where the correlation of two inputs goes with depth: 1 if they become alike (order), less in chaos."""
        length = self.fixed_length()

        def excess(correlation: float) -> float:
            return self.correlation_map(correlation, length) - correlation

        # Nearer to 1 the excess is lost in the error of the quadrature.
        highest = 1 - 1e-5
        return 1.0 if excess(highest) >= 0 else _root(excess, 0.0, highest)

    def slope(self, correlation: float = 1.0, length: float | None = None) -> float:
        """χ = σ_w² E[φ'(u) φ'(v)], the slope of the correlation map; at 1 also the growth of squared gradients.

        Below 1 at correlation 1 signals become alike and gradients vanish, above it they part and gradients explode; at
        1 is the edge of chaos. Source: Poole et al. 2016, equation 6; Schoenholz et al. 2017, equations 7 and 14.
        """
        q = _number(self.fixed_length() if length is None else length)
        if correlation == 1:
            mean = gaussian_mean(lambda u: self._derivative(u).square(), q)
        else:
            mean = gaussian_product_mean(self._derivative, self._derivative, (q, q), _number(correlation))
        return _round_off(self.weight_variance * mean.item())

    def depth_scale(self) -> float:
        """ξ = -1/log χ in layers, at the fixed correlation: how deep two inputs can be told apart.

        Networks much deeper than about 6ξ cannot be trained (Schoenholz et al. 2017, section 5, figure 5). Infinite at
        the edge of chaos. Source: ibid., equation 9. Raises ValueError where lengths do not settle (0 or infinite), for
        which no depth scale is defined.
        """
        if self.fixed_length() in (0.0, math.inf):
            raise ValueError(
                f"signals {'die out' if self.fixed_length() == 0 else 'grow without bound'} at σ_w² = "
                f"{self.weight_variance} and σ_b² = {self.bias_variance}: the length has no fixed point above 0, and "
                "no depth scale; look at variance_map"
            )
        chi = self.slope()
        if chi > 1 + 1e-9:
            chi = self.slope(self.fixed_correlation())
        # So close to the edge that the fixed correlation is 1 within rounding, the two slopes lie evenly around 1.
        return math.inf if abs(chi - 1) <= 1e-9 else 1 / abs(math.log(chi))

    def _derivative(self, values: Float[Tensor, " node"]) -> Float[Tensor, " node"]:
        with torch.enable_grad():
            at = values.detach().requires_grad_()
            # A copy goes in, since the activation may work in place.
            (slopes,) = torch.autograd.grad(self.activation(at.clone()).sum(), at)
        return slopes


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    if low == high or function(low) == 0:
        return low
    return float(brentq(function, low, high, xtol=1e-14, rtol=1e-13))


def _round_off(value: float) -> float:
    """The value without the last digits, which are those of the quadrature."""
    return float(f"{value:.13g}")


def _number(value: float) -> Float[Tensor, ""]:
    return torch.tensor(float(value), dtype=torch.float64)

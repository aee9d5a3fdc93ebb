"""ε-sharpness: how far the loss can rise in a small box around the parameters."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._probe import Probe
from shinso.lens.curvature._hessian import check_finite
from shinso.lens.curvature._parameter_vectors import ParameterVectors

Flat = Float[Tensor, " entries"]


def epsilon_sharpness(probe: Probe, epsilon: float = 1e-3, *, iterations: int = 10, seed: int = 0) -> float:
    """The highest loss found in the box |z_i| ≤ ε(|w_i| + 1) around the parameters w, as a rise in percent of 1 + loss.

    The box is searched by ``iterations`` of L-BFGS-B, as in the paper, in units of the box and of its slopes, from a
    random point near its middle: at a minimum the middle itself is stationary. So it is a lower bound of the true
    maximum, the paper's A being the identity. Minima of large-batch training score 10 to 100 times those of small
    batches at ε = 1e-3 (paper, table 3).

    Do not compare networks by it whose layers have other scales: the box is nearly absolute for small weights, so that
    rescaling layers of a ReLU network changes the number and not the network (Dinh et al. 2017; see ``rescaled``), and
    it grows with the number of parameters. ``filter_normalized_sharpness`` has no such fault. The batch must be that on
    which the two are compared, best all training data. Raises ValueError unless ε is positive, FloatingPointError where
    the loss is not finite.
    Source: Keskar et al. 2017, metric 2.1; lecture 001, "Sharp minima vs flat minima".
    """
    vectors = ParameterVectors(probe.parameters)
    at = vectors.flat(probe.parameters)

    def rise(change: Flat) -> tuple[Tensor, Flat]:
        loss, gradient = probe.loss_and_gradient(vectors.named(at + change, probe.parameters))
        return loss, vectors.flat(gradient)

    return _sharpness(rise, at, epsilon, iterations, seed)


def subspace_epsilon_sharpness(
    probe: Probe, epsilon: float = 1e-3, *, dimensions: int = 100, iterations: int = 10, seed: int = 0
) -> float:
    """The same within the span of random unit vectors A: the box is |y_i| ≤ ε(|(A⁺w)_i| + 1) around w + Ay.

    It holds a matrix of parameters by ``dimensions`` in memory. Raises ValueError too where there are not as many
    parameters as dimensions.
    """
    vectors = ParameterVectors(probe.parameters)
    if not 1 <= dimensions <= vectors.size:
        raise ValueError(
            f"a subspace of {vectors.size} parameters has 1 to {vectors.size} dimensions; got {dimensions}"
        )
    at = vectors.flat(probe.parameters)
    generator = torch.Generator().manual_seed(seed)
    basis = torch.randn(vectors.size, dimensions, generator=generator).to(at)
    basis /= basis.norm(dim=0)

    def rise(change: Flat) -> tuple[Tensor, Flat]:
        moved = at + basis @ change
        loss, gradient = probe.loss_and_gradient(vectors.named(moved, probe.parameters))
        return loss, basis.T @ vectors.flat(gradient)

    inside = torch.linalg.solve(basis.T @ basis, basis.T @ at)
    return _sharpness(rise, inside, epsilon, iterations, seed)


def _sharpness(
    loss_and_gradient: Callable[[Flat], tuple[Tensor, Flat]], at: Flat, epsilon: float, iterations: int, seed: int
) -> float:
    """The sharpness around ``at``, where losses are given by the change from there."""
    import numpy as np
    from scipy.optimize import Bounds, minimize

    if not epsilon > 0:
        raise ValueError(f"the box around the parameters has a positive size; got epsilon={epsilon}")
    before = loss_and_gradient(torch.zeros_like(at))[0]
    check_finite(before)
    losses = [float(before)]
    bound = (epsilon * (at.abs() + 1)).double().cpu().numpy()

    def climbed(place: Any) -> tuple[float, Any]:
        loss, gradient = loss_and_gradient(torch.from_numpy(bound * place).to(at))
        losses.append(float(loss))
        return -float(loss), -bound * gradient.double().cpu().numpy()

    signs = 2 * torch.randint(2, at.shape, generator=torch.Generator().manual_seed(seed)).double().numpy() - 1
    first = climbed(0.1 * signs)
    # In units of the box and of a small part of its slopes: a first step then reaches the walls that it leads to, where
    # in other units a flat minimum would seem to be climbed where the search starts.
    unit = 0.1 * abs(first[1]).mean() or 1.0

    def scaled(place: Any) -> tuple[float, Any]:
        value, slope = first if (place == 0.1 * signs).all() else climbed(place)
        return (value + losses[0]) / unit, slope / unit

    box = Bounds(-np.ones_like(bound), np.ones_like(bound))
    options = {"maxiter": iterations, "ftol": 0.0, "gtol": 0.0, "maxls": 10}
    minimize(scaled, 0.1 * signs, jac=True, method="L-BFGS-B", bounds=box, options=options)
    return 100 * (max(losses) - losses[0]) / (1 + losses[0])

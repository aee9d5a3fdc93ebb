"""Spectral norms: by how much each layer can stretch a vector."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.generalization._batch_norm_map import is_affine_in_eval_mode
from shinso.lens.generalization._linear_layers import LinearLayer, linear_layers, weights_of, without_bias

_DENSE_UP_TO = 64
_DECOMPOSED_UP_TO = 512


def spectral_norms(model: nn.Module, inputs: Any) -> dict[str, float]:
    """The largest singular value of each linear layer by its path, in the order in which the layers ran.

    Of nn.Linear that of its weight; of a convolution that of the whole operator at the size of its input (from
    ``inputs``, of which one example is run), with its padding and stride, and not of the reshaped kernel; of batch
    normalisation, in eval mode, the largest scale. Computed in float64 (operators and large weights by ARPACK, to
    1e-6 of the value).

    Their product bounds the Lipschitz constant of a chain of layers with activations that are 1-Lipschitz. Do not
    trust the product for residual sums, where it bounds nothing, nor a single norm where a scale can be traded between
    layers (ReLU, normalisation). Layers of other kinds (recurrent, attention, layer normalisation) are left out.

    Raises ValueError for a model without linear layers.

    Source: Miyato et al. 2018, arXiv 1802.05957, eq. 6 (of the reshaped kernel); Sedghi, Gupta and Long 2019, arXiv
    1805.10408 (of the convolution); lecture 003 §2.3.

    >>> norms = spectral_norms(nn.Sequential(nn.Linear(3, 3)), torch.ones(1, 3))
    >>> list(norms)
    ['0']
    """
    layers = linear_layers(model, inputs)
    if not layers.by_path:
        raise ValueError(
            f"{type(model).__name__} ran no linear layer; expected nn.Linear, a convolution or batch normalisation"
        )
    return {path: spectral_norm(layer) for path, layer in layers.by_path.items()}


def spectral_norm(layer: LinearLayer) -> float:
    """The largest singular value of one layer; NaN where its weights are not finite."""
    weights = weights_of(layer.module)
    if not weights.isfinite().all():
        return float("nan")
    if is_affine_in_eval_mode(layer.module):
        return weights.abs().max().item()
    shape = layer.input_shape
    if isinstance(layer.module, nn.Linear):
        if min(weights.shape) <= _DECOMPOSED_UP_TO:
            return float(torch.linalg.matrix_norm(weights, 2))
        shape = shape[-1:]  # the same at every position
    with torch.enable_grad():
        return _operator_norm(without_bias(layer.module), shape, weights.device)


@dataclass(frozen=True)
class SpectralNorms:
    """Reads ``spectral_norm`` by layer, and ``spectral_norm/log_product``, the natural logarithm of their product.

    See the function ``spectral_norms`` for what they mean and when not to trust them.

    Source: Bartlett, Foster and Telgarsky 2017; lecture 003 §2.3.
    """

    name = "spectral_norms"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """One number for each linear layer."""
        norms = spectral_norms(step.probe.model, step.probe.inputs)
        values = torch.tensor(list(norms.values()), dtype=torch.float64)
        return {
            "spectral_norm": Reading(values, tuple(norms)),
            "spectral_norm/log_product": Reading(values.log().sum()),
        }


def _operator_norm(apply: Callable[[Tensor], Tensor], shape: tuple[int, ...], device: torch.device) -> float:
    zeros = torch.zeros(1, *shape, dtype=torch.float64, device=device, requires_grad=True)
    image = apply(zeros)

    def forward(vector: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return apply(torch.from_numpy(vector).to(device).reshape(zeros.shape)).cpu().numpy().ravel()

    def adjoint(vector: np.ndarray) -> np.ndarray:
        weights = torch.from_numpy(vector).to(device).reshape(image.shape)
        return torch.autograd.grad(image, zeros, weights, retain_graph=True)[0].cpu().numpy().ravel()

    sizes = image.numel(), prod(shape)
    if min(sizes) <= _DENSE_UP_TO:
        matrix = np.stack([(adjoint if sizes[0] <= sizes[1] else forward)(unit) for unit in np.eye(min(sizes))])
        return float(np.linalg.norm(matrix, 2))
    from scipy.sparse.linalg import LinearOperator, svds

    operator = LinearOperator(sizes, matvec=forward, rmatvec=adjoint, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(min(sizes))
    return float(svds(operator, k=1, tol=1e-6, v0=start, return_singular_vectors=False)[0])

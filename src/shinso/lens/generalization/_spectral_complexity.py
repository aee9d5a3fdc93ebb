"""The spectral complexity of a chain of layers, and margins divided by it."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.lens.generalization._batch_norm_map import is_affine_in_eval_mode
from shinso.lens.generalization._chain import check_chain
from shinso.lens.generalization._linear_layers import (
    LinearLayer,
    linear_layers,
    weights_of,
    without_bias,
)
from shinso.lens.generalization._spectral_norms import spectral_norm


def spectral_complexity(model: nn.Module, inputs: Any, reference: nn.Module | None = None) -> float:
    """R_A = Π sᵢ · (Σ (‖Aᵢᵀ − Mᵢᵀ‖₂,₁ / sᵢ)^⅔)^(3/2), with sᵢ the spectral norm of the layer Aᵢ as an operator.

    ‖Aᵀ‖₂,₁ is the sum over the layer's outputs of the L2 norms of what each is computed with; of a convolution over all
    outputs of the whole operator at the size of its input. ``reference`` holds the Mᵢ, such as the network at its
    initialisation; by default they are 0. Biases do not count; batch normalisation is a layer of its own.

    Times ‖X‖₂ / (γn) it is the main term of a bound of the test error, for margins γ on n examples. Do not trust it as
    a bound by number (it is vacuous for deep networks), only to compare networks of the same depth and task; it takes
    activations and poolings to be 1-Lipschitz (ReLU, tanh, pooling without overlap).

    Raises ValueError where it is undefined: networks that are no chain (residual sums, shared layers), have parameters
    outside linear layers, or pad by reflection or replication.

    Source: Bartlett, Foster and Telgarsky 2017, arXiv 1706.08498, eq. 1.2; lecture 003 §2.3.
    """
    layers = linear_layers(model, inputs)
    if layers.left_out:
        raise ValueError(
            f"spectral complexity is defined for linear layers with activations between; {layers.left_out[0]} is a "
            "parameter of something else"
        )
    check_chain(model, inputs, {path: layer.calls for path, layer in layers.by_path.items()})
    norms = torch.tensor([spectral_norm(layer) for layer in layers.by_path.values()], dtype=torch.float64)
    distances = [
        _sum_of_row_norms(layer, None if reference is None else reference.get_submodule(path))
        for path, layer in layers.by_path.items()
    ]
    ratios = torch.tensor(distances, dtype=torch.float64) / norms
    return float(norms.prod() * ratios.pow(2 / 3).sum().pow(3 / 2))


def normalized_margins(
    margins: Float[Tensor, " examples"], complexity: float, inputs: Float[Tensor, "examples *input"]
) -> Float[Tensor, " examples"]:
    """Margins over R_A · ‖X‖₂ / n, with ‖X‖₂ the root of the sum of all squared inputs.

    Distributions further to the right go with smaller bounds of the test error (Bartlett et al. 2017, fig. 1-2). Do not
    trust the axis's scale, only the comparison of networks or labels on the same inputs.
    """
    scale = complexity * inputs.double().norm() / len(inputs)
    return torch.div(margins.double(), scale)


def _sum_of_row_norms(layer: LinearLayer, reference: nn.Module | None) -> float:
    """‖(A − M)ᵀ‖₂,₁ of the operator A."""
    module = layer.module
    difference = weights_of(module) - (0 if reference is None else weights_of(reference))
    if isinstance(module, nn.Linear):
        positions = torch.Size(layer.input_shape[:-1]).numel()
        return float(positions * difference.norm(dim=1).sum())
    if is_affine_in_eval_mode(module):
        positions = torch.Size(layer.input_shape[1:]).numel()
        return positions * difference.abs().sum().item()
    return _sum_of_row_norms_of_convolution(module, difference, layer.input_shape)


def _sum_of_row_norms_of_convolution(module: nn.Module, kernel: Tensor, shape: tuple[int, ...]) -> float:
    if module.padding_mode not in ("zeros", "circular"):
        raise ValueError(
            f"spectral complexity is not implemented for padding_mode {module.padding_mode!r}, which adds up entries "
            "of the kernel; use zeros or circular"
        )
    if module.padding_mode == "circular" and _meets_itself(module, shape):
        raise ValueError(
            f"spectral complexity is not implemented for a circular kernel larger than its input of shape {shape}: it "
            "meets entries twice, and adds up its own"
        )
    squares = without_bias(module)
    # Each entry of a row is one entry of the kernel: squared weights on ones give the squared norms of the rows.
    squares.__self__.weight = nn.Parameter(kernel.square())  # type: ignore[attr-defined]
    with torch.no_grad():
        return squares(torch.ones(1, *shape, dtype=torch.float64, device=kernel.device)).sqrt().sum().item()


def _meets_itself(module: nn.Module, shape: tuple[int, ...]) -> bool:
    kernel, dilation = module.kernel_size, module.dilation
    # Along an axis of n entries, places that are a multiple of n apart are one.
    return any(
        (step * apart) % size == 0
        for size, width, apart in zip(shape[1:], kernel, dilation, strict=True)  # type: ignore[arg-type]
        for step in range(1, width)
    )

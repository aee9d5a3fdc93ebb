"""The empirical Fisher matrix: the mean outer product of the examples' gradients."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree  # torch's only way to walk nested targets

from shinso.lens._probe import Probe
from shinso.lens.curvature._chunks import batch_size
from shinso.lens.curvature._curvature_matrix import CurvatureMatrix, Named, Product
from shinso.lens.curvature._hessian import check_finite
from shinso.lens.curvature._linearized import Linearized
from shinso.lens.curvature._split_loss import from_outputs


def empirical_fisher(probe: Probe, *, chunk_size: int | None = None, kept_bytes: float = 4 * 2**30) -> CurvatureMatrix:
    """The mean over the examples of gradient times gradient transposed; no example's gradient is ever formed.

    It measures how much examples disagree (it is the gradients' second moment), and equals the Fisher matrix only for a
    model that has fitted the data's distribution. Do not trust it as curvature: its scale is that of the residuals
    squared, and where the data are fitted it vanishes while the Hessian does not (Kunstner, Balles and Hennig 2019).

    Arguments and errors are those of ``hessian``. Raises ValueError too under batch normalisation in training mode,
    where an example has no gradient of its own, and for a loss that is not the mean over the examples.
    """
    coupled = [name for name, module in probe.model.named_modules() if _couples_examples(module)]
    if coupled:
        raise ValueError(
            f"{', '.join(coupled)} normalises by the statistics of the batch, so that an example has no gradient of "
            "its own: call model.eval() for population statistics, or take gauss_newton, which is defined for batches"
        )
    return CurvatureMatrix(probe, _product, chunk_size, kept_bytes)


def _product(probe: Probe, point: Named) -> Product:
    def taken_apart(outputs: Any, targets: Any) -> tuple[Tensor, Tensor]:
        parts = zip(_examples(outputs, batch_size(probe)), _examples(targets, batch_size(probe)), strict=True)
        return torch.stack([probe.loss_function(*part) for part in parts]), probe.loss_function(outputs, targets)

    losses, loss = from_outputs(probe, point, taken_apart)
    check_finite(loss)
    if not torch.allclose(losses.mean(), loss, rtol=1e-3, atol=1e-6):
        raise ValueError(
            f"the mean of the examples' losses is {losses.mean().item():.6g}, but the loss of the batch is "
            f"{loss.item():.6g}; an example's gradient needs a loss that is the mean over the examples"
        )
    by_example = Linearized((losses,), point)

    def product(vector: Named) -> Named:
        (changes,) = by_example.forward(vector)
        return by_example.back((changes / len(losses),), vector)

    return product


def _examples(batch: Any, size: int) -> list[Any]:
    """The batch as batches of one, sliced all at once: the graph of a slice would be as large as the batch."""
    leaves, structure = pytree.tree_flatten(batch)
    sliced = [
        torch.split(leaf, 1) if isinstance(leaf, Tensor) and leaf.dim() and len(leaf) == size else [leaf] * size
        for leaf in leaves
    ]
    return [pytree.tree_unflatten(list(example), structure) for example in zip(*sliced, strict=True)]


def _couples_examples(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.batchnorm._BatchNorm) and (module.training or module.running_mean is None)

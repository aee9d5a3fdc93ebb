"""Tangent kernel: the directions in which a network learns fast and slowly, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.tangent_kernel._first_examples import first_examples
from shinso.lens.tangent_kernel._spectrum import kernel_spectrum, target_alignment
from shinso.lens.tangent_kernel._tangent_kernel import tangent_kernel


@dataclass(frozen=True)
class TangentKernel:
    """Reads the extreme eigenvalues of the tangent kernel of the batch's first examples, and its target alignment.

    ``tangent_kernel/greatest`` and ``/least`` are eigenvalues: the slowest part of the error shrinks in proportion to
    the least, and gradient descent on mean squared error diverges above (number of outputs) / greatest.
    ``tangent_kernel/trace`` is their sum, and ``/alignment`` how the kernel lies to the targets, as in
    ``target_alignment``. If they stay as they are, training is lazy; a kernel that changes and aligns learns features.

    The least eigenvalue falls with the number of examples, so compare readings of one batch size only; a least one
    below about 1e-7 of the greatest is rounding. Outputs of softmax classifiers always have a direction that the loss
    does not see (all logits of an example together). In training mode batch normalization couples the examples.
    Source: Jacot et al. 2018; Du et al. 2019, assumption 3.1 (least eigenvalue); lecture 001, Over-parametrization.
    """

    examples: int = 16
    at_once: int = 16
    """Rows of the kernel computed as one batch; 1 where torch cannot vectorize the model's derivatives."""

    name: ClassVar[str] = "tangent_kernel"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The four numbers; no alignment where the targets are no tensor with one entry or row for each example."""
        probe = first_examples(step.probe, self.examples)
        kernel = tangent_kernel(probe, at_once=self.at_once)
        values = kernel_spectrum(kernel)
        readings = {"greatest": values[0], "least": values[-1], "trace": values.sum()}
        targets = _columns(probe, kernel.shape[1])
        if targets is not None:
            readings["alignment"] = target_alignment(kernel, targets)
        return {f"tangent_kernel/{name}": Reading(value) for name, value in readings.items()}


def _columns(probe: Probe, outputs: int) -> Float[Tensor, "example target"] | None:
    """The targets as columns of numbers: class numbers one-hot."""
    targets: Any = probe.targets
    if not isinstance(targets, Tensor) or targets.dim() == 0:
        return None
    if targets.is_floating_point():
        return targets.reshape(len(targets), -1)
    if targets.dim() != 1 or targets.min() < 0:
        return None
    return F.one_hot(targets, max(outputs, int(targets.max()) + 1)).to(torch.get_default_dtype())

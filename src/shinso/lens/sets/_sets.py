"""Three sets of lenses on a training, by what they cost."""

from shinso.lens._gradient_flow import GradientFlow
from shinso.lens._lens import Lens
from shinso.lens.per_sample import GradientHistogram, GradientNoise, GradientParameterHistogram, GradientTests
from shinso.lens.sets._distance import Distance
from shinso.lens.sets._hessian_trace import RoughHessianTrace
from shinso.lens.sets._local_step import LocalStep
from shinso.lens.sets._takeuchi import TakeuchiCriterion
from shinso.lens.sets._top_eigenvalue import TopHessianEigenvalue
from shinso.lens.sets._training_loss import TrainingLoss


def economy() -> tuple[Lens, ...]:
    """Loss, gradient norms and noise, distances, where each step landed, tests of the batch size, gradient histogram.

    For ``watch(…, loss=…)``; new ones for each training, because some remember where it started.

    >>> [lens.name for lens in economy()][:3]
    ['training_loss', 'gradient_flow', 'gradient_noise']
    """
    return (
        TrainingLoss(),
        GradientFlow(),
        GradientNoise(),
        Distance(),
        LocalStep(),
        GradientTests(),
        GradientHistogram(),
    )


def business() -> tuple[Lens, ...]:
    """The lenses of ``economy()``, the trace of the Hessian and the Takeuchi criterion."""
    return *economy(), RoughHessianTrace(), TakeuchiCriterion()


def full_set() -> tuple[Lens, ...]:
    """The lenses of ``business()``, the largest eigenvalue of the Hessian and gradients against parameters."""
    return *business(), TopHessianEigenvalue(), GradientParameterHistogram()

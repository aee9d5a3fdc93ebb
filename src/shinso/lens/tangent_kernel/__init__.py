"""The neural tangent kernel of a finite network: its spectrum, the loss it predicts, and whether that holds."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.tangent_kernel._descent import Descent, gradient_descent, linearized_descent, linearized_outputs
from shinso.lens.tangent_kernel._draw_convergence import draw_convergence
from shinso.lens.tangent_kernel._lazy_training import LazyTraining, lazy_training
from shinso.lens.tangent_kernel._prediction import Prediction, predicted_convergence
from shinso.lens.tangent_kernel._spectrum import kernel_spectrum, target_alignment
from shinso.lens.tangent_kernel._tangent_kernel import tangent_kernel
from shinso.lens.tangent_kernel._tangent_kernel_lens import TangentKernel

__all__ = [
    "Descent",
    "LazyTraining",
    "Prediction",
    "TangentKernel",
    "draw_convergence",
    "gradient_descent",
    "kernel_spectrum",
    "lazy_training",
    "linearized_descent",
    "linearized_outputs",
    "predicted_convergence",
    "tangent_kernel",
    "target_alignment",
]

LENSES: dict[str, Entry] = {
    "tangent_kernel": Entry(
        TangentKernel, Cost.OFFLINE, "Jacot et al. 2018; Du et al. 2019; lecture 001, Over-parametrization"
    ),
}

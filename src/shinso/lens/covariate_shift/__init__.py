"""Internal covariate shift: how a step moves what each layer is given, and what that does to its gradient."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.covariate_shift._draw_gradient_shift import draw_gradient_shift
from shinso.lens.covariate_shift._draw_input_shift import draw_input_shift
from shinso.lens.covariate_shift._gradient_shift import GradientPair, GradientShift, gradient_shift
from shinso.lens.covariate_shift._input_drift import InputDrift
from shinso.lens.covariate_shift._input_shift import InputShift, Moved, input_shift
from shinso.lens.covariate_shift._layer_inputs import LayerInputs, layer_inputs
from shinso.lens.covariate_shift._layers_in_order import layers_in_order
from shinso.lens.covariate_shift._wasserstein import wasserstein_distance

__all__ = [
    "LENSES",
    "GradientPair",
    "GradientShift",
    "InputDrift",
    "InputShift",
    "LayerInputs",
    "Moved",
    "draw_gradient_shift",
    "draw_input_shift",
    "gradient_shift",
    "input_shift",
    "layer_inputs",
    "layers_in_order",
    "wasserstein_distance",
]

LENSES: dict[str, Entry] = {
    "input_shift": Entry(InputShift, Cost.FULL, "Ioffe and Szegedy 2015, section 1; lecture 000"),
    "input_drift": Entry(InputDrift, Cost.FULL, "Santurkar et al. 2018, figures 2 and 8; lecture 000", at_rest=False),
    "gradient_shift": Entry(GradientShift, Cost.OFFLINE, "Santurkar et al. 2018, definition 2.1; lecture 000"),
}

"""Pictures of what a network has learnt: filters, feature maps, telling examples, and what its answers rest on."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.features._attribution import Attribution
from shinso.lens.features._draw_attributions import draw_attributions
from shinso.lens.features._draw_examples import draw_most_activating, draw_nearest
from shinso.lens.features._draw_feature_maps import draw_feature_maps
from shinso.lens.features._draw_filters import draw_filters
from shinso.lens.features._feature_maps import FeatureMaps, feature_maps
from shinso.lens.features._filters import Filters, first_filters
from shinso.lens.features._grad_cam import grad_cam
from shinso.lens.features._input_gradient import gradient_times_input, input_gradient
from shinso.lens.features._integrated_gradients import completeness_gap, integrated_gradients
from shinso.lens.features._most_activating import MostActivating, most_activating
from shinso.lens.features._nearest import Nearest, nearest_examples
from shinso.lens.features._occlusion import occlusion
from shinso.lens.features._score import Score, logit_of
from shinso.lens.features._smooth_grad import smooth_grad

__all__ = [
    "LENSES",
    "Attribution",
    "FeatureMaps",
    "Filters",
    "MostActivating",
    "Nearest",
    "Score",
    "completeness_gap",
    "draw_attributions",
    "draw_feature_maps",
    "draw_filters",
    "draw_most_activating",
    "draw_nearest",
    "feature_maps",
    "first_filters",
    "grad_cam",
    "gradient_times_input",
    "input_gradient",
    "integrated_gradients",
    "logit_of",
    "most_activating",
    "nearest_examples",
    "occlusion",
    "smooth_grad",
]

LENSES: dict[str, Entry] = {
    "filters": Entry(Filters, Cost.OFFLINE, "Krizhevsky et al. 2012, figure 3; lecture 000 (AlexNet)"),
    "feature_maps": Entry(FeatureMaps, Cost.OFFLINE, "LeCun et al. 1998, figure 2; lecture 001"),
    "attribution": Entry(Attribution, Cost.OFFLINE, "Sundararajan et al. 2017, equation 1; lecture 001"),
}

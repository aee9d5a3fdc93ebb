"""Pictures of a network at rest, for the lenses whose readings curves and heat maps would not show.

Each draws from a ``Probe`` of a model in eval mode and a batch; what it shows, and when not to trust it, is said at
the functions that it calls. They raise ValueError where a picture is not defined for this network or batch.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from shinso.lens._probe import Probe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Portrait = Callable[[Probe, "Figure"], None]
_EXAMPLES = 6
_RADII = (0.0, 0.02, 0.05, 0.1, 0.2)


def _filters(probe: Probe, figure: "Figure") -> None:
    from shinso.lens.features import draw_filters, first_filters

    draw_filters(first_filters(probe.model), figure)


def _feature_maps(probe: Probe, figure: "Figure") -> None:
    from shinso.lens.features import draw_feature_maps, feature_maps

    image = _images(probe)[:1]
    maps = {layer: values[0] for layer, values in feature_maps(probe.model, image).items() if values.dim() == 4}
    every = -(-len(maps) // _EXAMPLES)
    figure.set_size_inches(9, 1.4 * min(len(maps), _EXAMPLES) + 2)
    draw_feature_maps(image[0], dict(list(maps.items())[::every]), figure)


def _attribution(probe: Probe, figure: "Figure") -> None:
    from shinso.lens.features import draw_attributions, input_gradient, integrated_gradients, logit_of, smooth_grad

    images, targets = _images(probe)[:_EXAMPLES], probe.targets[:_EXAMPLES]
    score = logit_of(targets)
    maps = {
        "gradient": input_gradient(probe.model, images, score),
        "smoothed gradient": smooth_grad(probe.model, images, score),
        "integrated gradients": integrated_gradients(probe.model, images, score),
    }
    figure.set_size_inches(7, 1.5 * len(images) + 0.8)
    draw_attributions(images, maps, figure, names=[f"class {int(target)}" for target in targets])
    figure.suptitle("What speaks for the right class (blue) and against it (red)", x=0.01, ha="left")


def _robustness(probe: Probe, figure: "Figure") -> None:
    from shinso.lens.adversarial import LInf, draw_robust_accuracy, robust_accuracy, unbounded

    curve = {
        radius: robust_accuracy(
            probe.model, probe.loss_function, [(probe.inputs, probe.targets)], LInf(radius), unbounded()
        )
        for radius in _RADII
    }
    draw_robust_accuracy({"each input changed by at most the radius": curve}, figure)
    figure.axes[0].set_xlabel("radius of the perturbation (in the units that the network is given)")


def _landscape(probe: Probe, figure: "Figure") -> None:
    from shinso.lens.curvature import draw_loss_plane, filter_normalized, loss_plane, random_direction

    first, second = (filter_normalized(probe, random_direction(probe, seed)) for seed in (0, 1))
    figure.set_size_inches(11, 4.6)
    draw_loss_plane(loss_plane(probe, first, second), figure)


def _spectrum(probe: Probe, figure: "Figure") -> None:
    from shinso.lens.curvature import draw_spectral_density, hessian, spectral_density

    draw_spectral_density(spectral_density(hessian(probe)), figure)


def _margins(probe: Probe, figure: "Figure") -> None:
    from shinso.lens.generalization import draw_margins, margins

    draw_margins({"this network": margins(probe.outputs(), probe.targets)}, figure)


def _linear_regions(probe: Probe, figure: "Figure") -> None:
    from shinso.lens.regions import draw_linear_regions, linear_regions, plane_through

    examples = _floating(probe)[:3]
    figure.set_size_inches(11, 5)
    draw_linear_regions(linear_regions(probe.model, plane_through(examples), most=20_000), figure, examples)


def _images(probe: Probe) -> Tensor:
    images = _floating(probe)
    if images.dim() != 4:
        raise ValueError(
            f"only images [batch, channel, height, width] can be shown; the batch is {tuple(images.shape)}"
        )
    return images


def _floating(probe: Probe) -> Tensor:
    if not isinstance(probe.inputs, Tensor) or not probe.inputs.is_floating_point():
        raise ValueError("the batch is not one tensor of real numbers")
    return probe.inputs


PORTRAITS: Mapping[str, Portrait] = {
    "filters": _filters,
    "feature_maps": _feature_maps,
    "attribution": _attribution,
    "robustness": _robustness,
    "landscape": _landscape,
    "hessian_spectrum": _spectrum,
    "margins": _margins,
    "linear_regions": _linear_regions,
}
"""By the name of the lens."""


def draw_portrait(name: str, probe: Probe, figure: "Figure") -> None:
    """Draw the picture of the lens of that name; raises KeyError for one without a picture of its own."""
    with torch.no_grad():
        PORTRAITS[name](probe, figure)

"""What the first layer looks for: its weights as pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step


def first_filters(
    model: nn.Module, image_shape: tuple[int, int, int] | None = None
) -> Float[Tensor, "filters channels height width"]:
    """The weights of the first two-dimensional convolution that the model registers; a copy.

    With ``image_shape`` (channels, height, width) those of the first linear layer with as many inputs, which sees the
    whole image at once, as in a perceptron. Raises ValueError where there is no such layer.

    A trained convolution on photographs shows edges, spots and colours (Krizhevsky et al. 2012, figure 3; lecture
    000); noise that is left there says that training was short, or regularisation weak. Small filters of 3×3 show
    little, and weights in front of a batch normalisation have no scale of their own.
    """
    for module in model.modules():
        if image_shape is None and isinstance(module, nn.Conv2d):
            return module.weight.detach().clone()
        if image_shape is not None and isinstance(module, nn.Linear) and module.in_features == _size(image_shape):
            return module.weight.detach().clone().reshape(-1, *image_shape)
    if image_shape is None:
        raise ValueError(
            f"{type(model).__name__} has no two-dimensional convolution; for a linear layer on images give their "
            "image_shape=(channels, height, width)"
        )
    raise ValueError(
        f"{type(model).__name__} has no linear layer with the {_size(image_shape)} inputs of images of shape "
        f"{image_shape}"
    )


@dataclass(frozen=True)
class Filters:
    """Reads ``filters/first``: the filters of the first layer, shape [filters, channels, height, width].

    What they mean, and when not to trust them, is said at ``first_filters``. Nothing is read of a model without a
    two-dimensional convolution, unless the ``image_shape`` of a first linear layer is given.

    Source: Krizhevsky, Sutskever and Hinton 2012, figure 3; lecture 000 (AlexNet), lecture 001.
    """

    image_shape: tuple[int, int, int] | None = None

    name = "filters"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The filters as the step left them."""
        model = step.probe.model
        if self.image_shape is None and not any(isinstance(module, nn.Conv2d) for module in model.modules()):
            return {}
        return {"filters/first": Reading(first_filters(model, self.image_shape))}


def _size(image_shape: tuple[int, int, int]) -> int:
    channels, height, width = image_shape
    return channels * height * width

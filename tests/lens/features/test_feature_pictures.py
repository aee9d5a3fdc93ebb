"""Pictures hold what they are given, with titles that say what it is."""

import numpy as np
import pytest
import torch
from feature_cases import convolutional, images
from matplotlib.figure import Figure
from torch import Tensor

from shinso.lens.features import (
    draw_attributions,
    draw_feature_maps,
    draw_filters,
    draw_most_activating,
    draw_nearest,
    most_activating,
    nearest_examples,
)


def test_filters_of_three_channels_are_in_colour_and_others_signed() -> None:
    figure = Figure()
    filters = torch.zeros(14, 3, 2, 2)
    filters[13, 0, 1, 1] = -5.0
    draw_filters(filters, figure)
    page = figure.axes[0].images[0].get_array()
    assert page.shape == (2 * 2 + 1, 12 * 2 + 11, 4)
    np.testing.assert_allclose(page[4, 4], [0, 0.5, 0.5, 1])
    draw_filters(torch.ones(40, 4, 3, 3), grey := Figure())
    assert grey.axes[0].get_title().startswith("40 filters of 3 × 3 (the first 96 of 160 tiles)")
    assert figure.axes[0].get_title() == "14 filters of 2 × 2\ngrey: zero; each by its own largest weight"


def test_feature_maps_stand_below_the_image() -> None:
    figure = Figure()
    draw_feature_maps(images()[0], {"conv": torch.linspace(-2, 2, 20 * 4).view(20, 2, 2)}, figure)
    assert figure.axes[1].get_title() == "conv: 16 of 20 channels, 2 × 2, largest ± 2"
    with pytest.raises(ValueError, match=r"the output of 'head' for one image has the shape \(3,\); only maps"):
        draw_feature_maps(images()[0], {"head": torch.ones(3)}, figure)


def test_attributions_are_laid_over_their_images() -> None:
    figure, pictures = Figure(), images(2)
    maps: dict[str, Tensor] = {"gradient": pictures, "coarse": torch.ones(2, 2, 2)}
    draw_attributions(pictures, maps, figure, ["cat", "dog"])
    assert [axes.get_title(loc="center") for axes in figure.axes[:3]] == ["image", "gradient", "coarse"]
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["cat", "dog"]
    assert figure.axes[2].images[0].get_array().shape == (6, 6, 3)


def test_examples_are_shown_with_their_numbers() -> None:
    model, pictures = convolutional(), images(5)
    figure = Figure()
    nearest = nearest_examples(model, pictures[:2], [pictures], "6", count=3)
    draw_nearest(nearest, pictures[:2], pictures, figure)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["query", "0"]
    found = most_activating(model, [pictures], "6", count=2)
    draw_most_activating(found, pictures, figure := Figure(), "the pooling", units=[4])
    assert len(figure.axes) == 2
    assert figure.axes[0].get_ylabel() == "unit 4"
    assert figure.axes[1].get_title() == f"{found.activations[4, 1]:.3g}"

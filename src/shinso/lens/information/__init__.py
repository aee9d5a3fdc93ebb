"""The information plane: what each layer knows of the inputs and of the targets, by estimators that can disagree."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.information._binning import bin_edges, binned_information
from shinso.lens.information._classes import classes_of
from shinso.lens.information._disagreement import information_warnings
from shinso.lens.information._draw_information_plane import draw_information_plane
from shinso.lens.information._information import Information, InformationBounds
from shinso.lens.information._information_plane import InformationPlane
from shinso.lens.information._kernel_density import kernel_density_information
from shinso.lens.information._layer_information import LayerInformation, layer_information
from shinso.lens.information._nearest_neighbours import (
    nearest_neighbour_information,
    nearest_neighbour_target_information,
)

__all__ = [
    "Information",
    "InformationBounds",
    "InformationPlane",
    "LayerInformation",
    "bin_edges",
    "binned_information",
    "classes_of",
    "draw_information_plane",
    "information_warnings",
    "kernel_density_information",
    "layer_information",
    "nearest_neighbour_information",
    "nearest_neighbour_target_information",
]

LENSES: dict[str, Entry] = {
    "information_plane": Entry(
        InformationPlane,
        Cost.FULL,
        "Shwartz-Ziv and Tishby 2017; Saxe et al. 2018; Kolchinsky and Tracey 2017; Ross 2014; "
        "lecture 001, Information Bottleneck",
    ),
}

"""Edges of images by filters that are given, not learned."""

from shinso.nn._part import Part
from shinso.nn.edges.sobel import sobel_direction, sobel_gradient, sobel_kernels, sobel_magnitude

__all__ = ["PARTS", "sobel_direction", "sobel_gradient", "sobel_kernels", "sobel_magnitude"]

PARTS: dict[str, Part] = {
    "sobel": Part(sobel_magnitude, "filter", "Sobel and Feldman, 1968; lecture 003 section 3.4"),
}

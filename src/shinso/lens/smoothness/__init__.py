"""Smoothness of the loss along the gradient: its range, the gradient's predictiveness, effective β."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.smoothness._along_the_gradient import AlongTheGradient, Smoothness, along_the_gradient
from shinso.lens.smoothness._draw_smoothness import draw_smoothness

__all__ = ["LENSES", "AlongTheGradient", "Smoothness", "along_the_gradient", "draw_smoothness"]

LENSES: dict[str, Entry] = {
    "smoothness": Entry(Smoothness, Cost.FULL, "Santurkar et al. 2018, section 3.1 and figure 4; lecture 000"),
}

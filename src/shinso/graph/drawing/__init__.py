"""A graph as a picture: one SVG file whose modules fold and unfold (lecture 003 figure 1)."""

from shinso.graph.drawing._draw import draw

__all__ = ["draw"]

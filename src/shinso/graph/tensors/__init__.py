"""Tensors, their components and bases."""

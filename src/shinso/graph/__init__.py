"""Computational graphs and differentiation (lecture 003 chapter 1, lecture 004 section 6.5)."""

from shinso.graph._forward_mode import ForwardTrace
from shinso.graph._graph import Graph
from shinso.graph._node import Node, TensorSpec
from shinso.graph._reverse_mode import ReverseTrace
from shinso.graph._trace import trace
from shinso.graph.untraceable import Untraceable

__all__ = ["ForwardTrace", "Graph", "Node", "ReverseTrace", "TensorSpec", "Untraceable", "trace"]

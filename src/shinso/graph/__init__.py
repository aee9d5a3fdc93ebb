"""Computational graphs and differentiation (lecture 003 chapter 1 and A.1 to A.2, lecture 004 section 6.5)."""

from shinso.graph import elementary, symbolic
from shinso.graph._forward_mode import ForwardTrace
from shinso.graph._graph import Graph
from shinso.graph._node import Node, TensorSpec
from shinso.graph._reverse_mode import ReverseTrace
from shinso.graph._trace import trace
from shinso.graph.back_propagation import GradientTable, back_propagation, back_propagation_without_table
from shinso.graph.checking._check_gradient import check_gradient
from shinso.graph.checking._gradient_verdict import GradientCheck, Verdict
from shinso.graph.costs._cost import Cost, Costs
from shinso.graph.derivatives._eigenpairs import bottom_eigenpairs, top_eigenpairs
from shinso.graph.derivatives._graph_jacobian import jacobian_by_columns, jacobian_by_rows
from shinso.graph.derivatives._hessian_operator import HessianOperator, hessian_operator, loss_of_network
from shinso.graph.derivatives._hessian_products import (
    hessian_product_by_double_backward,
    hessian_product_forward_over_reverse,
)
from shinso.graph.derivatives._jacobian import compare_jacobians, jacobian, jacobian_forward, jacobian_reverse
from shinso.graph.exported import load_exported
from shinso.graph.four_ways._compare import Comparison, compare
from shinso.graph.four_ways._differences import (
    best_central_step,
    best_forward_step,
    central_difference,
    extrapolated_difference,
    forward_difference,
)
from shinso.graph.four_ways._dual import Dual, derivative
from shinso.graph.four_ways._error_curve import ErrorCurve, error_against_step
from shinso.graph.four_ways._swell import ExpressionSwell, expression_swell
from shinso.graph.rewriting._fold_batch_norm import fold_batch_norm
from shinso.graph.rewriting._rewriting import Rewriting
from shinso.graph.rewriting._sigmoid_cross_entropy import fuse_sigmoid_cross_entropy
from shinso.graph.rewriting._softmax_cross_entropy import fuse_softmax_cross_entropy
from shinso.graph.running._compare_recomputation import compare_recomputation
from shinso.graph.running._compare_running import compare_running
from shinso.graph.running._recompute import recompute_from_the_start, recompute_segments
from shinso.graph.running._running import CompiledGraph, compile_graph, compile_graph_with_inductor
from shinso.graph.tensors._basis import change_basis, components_of, dual_basis
from shinso.graph.tensors._index_notation import contract
from shinso.graph.untraceable import Untraceable

__all__ = [
    "Comparison",
    "CompiledGraph",
    "Cost",
    "Costs",
    "Dual",
    "ErrorCurve",
    "ExpressionSwell",
    "ForwardTrace",
    "GradientCheck",
    "GradientTable",
    "Graph",
    "HessianOperator",
    "Node",
    "ReverseTrace",
    "Rewriting",
    "TensorSpec",
    "Untraceable",
    "Verdict",
    "back_propagation",
    "back_propagation_without_table",
    "best_central_step",
    "best_forward_step",
    "bottom_eigenpairs",
    "central_difference",
    "change_basis",
    "check_gradient",
    "compare",
    "compare_jacobians",
    "compare_recomputation",
    "compare_running",
    "compile_graph",
    "compile_graph_with_inductor",
    "components_of",
    "contract",
    "derivative",
    "dual_basis",
    "elementary",
    "error_against_step",
    "expression_swell",
    "extrapolated_difference",
    "fold_batch_norm",
    "forward_difference",
    "fuse_sigmoid_cross_entropy",
    "fuse_softmax_cross_entropy",
    "hessian_operator",
    "hessian_product_by_double_backward",
    "hessian_product_forward_over_reverse",
    "jacobian",
    "jacobian_by_columns",
    "jacobian_by_rows",
    "jacobian_forward",
    "jacobian_reverse",
    "load_exported",
    "loss_of_network",
    "recompute_from_the_start",
    "recompute_segments",
    "symbolic",
    "top_eigenpairs",
    "trace",
]

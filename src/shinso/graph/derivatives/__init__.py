"""Jacobians, and Hessians by their products."""

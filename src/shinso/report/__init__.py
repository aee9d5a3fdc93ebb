"""One self-contained HTML page from a run's record: it reads what was recorded and computes nothing about the model."""

from shinso.report._page import render
from shinso.report._write import write

__all__ = ["render", "write"]

"""The colours of the pictures of curvature."""

INDIGO, VERMILION, GREEN, GOLD = "#165e83", "#c4472b", "#2f6b3f", "#b8862b"
QUIET = "#5b626c"
DEPTHS = ("#0d3550", "#165e83", "#4f8fb5", "#9cc3d5", "#e4e7dc", "#f0d9a8", "#e0a458", "#c4472b")
"""From the valley to the heights."""

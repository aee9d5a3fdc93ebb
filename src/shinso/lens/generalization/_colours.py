"""The colours of the pictures of generalisation."""

INDIGO, VERMILION, GREEN, GOLD, PURPLE = "#165e83", "#c4472b", "#2f6b3f", "#b8862b", "#6b4c8a"
QUIET = "#5b626c"

"""The colours of the pictures of a shift: the report's, the reference in indigo and the current rows in vermilion."""

INDIGO, VERMILION, GREEN = "#165e83", "#c4472b", "#2f6b3f"
QUIET = "#5b626c"
REFERENCE, CURRENT = INDIGO, VERMILION

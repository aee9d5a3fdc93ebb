"""What a layer knows, as a number or between two bounds."""

from typing import NamedTuple


class Information(NamedTuple):
    """Mutual information of a layer T with the inputs X and the targets Y, in bits."""

    input: float
    """I(X;T)."""
    target: float
    """I(T;Y)."""


class InformationBounds(NamedTuple):
    """Between what the mutual information lies."""

    lower: Information
    upper: Information
    estimate: Information
    """The upper bound used throughout, also where it is subtracted: what Saxe et al. plot; between the two others."""

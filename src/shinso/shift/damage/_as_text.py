"""Figures of a metric, as they are written."""


def as_text(value: float, metric: str) -> str:
    """Three decimals of an accuracy; four digits of any other metric, whose scale is not known.

    >>> as_text(0.9, "accuracy"), as_text(0.00012345, "mean loss")
    ('0.900', '0.0001234')
    """
    return f"{value:.3f}" if metric == "accuracy" else f"{value:.4g}"

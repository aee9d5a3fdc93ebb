"""What the settings of a method must be, said before any data are read."""

from collections.abc import Sequence

_LEAST = {
    "centres": (2, "one is left out with its row where rows are held out"),
    "witnesses": (2, "half of them are rows of the numerator, half of the denominator"),
    "folds": (2, "each is held out from the others"),
    "rows": (10, "fewer tell no density"),
    "most_iterations": (1, "the fit is what they reach"),
    "batch_size": (1, "each step takes that many rows"),
}


def check_numbers(**settings: int) -> None:
    """Raises ValueError for a setting that is less than its kind can be."""
    for name, value in settings.items():
        least, reason = _LEAST[name]
        if value < least:
            raise ValueError(f"{name} must be {least} or more ({reason}); got {name}={value}")


def check_candidates(**settings: Sequence[float]) -> None:
    """Raises ValueError unless each of these settings has candidates, all of them positive."""
    for name, values in settings.items():
        if len(values) == 0 or not all(value > 0 for value in values):
            raise ValueError(
                f"{name} must be at least one number, all above 0, such as (0.1, 1.0); got {tuple(values)}"
            )


def check_positive(**settings: float) -> None:
    """Raises ValueError for a setting that is not above 0."""
    for name, value in settings.items():
        if not value > 0:
            raise ValueError(f"{name} must be above 0; got {name}={value}")


def check_enough_rows(folds: int, rows: int) -> None:
    """Raises ValueError unless every fold can have a row of the smaller sample."""
    if rows < folds:
        raise ValueError(f"{folds} folds need as many rows of each sample at least; got {rows}: take fewer folds")

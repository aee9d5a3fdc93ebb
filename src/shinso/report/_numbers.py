"""Numbers as people read them."""

import math
from datetime import datetime
from typing import SupportsFloat


def number(quantity: SupportsFloat) -> str:
    """Whole and large numbers with thousands separated, others to four digits; with a true minus sign."""
    value = float(quantity)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    whole = value == int(value) or abs(value) >= 1000
    return (f"{value:,.0f}" if whole and abs(value) < 1e15 else f"{value:.4g}").replace("-", "−")


def percent(fraction: float, of: int = 0) -> str:
    """A fraction in per cent, with as many decimals as a count out of ``of`` supports."""
    return f"{100 * fraction:.{2 if of >= 2000 else 1}f}\u00a0%"  # a line does not break before the sign


def duration(seconds: int | float) -> str:
    """A time span in the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(seconds_since_1970: float) -> str:
    """A day and a time of day in the zone of this computer."""
    then = datetime.fromtimestamp(seconds_since_1970).astimezone()
    return f"{then.day} {then:%B %Y, %H:%M %Z}"

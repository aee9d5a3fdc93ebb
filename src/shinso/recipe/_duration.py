"""Lengths of time as people write them."""

import re


def parse_duration(text: str) -> float:
    """Seconds in a text such as ``90s``, ``1.5min``, ``2h``.

    >>> parse_duration("30min")
    1800.0
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|sec|m|min|h)\s*", text)
    if match is None or float(match[1]) == 0:
        raise ValueError(f"a budget is a time such as 90s, 30min or 2h; got {text!r}")
    return float(match[1]) * {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}[match[2]]

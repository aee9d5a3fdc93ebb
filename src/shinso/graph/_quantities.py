"""Large numbers as people read them."""

_PREFIXES = ("", " k", " M", " G", " T", " P")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def count_text(number: int) -> str:
    """4.09 G, 25.6 M, 840; nothing for 0."""
    if number == 0:
        return ""
    value, step = _scaled(number, 1000)
    return f"{_three_digits(value)}{_PREFIXES[step]}" if step else str(number)


def bytes_text(nbytes: int) -> str:
    """98.1 MiB; nothing for 0."""
    if nbytes == 0:
        return ""
    value, step = _scaled(nbytes, 1024)
    return f"{_three_digits(value)} {_BINARY[step]}" if step else f"{nbytes} B"


def _scaled(number: int, factor: int) -> tuple[float, int]:
    value, step = float(number), 0
    while value >= factor - 0.5 and step < len(_PREFIXES) - 1:
        value, step = value / factor, step + 1
    return value, step


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"

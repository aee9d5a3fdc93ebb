"""Sizes along height and width, given as one number or as two."""

IntPair = int | tuple[int, int]


def pair(size: IntPair) -> tuple[int, int]:
    """The size along height and along width: one number stands for both."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def positive_pair(name: str, size: IntPair) -> tuple[int, int]:
    """The same; raises ValueError, naming it, where it is less than 1."""
    height, width = pair(size)
    if height < 1 or width < 1:
        raise ValueError(f"{name} must be at least 1 along height and width; got {size}")
    return height, width

"""How many positions a convolution has along one axis (lecture 003, section 3.3; Dumoulin and Visin, 2016, "A guide to
convolution arithmetic for deep learning", arXiv 1603.07285).
"""


def conv_output_size(input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """⌊(input_size + 2 padding - span) / stride⌋ + 1, where the kernel spans dilation (kernel_size - 1) + 1 cells.

    Rounded down, as torch does, where the lecture's equation 54 takes for granted that the stride divides; TensorFlow
    rounds up and pads. Raises ValueError where the kernel does not fit, and for sizes below 1.

    >>> conv_output_size(224, kernel_size=7, stride=2, padding=3)
    112
    """
    _check(input_size=input_size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _check_not_negative("padding", padding)
    span = _span(kernel_size, dilation)
    room = input_size + 2 * padding - span
    if room < 0:
        raise ValueError(
            f"a kernel that spans {span} cells (kernel_size {kernel_size}, dilation {dilation}) does not fit into "
            f"{input_size + 2 * padding} (input_size {input_size}, padding {padding} on both sides): it needs an "
            f"input_size of at least {span - 2 * padding}, or a padding of at least {-((input_size - span) // 2)}"
        )
    return room // stride + 1


def conv_transpose_output_size(
    input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """stride (input_size - 1) + 1 - 2 padding + dilation (kernel_size - 1) + output_padding: figures 24 to 26.

    The size of the input of the convolution that this one is the backward of. Where the stride s left n cells at the
    end of that input uncovered, n = (size + 2 padding - span) mod s, ``output_padding`` n gives them back. Raises
    ValueError where nothing would be left, and for an ``output_padding`` that is not below stride or dilation.

    >>> conv_transpose_output_size(112, kernel_size=7, stride=2, padding=3, output_padding=1)
    224
    """
    _check(input_size=input_size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _check_not_negative("padding", padding)
    if not 0 <= output_padding < max(stride, dilation):
        raise ValueError(
            f"output_padding must be at least 0 and below the larger of stride {stride} and dilation {dilation}; got "
            f"{output_padding}"
        )
    whole = stride * (input_size - 1) + _span(kernel_size, dilation) + output_padding
    if whole <= 2 * padding:
        raise ValueError(
            f"padding {padding} on both sides takes away all {whole} cells of the transposed convolution; it can be at "
            f"most {(whole - 1) // 2}"
        )
    return whole - 2 * padding


def _span(kernel_size: int, dilation: int) -> int:
    return dilation * (kernel_size - 1) + 1


def _check(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1; got {size}")


def _check_not_negative(name: str, size: int) -> None:
    if size < 0:
        raise ValueError(f"{name} must be at least 0; got {size}")

"""The three cases in which the lecture shows what a transposed convolution is (003, section 3.3, figures 24 to 26)."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn.convolution.matrix import convolution_matrix
from shinso.nn.convolution.output_size import conv_transpose_output_size
from shinso.nn.convolution.transposed import conv_transpose2d_as_backward, conv_transpose2d_by_zero_insertion


@dataclass(frozen=True)
class TransposedCase:
    """A convolution from ``large`` × ``large`` to ``size`` × ``size`` cells, and the convolution that goes back."""

    figure: int
    """Of lecture 003."""
    size: int
    """N: the output of the convolution, and the input of the transposed one."""
    kernel_size: int
    padding: int
    stride: int

    @property
    def large(self) -> int:
        """s (N - 1) + 1 + (k - 1) - 2p: the input of the convolution, and the output of the transposed one."""
        return conv_transpose_output_size(self.size, self.kernel_size, self.stride, self.padding)

    @property
    def inserted_zeros(self) -> int:
        """s - 1, between two neighbouring cells of the input of the transposed convolution."""
        return self.stride - 1

    @property
    def transposed_padding(self) -> int:
        """k - p - 1, put around that input."""
        return self.kernel_size - self.padding - 1

    def each_way(
        self, y: Float[Tensor, "batch channel size size"], weight: Float[Tensor, "channel out k k"]
    ) -> dict[str, Float[Tensor, "batch out large large"]]:
        """The transposed convolution of y, computed in four ways that agree up to rounding."""
        matrix = convolution_matrix(weight, self.large, stride=self.stride, padding=self.padding)
        by_matrix = (matrix.t() @ y.flatten(1).T).T.reshape(-1, weight.shape[1], self.large, self.large)
        return {
            "backward of the convolution": conv_transpose2d_as_backward(
                y, weight, stride=self.stride, padding=self.padding
            ),
            "convolution with inserted zeros": conv_transpose2d_by_zero_insertion(
                y, weight, stride=self.stride, padding=self.padding
            ),
            "transpose of the convolution's matrix": by_matrix,
            "torch's conv_transpose2d": F.conv_transpose2d(y, weight, stride=self.stride, padding=self.padding),
        }


def three_cases(
    size: int = 3, kernel_size: int = 4, padding: int = 1, stride: int = 2
) -> tuple[TransposedCase, TransposedCase, TransposedCase]:
    """No padding and stride 1; padding and stride 1; padding and a stride, which inserts zeros.

    Raises ValueError unless (k - 1) - 2p > 0, which the lecture asks for so that the transposed convolution enlarges
    (footnote 16), and for sizes below 1 or a stride below 2.
    """
    if size < 1 or padding < 1 or stride < 2:
        raise ValueError(
            f"the three cases need size >= 1, padding >= 1 and stride >= 2; got size {size}, padding {padding} and "
            f"stride {stride}"
        )
    if kernel_size - 1 <= 2 * padding:
        raise ValueError(
            f"a transposed convolution enlarges where kernel_size - 1 > 2 padding; got kernel_size {kernel_size} and "
            f"padding {padding}"
        )
    return (
        TransposedCase(24, size, kernel_size, 0, 1),
        TransposedCase(25, size, kernel_size, padding, 1),
        TransposedCase(26, size, kernel_size, padding, stride),
    )

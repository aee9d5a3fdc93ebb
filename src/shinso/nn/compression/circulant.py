"""Linear layers of circulant blocks (Cheng et al., 2015, "An exploration of parameter redundancy in deep networks with
circulant projections", arXiv 1502.03436; Ding et al., 2017, "CirCNN", arXiv 1708.08917; lecture 003, figure 16,
structured transforms).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class CirculantLinear(nn.Module):
    """A linear layer whose weight is made of circulant blocks, multiplied by fast Fourier transforms.

    Maps ``[*, in_features]`` to ``[*, out_features]`` with in_features · out_features/``block_size`` weights. The block
    size divides both, by default their greatest common divisor: a square layer is then one circulant matrix. Entry
    (i, j) of the block for outputs p and inputs q is ``weight[p, q, (i − j) mod block_size]``, so its product is the
    circular convolution. Initialised as torch.nn.Linear is. Raises ValueError for another block size.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, block_size: int | None = None
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.block_size = math.gcd(in_features, out_features) if block_size is None else block_size
        if self.block_size < 1 or in_features % self.block_size or out_features % self.block_size:
            raise ValueError(
                f"block_size must divide {in_features} inputs and {out_features} outputs; got {self.block_size}"
            )
        blocks = (out_features // self.block_size, in_features // self.block_size)
        bound = 1 / math.sqrt(in_features)
        self.weight = nn.Parameter(torch.empty(*blocks, self.block_size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Float[Tensor, "*batch features"]) -> Float[Tensor, "*batch out"]:
        # There is no transform of 16-bit numbers, on the CPU at least.
        dtype = torch.promote_types(x.dtype, torch.float32)
        size = self.block_size
        inputs = torch.fft.rfft(x.to(dtype).unflatten(-1, (-1, size)))  # type: ignore[no-untyped-call]
        product = torch.einsum("...qf,pqf->...pf", inputs, torch.fft.rfft(self.weight.to(dtype)))
        output: Tensor = torch.fft.irfft(product, n=size).flatten(-2).to(x.dtype)
        return output if self.bias is None else output + self.bias

    def dense_weight(self) -> Float[Tensor, "out features"]:
        """The matrix that the layer multiplies by."""
        index = torch.arange(self.block_size, device=self.weight.device)
        blocks = self.weight[..., (index[:, None] - index) % self.block_size]  # [p, q, i, j]
        matrix: Tensor = blocks.transpose(1, 2).reshape(self.out_features, self.in_features)
        return matrix

    def extra_repr(self) -> str:
        shape = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{shape}, bias={self.bias is not None}, block_size={self.block_size}"

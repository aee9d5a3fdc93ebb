"""The gradients of single examples of a linear layer."""

from jaxtyping import Float
from torch import Tensor

from shinso.lens.per_sample._example_gradients import ExampleGradients, WrittenOut
from shinso.lens.per_sample._outer_products import OuterProducts
from shinso.lens.per_sample._rows import by_example, wide


def linear(
    output_gradient: Float[Tensor, "*positions out"],
    batch_size: int,
    input: Float[Tensor, "*positions in"],
    weight: Float[Tensor, "out in"],
    bias: Float[Tensor, " out"] | None = None,
) -> list[tuple[Tensor | None, ExampleGradients]]:
    """Of the weight and the bias."""
    at_outputs = wide(by_example(output_gradient, batch_size, 1))
    inputs = wide(by_example(input, batch_size, 1)).to(at_outputs.dtype)
    return [(weight, OuterProducts(inputs, at_outputs)), (bias, WrittenOut(at_outputs.sum(1)))]

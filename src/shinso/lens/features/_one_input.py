"""The one tensor of real numbers in a batch, when a model takes several."""

from collections.abc import Callable
from typing import Any

from jaxtyping import Float
from torch import Tensor

from shinso.lens._probe import arguments


def one_input(inputs: Any) -> tuple[Float[Tensor, "batch ..."], Callable[[Tensor], Any]]:
    """The only tensor of real numbers among the inputs, and how to put another in its place.

    Raises ValueError where there are none or several.
    """
    positional, by_name = arguments(inputs)
    items: dict[Any, Any] = {**by_name, **dict[Any, Any](enumerate(positional))}
    real = [key for key, value in items.items() if isinstance(value, Tensor) and value.is_floating_point()]
    if len(real) != 1:
        raise ValueError(
            f"expected one tensor of real numbers among the inputs, to take derivatives in; got {len(real)}. Call the "
            "function with the part of the model behind the embedding of tokens, or with all inputs but one fixed"
        )

    def with_it_replaced(tensor: Tensor) -> Any:
        replaced = {**items, real[0]: tensor}
        return replaced if by_name else tuple(replaced.values())

    return items[real[0]], with_it_replaced

"""Whether targets fit an output unit."""

from torch import Tensor


def check_same_shape(targets: Tensor, outputs: Tensor) -> None:
    """Raises ValueError where targets would be broadcast against the outputs, which is hardly ever meant."""
    if targets.shape != outputs.shape:
        raise ValueError(
            f"targets have shape {list(targets.shape)} and the outputs {list(outputs.shape)}; one target for each "
            f"output is needed: reshape the targets, a single output's with targets.unsqueeze(-1)"
        )

"""How the learning rate goes from the start of a training to its end."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The peak learning rate all the way, after a linear warm-up."""

    warmup: float = 0.0
    """Share of the training over which the rate rises from zero."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """The rate is multiplied by ``factor`` each time a milestone is passed."""

    milestones: tuple[float, ...] = (0.5, 0.75)
    """Shares of the training."""
    factor: float = 0.1
    warmup: float = 0.0
    """Share of the training over which the rate rises from zero."""


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """Half a cosine from the peak to ``final`` times the peak (Loshchilov and Hutter, 2017)."""

    final: float = 0.0
    warmup: float = 0.05
    """Share of the training over which the rate rises from zero."""


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """Linear rise to the peak, linear fall to ``final`` times the peak (Smith and Topin, 2018)."""

    warmup: float = 0.2
    """Share of the training over which the rate rises."""
    start: float = 0.1
    """Where the rise begins, as a multiple of the peak."""
    final: float = 0.0


Schedule = OneCycle | Cosine | Step | Constant
SCHEDULES: dict[str, type[Schedule]] = {"onecycle": OneCycle, "cosine": Cosine, "step": Step, "constant": Constant}
"""By the name that TOML files and flags call them."""

"""Learning rate as a share of its peak, by progress through the training (0 at the start, 1 at the end)."""

import math

from shinso.recipe import Constant, Cosine, OneCycle, Schedule, Step


def rate(schedule: Schedule, progress: float) -> float:
    """The factor on the peak learning rate; ``progress`` is clamped to [0, 1]."""
    progress = min(max(progress, 0.0), 1.0)
    start = schedule.start if isinstance(schedule, OneCycle) else 0.0
    if progress < schedule.warmup:
        return start + (1 - start) * progress / schedule.warmup
    match schedule:
        case Constant():
            return 1.0
        case Step():
            return schedule.factor ** sum(progress >= milestone for milestone in schedule.milestones)
        case Cosine():
            fall = 0.5 * (1 + math.cos(math.pi * _after_warmup(schedule, progress)))
        case OneCycle():
            fall = 1 - _after_warmup(schedule, progress)
    return schedule.final + (1 - schedule.final) * fall


def _after_warmup(schedule: Cosine | OneCycle, progress: float) -> float:
    return 1.0 if schedule.warmup >= 1 else (progress - schedule.warmup) / (1 - schedule.warmup)

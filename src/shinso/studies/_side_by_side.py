"""Many pieces of work for one comparison, each with several seeds, spread over the processor's cores."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

Setting = TypeVar("Setting")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Setting, int], Result], settings: Sequence[Setting], seeds: int, *, jobs: int | None = None
) -> list[list[Result]]:
    """``work(setting, seed)`` for each setting and the seeds 0, 1, … (``[setting][seed]``), progress shown on stderr.

    ``jobs`` run at a time; by default as many as there are cores, or one on a GPU. ``work`` has to be a function that
    can be pickled. Raises ValueError for no seeds or no settings.
    """
    if seeds < 1 or not settings:
        raise ValueError(f"a study needs at least one seed and one setting; got {seeds} and {len(settings)}")
    import torch
    from joblib import Parallel, delayed
    from rich.console import Console
    from rich.progress import track

    pieces = [(setting, seed) for setting in settings for seed in range(seeds)]
    jobs = min(_free_cores() if jobs is None else jobs, len(pieces))
    # No more threads than torch was told to take: a second one on a busy core only waits.
    threads = max(1, min(_cores() // jobs, torch.get_num_threads()))
    arriving = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_with_threads)(threads, work, setting, seed) for setting, seed in pieces
    )
    shown = track(arriving, f"{len(pieces)} pieces", total=len(pieces), console=Console(stderr=True), transient=True)
    results: list[Result] = list(shown)
    return [results[start : start + seeds] for start in range(0, len(results), seeds)]


def _with_threads(threads: int, work: Callable[[Setting, int], Result], setting: Setting, seed: int) -> Result:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return work(setting, seed)
    finally:
        torch.set_num_threads(before)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _free_cores() -> int:
    import torch

    return 1 if torch.cuda.is_available() else _cores()

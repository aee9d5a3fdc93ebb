"""Looking inside from the command line: shinso lenses, shinso inspect."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from shinso.recipe import Recipe

if TYPE_CHECKING:
    from shinso.lens import Reading
    from shinso.lens._entry import Entry
    from shinso.training import Specimen


_MOST_LINES = 12


@dataclass(frozen=True, kw_only=True)
class LensesFlags:
    """The lenses that there are: what each needs to see, what looking costs, and where it is defined."""

    text: Annotated[str, tyro.conf.Positional] = ""
    """Only those with this in their name or source."""


@dataclass(frozen=True, kw_only=True)
class InspectFlags:
    """Look into a trained network with the lenses that need no training; readings and pictures go to a run."""

    subject: Annotated[str, tyro.conf.Positional]
    """A run, or a network as in shinso train: FILE.py:FUNCTION or a name; a network needs --data."""
    lens: tuple[str, ...] = ()
    """Names as in shinso lenses; all that need no training if left out."""
    examples: int = 256
    """How many examples of the test part are looked at."""
    data: str = ""
    """For a network that is not of a run: where the examples come from, as in shinso train."""
    target: str | None = None
    """Column to predict, where these data are a table."""
    image_size: int | None = None
    """Pixels of a side that these images are resized to."""
    weights: Path | None = None
    """A safetensors file with the weights of a network that is not of a run."""
    to: Path | None = None
    """Directory of a new run for the readings of a network that is not of a run; by default one under runs/."""
    device: str = "auto"


def lenses_command(arguments: list[str]) -> int:
    """Prints the catalogue of lenses; returns the exit status."""
    flags = tyro.cli(LensesFlags, prog="shinso lenses", args=arguments)
    from shinso._text_columns import columns
    from shinso.lens.catalogue import LENSES

    rows = [
        (name, ", ".join(sorted(need.name.lower() for need in entry.make().needs)), entry.cost.value, entry.source)
        for name, entry in LENSES.items()
        if flags.text.lower() in f"{name} {entry.source}".lower()
    ]
    if not rows:
        raise ValueError(f"none of the {len(LENSES)} lenses has {flags.text!r} in its name or source")
    print(columns(("lens", "needs", "cost", "source"), rows))
    return 0


def inspect_command(arguments: list[str]) -> int:
    """Prints what each lens reads of a trained network, and writes it to a run; returns the exit status."""
    flags = tyro.cli(InspectFlags, prog="shinso inspect", args=arguments)
    from shinso.training._inspection import keep, looks, opened

    entries = _chosen(flags.lens)
    is_run = (Path(flags.subject) / "run.db").is_file()
    specimen = _specimen(flags, is_run)
    path = Path(flags.subject) if is_run else flags.to or _new_directory(flags.subject)
    with opened(path, is_run) as run:
        for look in looks(specimen, entries, lambda name: print(f"{name} …", end="\r", file=sys.stderr, flush=True)):
            keep(look, entries[look.name], run, specimen.step)
            print(f"{look.name} ({look.seconds:.1f} s)")
            print(f"  left out: {look.left_out}" if look.left_out else _lines(look.readings), flush=True)
    print(f"\nreport: {path / 'report.html'}")
    return 0


def _chosen(names: tuple[str, ...]) -> "dict[str, Entry]":
    from shinso.lens.catalogue import LENSES, without_training

    known = without_training()
    for name in names:
        if name not in known:
            reason = "looks at a step of training" if name in LENSES else "does not exist"
            raise ValueError(f"the lens {name!r} {reason}; there are: {', '.join(known)}")
    return {name: entry for name, entry in known.items() if not names or name in names}


def _specimen(flags: InspectFlags, is_run: bool) -> "Specimen":
    from shinso.training import specimen_of_model, specimen_of_run

    if is_run:
        _check_alone(flags)
        return specimen_of_run(flags.subject, flags.examples)
    if Path(flags.subject).is_dir():
        raise ValueError(f"{flags.subject} is not a run: it has no run.db")
    if not flags.data:
        raise ValueError(
            f"there is no run at {flags.subject}; to look into a network of that name, say with what data: "
            "--data digits, --data images:PHOTOS, …"
        )
    recipe = Recipe(
        model=flags.subject,
        data=flags.data,
        target=flags.target,
        image_size=flags.image_size,
        device=flags.device,
    )
    return specimen_of_model(recipe, flags.weights, flags.examples)


def _check_alone(flags: InspectFlags) -> None:
    without = InspectFlags(subject=flags.subject)
    for name in ("data", "target", "image_size", "weights", "to"):
        if getattr(flags, name) != getattr(without, name):
            raise ValueError(
                f"{flags.subject} is a run, which has its own network and data: leave out --{name.replace('_', '-')}"
            )


def _new_directory(subject: str) -> Path:
    stem = Path("runs") / time.strftime(f"%Y%m%d-%H%M%S-inspect-{Path(subject.rpartition(':')[2]).stem}")
    return next(
        path for n in range(1000) if not (path := stem.with_name(f"{stem.name}-{n}" if n else stem.name)).exists()
    )


def _lines(readings: "Mapping[str, Reading]") -> str:
    lines = [f"  {name}: {_summary(reading)}" for name, reading in readings.items()]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"  … and {len(lines) - _MOST_LINES} more in the run"]
    return "\n".join(lines) or "  nothing to read"


def _summary(reading: "Reading") -> str:
    values = reading.values.detach().cpu()
    if values.ndim == 0:
        return f"{values.item():.4g}"
    if values.ndim == 1 and len(values) <= 6:
        names = reading.labels or tuple(map(str, range(len(values))))
        return ", ".join(f"{name} {value:.4g}" for name, value in zip(names, values.tolist(), strict=True))
    shape = "×".join(map(str, values.shape))
    known = values[values.isfinite()] if values.is_floating_point() else values
    return (
        f"{shape} values, {known.min():.4g} to {known.max():.4g}" if known.numel() else f"{shape} values, none finite"
    )

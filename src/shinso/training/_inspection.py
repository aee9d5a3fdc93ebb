"""The lenses that need no training, on a trained network: readings and pictures in a run."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from shinso._picture import font_families
from shinso.lens import Probe, Reading, inspect
from shinso.lens._entry import Entry
from shinso.lens.portraits import PORTRAITS, draw_portrait
from shinso.run import Run, writing
from shinso.training._specimen import Specimen

PREFIX = "inspect/"


@dataclass(frozen=True)
class Look:
    """What came of one lens."""

    name: str
    readings: Mapping[str, Reading]
    seconds: float
    picture: UInt8[np.ndarray, "height width 4"] | None = None
    left_out: str | None = None
    """Why there are no readings: the quantity is not defined for this network, or cannot be computed."""


def looks(
    specimen: Specimen, entries: Mapping[str, Entry], begun: Callable[[str], None] = lambda name: None
) -> Iterator[Look]:
    """One look after the other; a lens that is not defined for this network says so and the next one looks."""
    for name, entry in entries.items():
        begun(name)
        started = time.perf_counter()
        try:
            found = inspect(specimen.model, specimen.loss, specimen.inputs, specimen.targets, [entry.make()])
        except (ValueError, NotImplementedError, RuntimeError) as error:
            yield Look(name, {}, time.perf_counter() - started, left_out=f"{error}".splitlines()[0])
            continue
        if not found:
            yield Look(name, {}, time.perf_counter() - started, left_out="the network has nothing that it reads")
            continue
        picture = _picture(name, specimen) if name in PORTRAITS else None
        yield Look(name, found, time.perf_counter() - started, picture)


def keep(look: Look, entry: Entry, run: Run, step: int) -> None:
    """Write one look into the run: readings as ``inspect/…``, its picture, and what it was."""
    arrays = {f"{PREFIX}{name}": _on_host(reading) for name, reading in look.readings.items()}
    record = run.record
    record.scalars(step, {name: float(value) for name, value in arrays.items() if value.ndim == 0})
    for name, value in arrays.items():
        if value.ndim:
            record.array(step, name, value, look.readings[name.removeprefix(PREFIX)].labels)
    if look.picture is not None:
        record.array(step, f"{PREFIX}{look.name}/picture", look.picture)
    meaning = " ".join((type(entry.make()).__doc__ or "").split("\n\n")[0].split())
    content = {"lens": look.name, "seconds": look.seconds, "left_out": look.left_out, "meaning": meaning}
    record.event("inspection", {**content, "source": entry.source, "readings": list(arrays)}, step)
    record.commit()


@contextmanager
def opened(path: Path, is_run: bool) -> Iterator[Run]:
    """A run to write to: an existing one, or a new one; its report is written anew at the end, whatever happens."""
    from shinso import report

    run = Run.open_to_write(path) if is_run else Run.create(path)
    try:
        yield run
    finally:
        run.record.commit()
        with writing(path):
            report.write(path)
        run.close()


def _on_host(reading: Reading) -> np.ndarray:
    values = reading.values.detach().cpu()
    return np.asarray(values.float().numpy() if values.is_floating_point() else values.numpy())


def _picture(name: str, specimen: Specimen) -> UInt8[np.ndarray, "height width 4"] | None:
    """The lens's picture; None where there is none for this network."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    probe = Probe(specimen.model, specimen.loss, specimen.inputs, specimen.targets)
    fonts = mpl.rc_context({"font.family": font_families()})
    with suppress(ValueError, NotImplementedError, RuntimeError), fonts:
        draw_portrait(name, probe, figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        return np.asarray(canvas.buffer_rgba()).copy()  # type: ignore[no-untyped-call]
    return None

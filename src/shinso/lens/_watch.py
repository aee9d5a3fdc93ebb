"""Looking inside a training loop without changing it."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from torch import nn
from torch.optim import Optimizer

from shinso.lens._due_step import DueStep
from shinso.lens._forgiving import Forgiving
from shinso.lens._ledger import Ledger
from shinso.lens._lens import FORWARD_PASS, Lens, Need
from shinso.lens._other_generators import OtherGenerators
from shinso.lens._pending import Pending
from shinso.lens._probe import Loss, Probe, RandomStates
from shinso.lens._schedule import Schedule, Scheduled
from shinso.lens._schedule import every as at_every
from shinso.lens._step import Step
from shinso.lens._subject import check_optimizer, parameters_of, unwrapped, why_closed
from shinso.record import Readings, Record
from shinso.run import Run, load_run

if TYPE_CHECKING:
    from shinso.lens.catalogue import Battery

_NOTHING_DUE = nullcontext()


def watch(
    model: nn.Module,
    optimizer: Optimizer | None = None,
    lenses: "Sequence[Lens | Scheduled] | Battery" = "light",
    to: str | os.PathLike[str] | Record | None = None,
    every: int | Schedule = 20,
    start: int = 0,
    loss: Loss | None = None,
) -> "Watch":
    """A watch on a model in training; it changes neither parameters, buffers, gradients, nor random state by one bit.

    ``lenses`` are read every ``every`` steps, from the first on, or by a schedule of their own; ``"light"``,
    ``"standard"`` and ``"full"`` are batteries by what looking costs (``shinso lenses``); one that is not defined for
    this model is left out of a battery, with an event ``left_out`` in the record. Readings go ``to`` a run directory
    (a new one, or with ``start`` the number of the last step done, one to go on with), to a record that the caller
    commits and closes, or are kept in memory. Without an ``optimizer`` gradients and parameters are read when the body
    of a step ends; with one, at the steps within which it steps, so that batches whose gradients are accumulated belong
    into one step of the watch. Lenses that run the model again, as for curvature, need its ``loss``, a function of
    outputs and targets to the mean over the examples, and the batch in ``watch.step``.

    Inside a model that is compiled or scripted, or holds a frozen attention layer of torch (which takes a shorter path
    where nobody looks), no activations are seen: lenses that need them are left out of a battery, and raise
    ValueError when asked for by name. Raises TypeError or ValueError for a model without parameters, or an
    optimizer that holds none of them.

    >>> import torch
    >>> model = torch.nn.Linear(3, 1)
    >>> optimizer = torch.optim.SGD(model.parameters())
    >>> with watch(model, optimizer) as watching:
    ...     for _ in range(21):
    ...         with watching.step():
    ...             optimizer.zero_grad()
    ...             model(torch.ones(8, 3)).square().mean().backward()
    ...             optimizer.step()
    >>> watching.readings("gradient_norm").steps.tolist()
    [1, 21]
    """
    subject = unwrapped(model)
    if optimizer is not None:
        check_optimizer(optimizer, subject)
    closed = why_closed(model)
    if isinstance(lenses, str):
        from shinso.lens.catalogue import battery

        lenses = [Forgiving(lens) for lens in battery(lenses, activations=not closed)]
    due = every if callable(every) else at_every(every)
    scheduled = [lens if isinstance(lens, Scheduled) else Scheduled(lens, due) for lens in lenses]
    _check_lenses([item.lens for item in scheduled], closed, loss)
    if to is None or isinstance(to, Record):
        return Watch(subject, optimizer, scheduled, start, to or Record(), loss=loss)
    run = _gone_on_with(Path(to), start) if start else Run.create(Path(to))
    return Watch(subject, optimizer, scheduled, start, run.record, run, loss)


def _gone_on_with(path: Path, start: int) -> Run:
    run = Run.open_to_write(path)
    # Later steps are taken again, and it need not be the same lenses that are due at them.
    run.record.forget_after(start)
    return run


def _check_lenses(lenses: Sequence[Lens], closed: str | None, loss: Loss | None) -> None:
    for lens in lenses:
        if isinstance(lens, type):
            raise TypeError(f"{lens.__name__} is a class, and a lens is an object: {lens.__name__}()")
        missing = [member for member in ("name", "needs", "read") if not hasattr(lens, member)]
        if missing:
            raise TypeError(f"a lens has the members name, needs and read; {lens!r} lacks {', '.join(missing)}")
    for name, count in Counter(lens.name for lens in lenses).items():
        if count > 1:
            raise ValueError(f"{count} lenses are named {name!r}, and would overwrite each other's readings: keep one")
    for lens in lenses:
        if closed and lens.needs & FORWARD_PASS:
            raise ValueError(f"the lens {lens.name!r} needs activations, which {closed}")
        if loss is None and Need.PROBE in lens.needs:
            raise ValueError(f"the lens {lens.name!r} runs the model again and needs its loss: watch(…, loss=…)")


class Watch:
    """Lenses on a model in training; made by ``watch``."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer | None,
        lenses: Sequence[Scheduled],
        start: int,
        record: Record,
        run: Run | None = None,
        loss: Loss | None = None,
    ) -> None:
        self.record = record
        """Where the readings go; ``flush`` brings it up to date."""
        self._model = model
        self._optimizer = optimizer
        self._lenses = list(lenses)
        self._number = start
        self._ledger = Ledger(record)
        self._run = run
        self._loss = loss
        self._others = OtherGenerators()
        self._pending: Pending | None = None
        self._closed = False

    def step(self, inputs: Any = None, targets: Any = None) -> AbstractContextManager[None]:
        """A context for one training step: the forward and backward passes and the optimizer's step go into it.

        What lenses see of the batch is what is passed here; the three light ones need none of it.
        Raises RuntimeError after the watch was closed.
        """
        if self._closed:
            raise RuntimeError("this watch is closed: take its steps inside the with block")
        self._number += 1
        due = [item.lens for item in self._lenses if item.due(self._number)]
        return self._watched(due, inputs, targets) if due else _NOTHING_DUE

    def readings(self, name: str) -> Readings:
        """All readings of that name so far: steps ``[n]``, values ``[n, ...]``; raises KeyError for an unknown one."""
        self.flush()
        return self.record.readings(name)

    def flush(self) -> None:
        """Hand all readings so far to the record."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self._ledger.write(pending)
            if self._run is not None:
                self.record.commit()

    def close(self) -> None:
        """Hand over all readings and let go of the run directory; readings can still be asked for."""
        run, self._run, self._closed = self._run, None, True
        try:
            self.flush()
        finally:
            if run is not None:
                run.close()
                self.record = load_run(run.path).record

    def _probe(self, inputs: Any, targets: Any) -> Probe | None:
        states = RandomStates(self._model, self._others)
        return Probe(self._model, self._loss, inputs, targets, states) if self._loss else None

    @contextmanager
    def _watched(self, lenses: Sequence[Lens], inputs: Any, targets: Any) -> Iterator[None]:
        self.flush()
        needs = frozenset[Need]().union(*(lens.needs for lens in lenses))
        probe = self._probe(inputs, targets) if Need.PROBE in needs else None
        step = Step(self._number, inputs, targets, needs, parameters_of(self._model), probe)
        due = DueStep(step, lenses, self._model, self._optimizer)
        try:
            with due.watched():
                yield
        except BaseException as error:
            with _hidden_behind(error):
                self._keep(due)
            raise
        self._keep(due)
        self._lenses = self._without_left_out()

    def _without_left_out(self) -> list[Scheduled]:
        """The lenses that go on; of the others it is written down why they do not."""
        why = {item: item.lens.left_out for item in self._lenses if isinstance(item.lens, Forgiving)}
        for item, reason in why.items():
            if reason is not None:
                self.record.event("left_out", {"lens": item.lens.name, "why": reason}, self._number)
        return [item for item in self._lenses if why.get(item) is None]

    def _keep(self, due: DueStep) -> None:
        self._pending = Pending(self._number, due.readings) if due.readings else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: object) -> None:
        with _hidden_behind(error):
            self.close()


def _hidden_behind(error: BaseException | None) -> AbstractContextManager[bool | None]:
    """Drops what fails after an error that is on its way: on a dead device or a full disk everything else does."""
    return nullcontext() if error is None else suppress(Exception)

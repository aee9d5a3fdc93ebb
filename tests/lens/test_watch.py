"""What a watch keeps, where, when, and what it says about what cannot be watched."""

import gc
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import shinso
from shinso.lens import (
    ActivationHealth,
    GradientFlow,
    Need,
    Reading,
    Scheduled,
    Step,
    UpdateRatio,
    Watch,
    at,
    every,
    light,
)
from shinso.record import Record
from shinso.run import RunError


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def run_steps(watch: Watch, model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        with watch.step():
            optimizer.zero_grad()
            model(torch.randn(5, 3)).square().sum().backward()
            optimizer.step()


def started(**arguments: Any) -> tuple[Watch, nn.Module, torch.optim.Optimizer]:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return shinso.watch(model, optimizer, **arguments), model, optimizer


class StepNumber:
    """A lens that reads how many steps there have been."""

    name = "step_number"
    needs: frozenset[Need] = frozenset()

    def read(self, step: Step) -> Mapping[str, Reading]:
        return {"step_number": Reading(torch.tensor(float(step.number)))}


def test_steps_count_from_one_and_go_on_after_the_last_one_done() -> None:
    for start, due in ((0, [1, 4, 7, 10]), (5, [7, 10, 13])):
        watch, model, optimizer = started(lenses=[StepNumber()], every=3, start=start)
        with watch:
            run_steps(watch, model, optimizer, 10)
        steps, values, _ = watch.readings("step_number")
        assert steps.tolist() == values.tolist() == due


def test_each_lens_may_have_its_own_schedule() -> None:
    lenses = [StepNumber(), Scheduled(UpdateRatio(), at(2, 3)), Scheduled(GradientFlow(), every(4))]
    watch, model, optimizer = started(lenses=lenses, every=at(5))
    with watch:
        run_steps(watch, model, optimizer, 6)
    assert watch.readings("step_number").steps.tolist() == [5]
    assert watch.readings("update_ratio").steps.tolist() == [2, 3]
    assert watch.readings("gradient_norm").steps.tolist() == [1, 5]


def test_the_light_lenses_are_the_default() -> None:
    watch, model, optimizer = started()
    with watch:
        run_steps(watch, model, optimizer, 1)
    layers = {"activation/mean", "activation/variance", "activation/dead", "activation/saturated"}
    assert layers | {"gradient_norm", "update_ratio"} <= set(watch.record.names())
    assert [lens.name for lens in light()] == ["gradient_flow", "activation_health", "update_ratio"]


def test_a_directory_becomes_a_run_that_can_be_gone_on_with(tmp_path: Path) -> None:
    watch, model, optimizer = started(to=tmp_path / "run", every=2)
    with watch:
        run_steps(watch, model, optimizer, 3)
    run = shinso.load_run(tmp_path / "run")
    assert run.readings("gradient_norm").steps.tolist() == [1, 3]
    assert watch.readings("gradient_norm").steps.tolist() == [1, 3]
    with pytest.raises(RunError, match="is not empty"):
        shinso.watch(model, optimizer, to=tmp_path / "run")
    with shinso.watch(model, optimizer, to=str(tmp_path / "run"), every=2, start=3) as watch:
        run_steps(watch, model, optimizer, 2)
    assert run.readings("gradient_norm").steps.tolist() == [1, 3, 5]


def test_readings_can_be_seen_by_others_after_the_next_that_are_due(tmp_path: Path) -> None:
    watch, model, optimizer = started(to=tmp_path / "run", every=2)
    with watch:
        run_steps(watch, model, optimizer, 3)
        assert shinso.load_run(tmp_path / "run").readings("update_ratio").steps.tolist() == [1]


def test_a_record_of_the_caller_is_neither_committed_nor_closed(tmp_path: Path) -> None:
    record = Record(tmp_path / "run.db")
    watch, model, optimizer = started(to=record, every=1)
    with watch:
        run_steps(watch, model, optimizer, 2)
    assert record.readings("gradient_norm").steps.tolist() == [1, 2]
    assert Record.open_read_only(tmp_path / "run.db").names() == ()
    record.commit()
    assert "gradient_norm" in Record.open_read_only(tmp_path / "run.db").names()
    record.close()


def test_where_nothing_is_due_there_is_no_hook() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with shinso.watch(model, optimizer, every=2) as watch:
        for hooked in (True, False, True, False):
            with watch.step():
                assert all(bool(module._forward_hooks) == hooked for module in model.modules())
                assert bool(optimizer._optimizer_step_pre_hooks) == hooked
                assert bool(optimizer._optimizer_step_post_hooks) == hooked
            assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
            assert not optimizer._optimizer_step_pre_hooks
            assert not optimizer._optimizer_step_post_hooks


@pytest.mark.parametrize("error", [KeyError("mine"), StopIteration(3), KeyboardInterrupt()], ids=repr)
def test_an_error_in_the_body_passes_untouched_and_readings_stay(error: BaseException) -> None:
    watch, model, optimizer = started(every=1)
    caught: BaseException | None = None
    try:
        with watch:
            run_steps(watch, model, optimizer, 2)
            with watch.step():
                model(torch.ones(2, 3))
                raise error
    except BaseException as raised:
        caught = raised
    assert caught is error
    assert caught.__cause__ is None
    assert not any(module._forward_hooks for module in model.modules())
    assert watch.readings("gradient_norm").steps.tolist() == [1, 2]


def test_without_an_update_only_activations_are_read() -> None:
    watch, model, _ = started(every=1)
    with watch, watch.step():
        model(torch.ones(2, 3)).sum().backward()
    assert "activation/mean" in watch.record.names()
    assert not {"gradient_norm", "update_ratio"} & set(watch.record.names())


class Holding(nn.Module):
    """Keeps a weak reference to its last hidden activation."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)
        self.hidden: weakref.ref[Tensor] | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.layer(inputs).relu()
        self.hidden = weakref.ref(hidden)
        return hidden.sum()


def test_neither_batch_nor_graph_outlives_the_step() -> None:
    model = Holding()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    inputs, targets = torch.ones(2, 3), torch.ones(2)
    batch = [weakref.ref(inputs), weakref.ref(targets)]
    gc.collect()
    gc.disable()
    try:
        watch = shinso.watch(model, optimizer)
        with watch.step(inputs, targets):
            loss = model(inputs)
            loss.backward()
            optimizer.step()
        del loss, inputs, targets
        assert model.hidden is not None
        assert [reference() for reference in (model.hidden, *batch)] == [None] * 3
    finally:
        gc.enable()


def plain(value: Tensor | list[Tensor]) -> Any:
    return [item.tolist() for item in value] if isinstance(value, list) else value.tolist()


class Curious:
    """A lens that asks for what the test wants, and keeps what it saw."""

    name = "curious"

    def __init__(self, *needs: Need) -> None:
        self.needs = frozenset(needs)
        self.seen: dict[str, Any] = {}

    def read(self, step: Step) -> Mapping[str, Reading]:
        self.seen["batch"] = (step.inputs, step.targets)
        for need in self.needs:
            self.seen[need.name] = {name: plain(value) for name, value in getattr(step, need.name.lower()).items()}
        return {}


def test_a_lens_sees_the_batch_and_what_it_needs() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    lens = Curious(Need.ACTIVATIONS, Need.GRADIENTS, Need.PARAMETERS_BEFORE, Need.PARAMETERS_AFTER)
    with shinso.watch(model, optimizer, [lens]) as watch, watch.step("inputs", "targets"):
        model(torch.full((1, 1), 3.0)).sum().backward()
        optimizer.step()
    assert lens.seen == {
        "batch": ("inputs", "targets"),
        "ACTIVATIONS": {"Linear": [[[3.0]]]},
        "GRADIENTS": {"weight": [[3.0]]},
        "PARAMETERS_BEFORE": {"weight": [[1.0]]},
        "PARAMETERS_AFTER": {"weight": [[-0.5]]},
    }


def test_activations_are_copies_from_before_the_next_layer_overwrites_them() -> None:
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(inplace=True))
    nn.init.ones_(model[0].weight)
    lens = Curious(Need.ACTIVATIONS)
    with shinso.watch(model, None, [lens]) as watch, watch.step():
        model(torch.full((1, 1), -3.0))
    assert lens.seen["ACTIVATIONS"] == {"0": [[[-3.0]]], "1": [[[0.0]]]}


class Overreaching(StepNumber):
    """Reads what it did not ask for."""

    def read(self, step: Step) -> Mapping[str, Reading]:
        return {"gradients": Reading(torch.tensor(len(step.gradients)))}


def test_what_no_lens_asked_for_is_not_given() -> None:
    watch, model, optimizer = started(lenses=[Overreaching()])
    with pytest.raises(ValueError, match=r"add Need\.GRADIENTS to the needs of the lens"):
        run_steps(watch, model, optimizer, 1)


def test_a_closed_watch_says_so() -> None:
    watch, model, optimizer = started()
    with watch:
        run_steps(watch, model, optimizer, 1)
    with pytest.raises(RuntimeError, match="this watch is closed: take its steps inside the with block"):
        watch.step()


def test_what_cannot_be_watched_is_refused() -> None:
    model, other = network(), network()
    optimizer = torch.optim.SGD(model.parameters())
    with pytest.raises(TypeError, match=r"needs a torch\.nn\.Module; got function"):
        shinso.watch(network)
    with pytest.raises(ValueError, match="Sequential has no parameters, so there is no training to watch"):
        shinso.watch(nn.Sequential(nn.ReLU()))
    with pytest.raises(ValueError, match="SGD holds none of the parameters of Sequential: pass the optimizer that was"):
        shinso.watch(other, optimizer)
    with pytest.raises(TypeError, match=r"needs a torch\.optim\.Optimizer or None; got list"):
        shinso.watch(model, list(model.parameters()))
    with pytest.raises(ValueError, match="runs in several threads and cannot be watched: use DistributedDataParallel"):
        shinso.watch(nn.DataParallel(model))
    with pytest.raises(ValueError, match="2 lenses are named 'gradient_flow'"):
        shinso.watch(model, optimizer, [GradientFlow(), GradientFlow()])
    with pytest.raises(TypeError, match=r"GradientFlow is a class, and a lens is an object: GradientFlow\(\)"):
        shinso.watch(model, optimizer, [GradientFlow])
    with pytest.raises(ValueError, match="positive number of steps between readings; got 0"):
        shinso.watch(model, optimizer, every=0)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    watch, model, optimizer = started(lenses=[StepNumber()])
    with watch:
        run_steps(watch, model, optimizer, 1)
    with pytest.raises(KeyError, match="no readings named 'gradient'; there are: step_number"):
        watch.readings("gradient")


def build_optimizer_over(*modules: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD([parameter for module in modules for parameter in module.parameters()], lr=0.1)


def test_an_optimizer_may_hold_more_than_the_model() -> None:
    model, loss = network(), nn.Linear(2, 1)
    optimizer = build_optimizer_over(model, loss)
    with shinso.watch(model, optimizer) as watch, watch.step():
        loss(model(torch.ones(2, 3))).sum().backward()
        optimizer.step()
    assert watch.readings("gradient_norm").labels == ("0.weight", "0.bias", "2.weight", "2.bias")


class Sometimes(nn.Module):
    """Has a branch that runs at some steps only."""

    def __init__(self) -> None:
        super().__init__()
        self.always, self.rarely = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, inputs: Tensor, detour: bool) -> Tensor:
        return self.always(self.rarely(inputs) if detour else inputs)


def test_a_layer_that_runs_at_some_steps_only_is_nan_at_the_others() -> None:
    model = Sometimes()
    with shinso.watch(model, None, [ActivationHealth()], every=1) as watch:
        for detour in (False, True, False):
            with watch.step():
                model(torch.ones(2, 3), detour)
    steps, values, labels = watch.readings("activation/mean")
    assert steps.tolist() == [1, 2, 3]
    assert labels == ("always", "rarely")
    assert np.isnan(values[:, 1]).tolist() == [True, False, True]
    assert not np.isnan(values[:, 0]).any()
    assert watch.readings("activation/rarely/mean").steps.tolist() == [2]


def test_a_width_that_changes_between_steps_does_not_spoil_the_series() -> None:
    class Widths(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, inputs: Tensor) -> Tensor:
            return (self.weight * inputs).relu()

    model = Widths()
    with shinso.watch(model, None, [ActivationHealth()], every=1) as watch:
        for width in (2, 3, 2):
            with watch.step():
                model(torch.ones(4, width))
    assert watch.readings("activation/relu/mean").values.tolist() == [[1, 1], [1, 1]]
    assert watch.readings("activation/relu/mean [3]").values.tolist() == [[1, 1, 1]]


def test_a_failing_step_does_not_stop_the_next() -> None:
    watch, model, optimizer = started(every=1)
    with watch:
        with suppress(ValueError), watch.step():
            raise ValueError
        run_steps(watch, model, optimizer, 1)
    assert watch.readings("update_ratio").steps.tolist() == [2]

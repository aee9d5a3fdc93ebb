"""The catalogue: every lens in it works by its name, and no two of one battery write over each other."""

from collections import Counter

import pytest
import torch
from lens_cases import CASES, Case
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_nothing_changes import assert_same, plain, sgd, trained
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Lens, Need, Probe, Reading, Step, inspect, watch
from shinso.lens._forgiving import Forgiving
from shinso.lens.catalogue import LENSES, battery, without_training
from shinso.lens.portraits import PORTRAITS, draw_portrait


@pytest.mark.parametrize("name", LENSES)
def test_a_lens_is_called_as_it_is_listed_and_says_what_it_means(name: str) -> None:
    lens = LENSES[name].make()
    assert lens.name == name
    assert lens.needs
    assert all(isinstance(need, Need) for need in lens.needs)
    words = type(lens).__doc__ or ""
    assert words.split()[0] == "Reads"
    assert LENSES[name].source


def test_each_battery_holds_the_cheaper_ones() -> None:
    light, standard, full = ([lens.name for lens in battery(name)] for name in ("light", "standard", "full"))
    assert light == ["gradient_flow", "activation_health", "update_ratio"]
    assert set(light) < set(standard) < set(full) < set(LENSES)
    with pytest.raises(ValueError, match="there is no battery 'heavy'; there are: light, standard, full"):
        battery("heavy")  # type: ignore[arg-type]


def test_without_a_loss_it_is_said_what_is_missing() -> None:
    with pytest.raises(ValueError, match="runs the model again and needs its loss: watch"):
        watch(nn.Linear(2, 1), lenses="standard")


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))


@pytest.mark.parametrize("name", without_training())
def test_each_reads_a_small_network_at_rest(name: str) -> None:
    torch.manual_seed(1)
    inputs, targets = torch.rand(12, 1, 6, 6), torch.arange(12) % 3
    readings = inspect(small(), F.cross_entropy, inputs, targets, [LENSES[name].make()])
    assert readings
    for reading in readings.values():
        assert not reading.labels or len(reading.labels) == len(reading.values)


def test_those_that_need_no_step_of_training_are_listed() -> None:
    assert "update_ratio" not in without_training()
    assert "input_drift" not in without_training()
    assert set(PORTRAITS) <= set(without_training())


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.name)
def test_the_full_battery_changes_nothing(case: Case) -> None:
    lenses: list[Lens] = [Forgiving(lens) for lens in battery("full")]
    assert_same(trained(case, plain, sgd, lenses, steps=2), trained(case, plain, sgd, None, steps=2))


def test_no_two_lenses_of_the_full_battery_write_the_same_reading() -> None:
    torch.manual_seed(1)
    model, inputs, targets = small(), torch.rand(12, 1, 6, 6), torch.arange(12) % 3
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    names: Counter[str] = Counter()
    for lens in battery("full"):
        with watch(model, optimizer, [lens], loss=F.cross_entropy) as watching:
            for _ in range(2):
                with watching.step(inputs, targets):
                    optimizer.zero_grad()
                    F.cross_entropy(model(inputs), targets).backward()
                    optimizer.step()
        names.update(watching.record.names())
    assert [name for name, count in names.items() if count > 1] == []


class Refuses:
    """A lens that is not for any model."""

    name = "refuses"
    needs = frozenset({Need.GRADIENTS})

    def __init__(self) -> None:
        self.asked = 0

    def read(self, step: Step) -> dict[str, Reading]:
        self.asked += 1
        raise ValueError("nothing to see here")


def test_of_a_battery_what_is_not_defined_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = Refuses()
    monkeypatch.setattr("shinso.lens.catalogue.battery", lambda name, activations: (*battery("light"), refusing))
    model = nn.Linear(2, 1)
    with watch(model, lenses="standard", every=1) as watching:
        for _ in range(3):
            with watching.step():
                model(torch.ones(4, 2)).sum().backward()
        assert len(watching.readings("gradient_norm").steps) == 3
        (event,) = watching.record.events("left_out")
    assert (event.step, event.content) == (1, {"lens": "refuses", "why": "nothing to see here"})
    assert refusing.asked == 1


def test_a_lens_asked_for_by_name_is_not_forgiven() -> None:
    model = nn.Linear(2, 1)
    with pytest.raises(ValueError, match="nothing to see here"), watch(model, lenses=[Refuses()]).step():
        model(torch.ones(4, 2)).sum().backward()


class Fails(Refuses):
    """Fails at the named steps, as code that was not made for a model does."""

    def __init__(self, *steps: int) -> None:
        super().__init__()
        self.steps = steps

    def read(self, step: Step) -> dict[str, Reading]:
        self.asked += 1
        if step.number in self.steps:
            raise TypeError("got a dict")
        return {"fails": Reading(torch.ones(()))}


def test_no_error_of_a_battery_ends_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Fails(1)
    monkeypatch.setattr("shinso.lens.catalogue.battery", lambda name, activations: (failing,))
    model = nn.Linear(2, 1)
    with watch(model, lenses="full", every=1) as watching:
        for _ in range(3):
            with watching.step():
                model(torch.ones(4, 2)).sum().backward()
        (event,) = watching.record.events("left_out")
    assert event.content == {"lens": "refuses", "why": "TypeError: got a dict"}
    assert failing.asked == 1


def test_one_bad_batch_does_not_end_a_lens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shinso.lens.catalogue.battery", lambda name, activations: (Fails(2),))
    model = nn.Linear(2, 1)
    with watch(model, lenses="full", every=1) as watching:
        for _ in range(3):
            with watching.step():
                model(torch.ones(4, 2)).sum().backward()
        assert watching.readings("fails").steps.tolist() == [1, 3]
        assert not list(watching.record.events("left_out"))


@pytest.mark.parametrize("name", ["margins", "robustness", "attribution"])
def test_pictures_name_what_they_show(name: str) -> None:
    torch.manual_seed(1)
    probe = Probe(small().eval(), F.cross_entropy, torch.rand(12, 1, 6, 6), torch.arange(12) % 3)
    figure = Figure()
    draw_portrait(name, probe, figure)
    words = " ".join(text.get_text() for text in figure.findobj(Text))
    # Inputs were standardised, and are not in raw units; explained are the targets, whatever the network answers.
    shown = {
        "margins": "right class",
        "robustness": "units that the network is given",
        "attribution": "the right class",
    }
    assert shown[name] in words

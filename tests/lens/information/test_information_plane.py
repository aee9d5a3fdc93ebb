"""The information plane as a lens: in training, at rest, drawn, and with warnings."""

import pytest
import torch
from lens_cases import CASES, Case
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import inspect, watch
from shinso.lens.information import (
    InformationPlane,
    draw_information_plane,
    information_warnings,
    layer_information,
)
from shinso.record import Record


def trained(case: Case, lenses: list[InformationPlane]) -> tuple[list[torch.Tensor], torch.Tensor]:
    torch.manual_seed(5)
    model = case.build()
    optimizer = SGD(model.parameters(), lr=0.1)
    inputs, targets = case.inputs(), torch.arange(6) % 2
    watching = watch(model, optimizer, lenses, every=1)
    for _ in range(3):
        with watching.step(inputs, targets):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    watching.close()
    return list(model.state_dict().values()), torch.get_rng_state()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_stays_as_it_is(case: Case) -> None:
    (state, random_state), (alone, random_alone) = trained(case, [InformationPlane()]), trained(case, [])
    assert all(torch.equal(a, b) for a, b in zip(state, alone, strict=True))
    assert torch.equal(random_state, random_alone)


def test_it_reads_the_layers_of_a_model_at_rest() -> None:
    torch.manual_seed(0)
    model, inputs, targets = CASES[0].build(), torch.randn(30, 5), torch.arange(30) % 2
    readings = inspect(model, F.cross_entropy, inputs, targets, [InformationPlane(bins=8, examples=20)])
    hidden = model.eval()[:2](inputs[:20])
    expected = layer_information(hidden.detach(), targets[:20], bins=8)
    place = readings["information/input_binned"].labels.index("1")
    assert readings["information/input_binned"].values[place] == pytest.approx(expected.binned.input)
    assert readings["information/target_neighbours"].values[place] == pytest.approx(expected.neighbours)
    assert readings["information/target_kernel"].values[place] == pytest.approx(expected.kernel.estimate.target)
    assert readings["information/input_limit"].values == pytest.approx(expected.limits.input)


def test_only_the_layers_asked_for_and_no_unknown_ones() -> None:
    model, inputs, targets = CASES[0].build(), torch.randn(6, 5), torch.arange(6) % 2
    readings = inspect(model, F.cross_entropy, inputs, targets, [InformationPlane(layers=("4",))])
    assert readings["information/input_binned"].labels == ("4",)
    with pytest.raises(ValueError, match=r"no layer nine ran; there are 0, 1, 3, 4, 5"):
        inspect(model, F.cross_entropy, inputs, targets, [InformationPlane(layers=("nine",))])


def record_of_a_run() -> Record:
    torch.manual_seed(0)
    inputs = torch.randn(128, 10)
    targets = (inputs[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(10, 40), nn.Tanh(), nn.Linear(40, 1), nn.Tanh(), nn.Linear(1, 2))
    optimizer = SGD(model.parameters(), lr=0.5)
    watching = watch(model, optimizer, [InformationPlane(layers=("1", "3"))], every=10)
    for _ in range(31):
        with watching.step(inputs, targets):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    watching.flush()
    return watching.record


def test_a_wide_layer_is_warned_of_and_the_picture_shows_each_layer() -> None:
    record = record_of_a_run()
    warnings = information_warnings(record)
    assert any(
        w.startswith("1: I(X;T) is near 7.0 bits, the most this batch can show, at 4 of 4 steps") for w in warnings
    )
    assert any(w.startswith("1: estimators of I(T;Y) disagree at") for w in warnings)
    figure = Figure()
    draw_information_plane(record, figure)
    figure.draw_without_rendering()
    assert [axes.get_title() for axes in figure.axes[:2]] == ["By binning", "By kernel density (upper bound)"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1", "3"]


def test_without_targets_it_says_so() -> None:
    model = nn.Linear(2, 1)
    watching = watch(model, None, [InformationPlane()])
    with (
        pytest.raises(ValueError, match="needs the targets as a tensor, got NoneType"),
        watching.step(torch.ones(3, 2)),
    ):
        model(torch.ones(3, 2))

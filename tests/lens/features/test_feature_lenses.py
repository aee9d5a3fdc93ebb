"""The lenses: in training they change nothing, on a model at rest they read what the functions do."""

import pytest
import torch
from feature_cases import convolutional, images
from lens_cases import CASES, Case
from test_nothing_changes import assert_same, plain, sgd, trained
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import Lens, inspect, watch
from shinso.lens.features import (
    LENSES,
    Attribution,
    FeatureMaps,
    Filters,
    completeness_gap,
    feature_maps,
    gradient_times_input,
    integrated_gradients,
    logit_of,
)


class Named(nn.Module):
    """A model of several inputs by name."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, *, values: Tensor, mask: Tensor) -> Tensor:
        return self.layer(values * mask).tanh()


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.name)
def test_training_stays_the_same(case: Case) -> None:
    layers = ("0",) if case.name == "mlp" else None
    lenses: list[Lens] = [Filters(), FeatureMaps(layers), Attribution()]
    assert_same(trained(case, plain, sgd, lenses), trained(case, plain, sgd, None))


def test_training_on_tokens_stays_the_same() -> None:
    lenses: list[Lens] = [FeatureMaps(("lstm",))]
    assert_same(trained(CASES[2], plain, sgd, lenses), trained(CASES[2], plain, sgd, None))


def test_on_a_model_at_rest() -> None:
    model, inputs, targets = convolutional(), images(6), torch.tensor([0, 1, 2, 0, 1, 2])
    readings = inspect(model, F.cross_entropy, inputs, targets, [entry.make() for entry in LENSES.values()])
    assert torch.equal(readings["filters/first"].values, model[0].weight)
    expected = feature_maps(model, inputs[:2])
    assert torch.equal(readings["feature_maps/0"].values, expected["0"])
    score = logit_of(targets[:4])
    maps = integrated_gradients(model, inputs[:4], score)
    torch.testing.assert_close(readings["attribution/maps"].values, maps)
    gap = completeness_gap(model, inputs[:4], score, maps)
    torch.testing.assert_close(readings["attribution/completeness_gap"].values, gap)


def test_of_several_inputs_the_real_one_is_explained_and_others_are_cut_alike() -> None:
    model, mask = Named(), torch.tensor([[1, 0, 1], [1, 1, 1], [0, 0, 1]])
    values, targets = torch.randn(3, 3), torch.tensor([1, 0, 1])
    lens = Attribution(gradient_times_input, examples=2)
    readings = inspect(model, F.cross_entropy, {"values": values, "mask": mask}, targets, [lens])
    score = logit_of(targets[:2])
    alone = gradient_times_input(lambda v: model(values=v, mask=mask[:2]), values[:2], score)
    torch.testing.assert_close(readings["attribution/maps"].values, alone)
    assert readings["attribution/maps"].values[0, 1] == 0


def test_tokens_and_several_real_inputs_are_refused() -> None:
    case = CASES[2]
    with pytest.raises(ValueError, match=r"expected one tensor of real numbers among the inputs.*got 0") as raised:
        inspect(case.build(), F.cross_entropy, case.inputs(), torch.arange(6) % 4, [Attribution()])
    assert raised.value.__notes__ == ["raised by the lens 'attribution' at step 0"]
    two = {"values": torch.ones(1, 3), "mask": torch.ones(1, 3)}
    with pytest.raises(ValueError, match="got 2"):
        inspect(Named(), F.cross_entropy, two, torch.zeros(1).long(), [Attribution()])


def test_a_model_without_convolutions_has_no_filters_to_read() -> None:
    model, inputs, targets = nn.Linear(4, 2), torch.ones(1, 4), torch.zeros(1).long()
    assert inspect(model, F.cross_entropy, inputs, targets, [Filters(), FeatureMaps()]) == {}
    filters = inspect(model, F.cross_entropy, inputs, targets, [Filters((1, 2, 2))])["filters/first"].values
    assert torch.equal(filters, model.weight.view(2, 1, 2, 2))


def test_in_training_filters_are_those_after_the_step() -> None:
    model = convolutional()
    optimizer = SGD(model.parameters(), lr=1.0)
    watching = watch(model, optimizer, [Filters()], loss=F.cross_entropy)
    with watching.step(images(), torch.zeros(4).long()):
        F.cross_entropy(model(images()), torch.zeros(4).long()).backward()
        optimizer.step()
    assert torch.equal(torch.from_numpy(watching.readings("filters/first").values[0]), model[0].weight)

"""Margins against loops, and distances to borders that are known."""

import pytest
import torch
from generalization_cases import batch, classifier
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from shinso.lens.generalization import input_margins, margins


@given(st.integers(1, 6), st.integers(2, 5), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_margin_is_the_lead_over_the_best_other_class(examples: int, classes: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(examples, classes, generator=generator, dtype=torch.float64)
    targets = torch.randint(classes, (examples,), generator=generator)
    for row, target, margin in zip(logits.tolist(), targets.tolist(), margins(logits, targets).tolist(), strict=True):
        assert margin == pytest.approx(row[target] - max(v for place, v in enumerate(row) if place != target))


def test_of_a_linear_model_the_input_margin_is_the_distance_to_the_nearest_border() -> None:
    model = nn.Linear(3, 4).double()
    inputs, targets = batch()
    found = input_margins(model, inputs, targets)
    weight, logits = model.weight.detach(), model(inputs).detach()
    for example, target in enumerate(targets.tolist()):
        distances = [
            (logits[example, target] - logits[example, other]) / (weight[target] - weight[other]).norm()
            for other in range(4)
            if other != target
        ]
        assert found[example].item() == pytest.approx(min(distances).item())
        nearest = min(range(3), key=lambda place: distances[place])
        other = [j for j in range(4) if j != target][nearest]
        direction = weight[target] - weight[other]
        on_border = inputs[example] - found[example] * direction / direction.norm()
        tied = model(on_border).detach()
        assert tied[target].item() == pytest.approx(tied[other].item())


def test_inputs_are_looked_at_in_eval_mode_and_nothing_is_left_behind() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.9)).double().train()
    inputs, targets = batch()
    random = torch.get_rng_state()
    first = input_margins(model, inputs, targets)
    torch.testing.assert_close(first[:1], input_margins(model, inputs[:1], targets[:1]))
    assert model.training
    assert model[2].training
    assert not inputs.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_what_has_no_margin_is_refused() -> None:
    with pytest.raises(ValueError, match="a margin lies between two classes; the network has 1 output"):
        margins(torch.ones(2, 1), torch.zeros(2, dtype=torch.long))
    inputs, targets = batch()
    with pytest.raises(ValueError, match=r"targets go from 0 to 7, but the network has 3 outputs: .* in 0..2"):
        margins(classifier()(inputs).detach(), targets.clone().index_fill_(0, torch.tensor([4]), 7))

"""Against one backward pass for each example, for every kind of layer."""

import pytest
import torch
from per_sample_cases import BATCH, every_layer, normal, one_at_a_time
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Probe
from shinso.lens.per_sample import per_sample

CASES = every_layer()


@pytest.mark.parametrize("name", CASES)
def test_all_sums_are_those_of_the_gradients_one_by_one(name: str) -> None:
    model, inputs = CASES[name]
    targets = normal(*model(inputs).shape, seed=9)
    expected = one_at_a_time(model, F.mse_loss, inputs, targets)
    found = per_sample(Probe(model, F.mse_loss, inputs, targets))
    assert found.why_not_seen() == {}
    assert set(found.parameters) == set(expected)
    seconds = found.second_moments()
    for place, parameter in enumerate(found.parameters):
        gradients = expected[parameter]
        flat = gradients.reshape(BATCH, -1)
        torch.testing.assert_close(found.mean[parameter], gradients.mean(0))
        torch.testing.assert_close(found.gradients(parameter), gradients)
        torch.testing.assert_close(found.squared_norms[place], flat.square().sum(1))
        torch.testing.assert_close(found.products[place], flat @ flat.mean(0))
        torch.testing.assert_close(seconds[parameter], gradients.square().mean(0))
        examples, entries = torch.arange(20) % BATCH, torch.arange(20) * 7 % flat.shape[1]
        torch.testing.assert_close(found.entries(parameter, examples, entries), flat[examples, entries])

"""Dinh's caveat: what rescaling two layers changes, and what it leaves."""

import pytest
import torch
from curvature_cases import BY_NAME, dense_hessian
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from shinso.lens import Probe
from shinso.lens.curvature import compare_rescalings, rescaled

FACTOR = 4.0


def test_blocks_of_the_hessian_scale_with_the_layers() -> None:
    probe = BY_NAME["rectified"].probe(30)
    other = Probe(rescaled(probe.model, "0", "2", FACTOR), probe.loss_function, probe.inputs, probe.targets)
    torch.testing.assert_close(other.outputs(), probe.outputs())
    # Each parameter is the old one times its scale, so that every entry is divided by the scales of row and column.
    scales = {"0.weight": FACTOR, "0.bias": FACTOR, "2.weight": 1 / FACTOR}
    scale = torch.cat([torch.full((v.numel(),), scales.get(n, 1.0)) for n, v in probe.parameters.items()]).double()
    torch.testing.assert_close(dense_hessian(other), dense_hessian(probe) / torch.outer(scale, scale))


def test_the_model_itself_stays() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    changed = rescaled(model, "0", "2", 8.0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(changed[0].bias, 8 * model[0].bias)
    assert torch.equal(changed[2].weight, model[2].weight / 8)


def test_three_measures_change_and_the_filter_normalised_one_does_not() -> None:
    probe = BY_NAME["rectified"].probe(60)
    found = compare_rescalings(probe, "0", "2", (0.1, 1.0, 10.0))
    assert found.output_changes.max() < 1e-12
    assert found.filter_normalized_sharpness.tolist() == pytest.approx(
        [float(found.filter_normalized_sharpness[1])] * 3
    )
    assert found.filter_normalized_sharpness[1] > 0
    for values in (found.top_eigenvalues, found.epsilon_sharpness, torch.tensor([t.value for t in found.traces])):
        assert (values[[0, 2]] > 2 * values[1]).all()


def test_what_is_wrong_is_said() -> None:
    smooth = BY_NAME["perceptron"].probe()
    with pytest.raises(ValueError, match=r"'0' times 3 and '2' divided by it the outputs change by .* %: between"):
        compare_rescalings(smooth, "0", "2", (1.0, 3.0))
    with pytest.raises(ValueError, match="'1' is no layer with a weight that is a parameter; there are 0, 2"):
        rescaled(smooth.model, "0", "1", 2.0)
    with pytest.raises(ValueError, match=r"does not pass through a ReLU; got -2"):
        rescaled(smooth.model, "0", "2", -2.0)


def test_a_weight_that_is_computed_cannot_be_rescaled() -> None:
    model = nn.Sequential(weight_norm(nn.Linear(3, 4)), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="'0' is no layer with a weight that is a parameter; there are 2"):
        rescaled(model, "0", "2", 2.0)

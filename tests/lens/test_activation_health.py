"""Activation health against networks whose dead and saturated units are known, and against NumPy."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import shinso
from shinso.lens import ActivationHealth, Watch


def watched_forward(network: nn.Module, *inputs: Tensor) -> Watch:
    """A watch that has seen these inputs go through the network in one step."""
    with shinso.watch(network, None, [ActivationHealth()]) as watch, watch.step():
        for batch in inputs:
            network(batch)
    return watch


def by_layer(watch: Watch, statistic: str) -> dict[str, float]:
    """The reading of one step by layer."""
    _, values, labels = watch.readings(f"activation/{statistic}")
    return dict(zip(labels, values[0].tolist(), strict=True))


def test_units_with_a_hopeless_bias_are_dead() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([-1e3, 1e3, -1e3, 1e3]))
    watch = watched_forward(network, torch.randn(10, 3))
    assert watch.readings("activation/1/dead").values.tolist() == [[1, 0, 1, 0]]
    assert by_layer(watch, "dead")["1"] == 0.5


def test_dead_channels_of_a_convolution_are_counted_over_examples_and_positions() -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True))
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([-1e3, 0.0, 1e3]))
    images = torch.randn(5, 1, 6, 6)
    watch = watched_forward(network, images)
    found = watch.readings("activation/1/dead").values[0]
    before = network[0](images).detach().numpy()
    np.testing.assert_allclose(found, (before <= 0).mean((0, 2, 3)), rtol=1e-6)
    assert (found[0], found[2]) == (1, 0)


def test_moments_of_a_layer_are_taken_before_the_next_overwrites_it() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True))
    inputs = torch.randn(50, 3)
    watch = watched_forward(network, inputs)
    before = network[0](inputs).detach().double().numpy()
    for layer, outputs in (("0", before), ("1", before.clip(0))):
        np.testing.assert_allclose(watch.readings(f"activation/{layer}/mean").values[0], outputs.mean(0), atol=1e-6)
        np.testing.assert_allclose(watch.readings(f"activation/{layer}/variance").values[0], outputs.var(0), atol=1e-6)
        np.testing.assert_allclose(by_layer(watch, "variance")[layer], outputs.var(0).mean(), rtol=1e-5)
        np.testing.assert_allclose(by_layer(watch, "mean")[layer], outputs.mean(), atol=1e-6)


BOUNDED = {
    "sigmoid": (nn.Sigmoid(), lambda y: (y < 0.01) | (y > 0.99)),
    "tanh": (nn.Tanh(), lambda y: np.abs(y) > 0.98),
    "hardtanh": (nn.Hardtanh(-2, 2), lambda y: np.abs(y) > 1.96),
    "hardsigmoid": (nn.Hardsigmoid(), lambda y: (y < 0.01) | (y > 0.99)),
    "softsign": (nn.Softsign(), lambda y: np.abs(y) > 0.98),
    "relu6": (nn.ReLU6(), lambda y: y > 5.94),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_outputs_near_a_bound_are_saturated(name: str) -> None:
    activation, near_a_bound = BOUNDED[name]
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 3), activation)
    inputs = 60 * torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    watch = watched_forward(network, inputs)
    expected = near_a_bound(network(inputs).detach().numpy()).mean(0)
    assert 0 < expected.min() < expected.max() < 1
    np.testing.assert_allclose(watch.readings("activation/1/saturated").values[0], expected, rtol=1e-6)


def test_what_a_function_does_not_have_is_nan_by_layer_and_absent_by_unit() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.ReLU(), nn.Tanh())
    watch = watched_forward(network, torch.randn(9, 2))
    known = {s: {layer for layer, value in by_layer(watch, s).items() if value == value} for s in ("dead", "saturated")}
    assert known == {"dead": {"2"}, "saturated": {"3"}}
    by_unit = {name for name in watch.record.names() if name.endswith(("/dead", "/saturated")) and name.count("/") == 2}
    assert by_unit == {"activation/2/dead", "activation/3/saturated"}


def test_relu6_reads_the_same_as_a_function() -> None:
    class Clipped(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return F.relu6(super().forward(inputs))

    network = Clipped(1, 1)
    nn.init.ones_(network.weight)
    nn.init.zeros_(network.bias)
    watch = watched_forward(network, torch.tensor([[-1.0], [-2.0], [3.0], [7.0]]))
    assert watch.readings("activation/relu6/dead").values.tolist() == [[0.5]]
    assert watch.readings("activation/relu6/saturated").values.tolist() == [[0.25]]


def test_several_batches_of_one_step_count_together() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    first, second = torch.randn(6, 3), torch.randn(10, 3)
    apart, together = watched_forward(network, first, second), watched_forward(network, torch.cat([first, second]))
    for name in together.record.names():
        np.testing.assert_allclose(apart.readings(name).values, together.readings(name).values, atol=1e-6)


class Functional(nn.Module):
    """The same as two modules in a row, in one ``forward``."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:
        return F.relu(self.layer(inputs), inplace=True).tanh()


def test_functions_and_methods_read_as_modules_do() -> None:
    layer, inputs = nn.Linear(3, 4), torch.randn(20, 3)
    modules = watched_forward(nn.Sequential(layer, nn.ReLU(), nn.Tanh()), inputs)
    functions = watched_forward(Functional(layer), inputs)
    for statistic in ("mean", "variance", "dead", "saturated"):
        ours, theirs = by_layer(functions, statistic), by_layer(modules, statistic)
        assert list(ours) == ["layer", "relu", "tanh"]
        np.testing.assert_equal(list(ours.values()), list(theirs.values()))

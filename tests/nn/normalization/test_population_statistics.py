"""Algorithm 2 against its lines written out, and against the sample statistics where both must agree."""

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.normalization import BatchNormalization, batch_norm_map, population_statistics, set_population_statistics


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)
    ).double()


def batches(*sizes: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(size, 2, 5, 5, generator=generator, dtype=torch.float64) * 2 + 1 for size in sizes]


def by_batch(x: Tensor) -> Tensor:
    """x normalised by its own statistics, as in the network in training with γ = 1 and β = 0."""
    mean = x.mean((0, 2, 3), keepdim=True)
    return (x - mean) / ((x - mean).square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()


def test_both_layers_get_the_expectations_of_algorithm_2() -> None:
    net = network()
    given = batches(8, 8, 8)
    found = population_statistics(net, given)
    first = [net[0](x).detach() for x in given]
    second = [net[4](by_batch(x).relu()).detach() for x in first]
    for name, inputs in (("1", first), ("5", second)):
        m = inputs[0].numel() // inputs[0].shape[1]
        means = [x.mean((0, 2, 3)) for x in inputs]
        variances = [((x - x.mean((0, 2, 3), keepdim=True)) ** 2).mean((0, 2, 3)) for x in inputs]
        torch.testing.assert_close(found[name].mean, sum(means) / 3, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(found[name].variance, m / (m - 1) * sum(variances) / 3, rtol=1e-12, atol=1e-12)


def test_nothing_of_the_network_changes() -> None:
    net = network().train()
    net[3].eval()
    net[5].track_running_stats = False
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    population_statistics(net, batches(4, 4))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert modes == [module.training for module in net.modules()]
    assert [net[1].track_running_stats, net[5].track_running_stats] == [True, False]
    net(batches(4)[0])
    assert net[1].num_batches_tracked == 1


def test_it_changes_nothing_when_a_batch_fails() -> None:
    net = network().train()
    with pytest.raises(RuntimeError, match="channels"):
        population_statistics(net, [*batches(4), torch.ones(4, 7, 5, 5, dtype=torch.float64)])
    assert net.training
    assert net[1].track_running_stats
    assert not net[1]._forward_pre_hooks


def test_a_smaller_last_batch_counts_less() -> None:
    net = network()[:2]
    given = batches(8, 8, 2)
    found = population_statistics(net, given)["1"]
    inputs = net[0](torch.cat(given)).detach()
    torch.testing.assert_close(found.mean, inputs.mean((0, 2, 3)), rtol=1e-12, atol=1e-12)


def test_the_network_then_normalises_by_them() -> None:
    net = network()
    found = set_population_statistics(net, ((x, "target") for x in batches(8, 8)))
    torch.testing.assert_close(net[1].running_mean, found["1"].mean)
    torch.testing.assert_close(net[5].running_var, found["5"].variance)


def test_one_large_batch_is_torch_with_momentum_1() -> None:
    (x,) = batches(16)
    ours, theirs = network(), network()
    set_population_statistics(ours, [x])
    theirs.eval()
    for layer in (theirs[1], theirs[5]):
        layer.train().momentum = 1.0
    theirs(x)
    for name, buffer in theirs.named_buffers():
        if not name.endswith("tracked"):
            torch.testing.assert_close(ours.get_buffer(name), buffer, rtol=1e-10, atol=1e-10)


def test_layers_of_every_kind_and_at_the_root() -> None:
    x = torch.randn(6, 3, 4)
    for layer in (nn.BatchNorm1d(3), BatchNormalization(3)):
        set_population_statistics(layer, [x])
        torch.testing.assert_close(layer.running_mean, x.mean((0, 2)))
        torch.testing.assert_close(layer.running_var, x.var((0, 2)))


def test_what_has_no_statistics_is_refused() -> None:
    x = torch.randn(4, 3)
    for net in (nn.Linear(3, 3), nn.BatchNorm1d(3, track_running_stats=False)):
        with pytest.raises(ValueError, match="no batch normalisation with running statistics"):
            population_statistics(net, [x])
    with pytest.raises(ValueError, match="no batch reached the batch normalisation of 1: give batches"):
        population_statistics(nn.Sequential(nn.Identity(), nn.BatchNorm1d(3)), [])
    with pytest.raises(ValueError, match=r"more than 1 value per channel; got one of shape \(1, 3\)"):
        population_statistics(nn.BatchNorm1d(3), [x[:1]])


@pytest.mark.parametrize("affine", [True, False])
def test_evaluation_is_one_affine_map(affine: bool) -> None:
    torch.manual_seed(0)
    layer = nn.BatchNorm2d(3, eps=1e-2, affine=affine).double()
    for tensor in (*layer.parameters(), layer.running_mean, layer.running_var):
        nn.init.uniform_(tensor, 0.5, 2)
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    scale, shift = batch_norm_map(layer)
    torch.testing.assert_close(layer.eval()(x), scale[:, None, None] * x + shift[:, None, None], rtol=1e-12, atol=1e-12)


def test_a_layer_without_statistics_is_no_map() -> None:
    with pytest.raises(ValueError, match="without running statistics is no fixed map"):
        batch_norm_map(nn.BatchNorm1d(3, track_running_stats=False))

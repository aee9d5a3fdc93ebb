"""XOR against the lecture's numbers and the local minima that two units can end in."""

import pytest
import torch

from shinso.models._xor import decision_surface, train_xor, xor_linear, xor_network, xor_points


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_linear_model_says_one_half_everywhere() -> None:
    linear = xor_linear()
    torch.testing.assert_close(linear.weight.detach(), torch.zeros(1, 2), atol=1e-6, rtol=0)
    torch.testing.assert_close(linear.bias.detach(), torch.tensor([0.5]))


def test_the_published_network_is_exact() -> None:
    x, y = xor_points()
    network = xor_network()
    assert network(x).tolist() == y.tolist() == [[0.0], [1.0], [1.0], [0.0]]
    # The space of h in the lecture's figure: two points fall together, and a line separates the rest.
    assert network[:2](x).tolist() == [[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [2.0, 1.0]]


def test_gradient_descent_reaches_it_the_more_surely_the_wider() -> None:
    rates = {width: train_xor(width, 40, steps=2000, generator=seeded()).success_rate for width in (1, 2, 8)}
    assert rates[1] == 0
    assert 0.1 < rates[2] < 0.7
    assert rates[8] > 0.9


def test_trials_that_fail_end_at_local_minima() -> None:
    trials = train_xor(2, 40, generator=seeded(1))
    assert len(trials.networks) == 40
    assert (trials.losses[trials.solved] < 1e-3).all()
    stuck = trials.losses[~trials.solved]
    assert len(stuck)
    # One point or more is given the mean of several targets: 1/8, 1/6 and 1/4 of squared error remain.
    distances = (stuck[:, None] - torch.tensor([1 / 8, 1 / 6, 1 / 4])).abs().amin(1)
    assert distances.max() < 5e-3


def test_trials_come_with_their_networks_and_follow_the_plain_loop() -> None:
    x, y = xor_points()
    trials = train_xor(3, 2, steps=20, generator=seeded(2))
    for network, loss in zip(trials.networks, trials.losses, strict=True):
        torch.testing.assert_close((network(x) - y).square().mean().detach(), loss)
    network = train_xor(3, 1, steps=1, learning_rate=1e-30, generator=seeded(2)).networks[0]
    descent = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(20):
        descent.zero_grad()
        (network(x) - y).square().mean().backward()
        descent.step()
    torch.testing.assert_close(network[0].weight, trials.networks[0][0].weight)
    torch.testing.assert_close(network[2].bias, trials.networks[0][2].bias)


def test_the_surface_is_the_network_on_a_grid() -> None:
    ticks, values = decision_surface(xor_network(), low=0, high=1, points=3)
    assert ticks.tolist() == [0, 0.5, 1]
    assert values.tolist() == [[0, 0.5, 1], [0.5, 1, 0.5], [1, 0.5, 0]]
    network = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    network.weight.data[0, 1] = 1
    # The second feature rises along the first axis.
    assert decision_surface(network, low=0, high=1, points=2)[1].tolist() == [[0, 0], [1, 1]]


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(ValueError, match=r"width, trials and steps >= 1 and learning_rate > 0; got 0, 100, 5000"):
        train_xor(0)

"""The XOR problem, which no linear model solves and two rectified units do (lecture 004, section 6.1; Goodfellow et
al., 2016, "Deep Learning", section 6.1).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from shinso.models._parts import layers_of
from shinso.models._widrow_hoff import least_squares


def xor_points() -> tuple[Float[Tensor, "4 2"], Float[Tensor, "4 1"]]:
    """The four points of the square and their targets 0, 1, 1, 0."""
    return torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0], [1.0], [1.0], [0.0]])


def xor_linear() -> nn.Linear:
    """The linear model (equation 6.2) of least mean squared error (6.1): w = 0 and b = 1/2, up to rounding."""
    return least_squares(*xor_points())


def xor_network() -> nn.Sequential:
    """The exact solution wᵀ·max(0, Wᵀx + c) + b with the weights of equations 6.3 to 6.6, and b = 0."""
    network = _network(2)
    with torch.no_grad():
        for parameter, values in zip(
            network.parameters(), ([[1.0, 1.0], [1.0, 1.0]], [0.0, -1.0], [[1.0, -2.0]], [0.0]), strict=True
        ):
            parameter.copy_(torch.tensor(values))
    return network


@dataclass(frozen=True, eq=False)
class XorTrials:
    """Many networks of one width, each trained from other initial weights."""

    networks: tuple[nn.Sequential, ...]
    losses: Float[Tensor, " trial"]
    """Mean squared error at the end. Where it is not near 0, descent ended at a local minimum or on a plateau."""
    solved: Bool[Tensor, " trial"]
    """Whether all four outputs are nearer to their target than to the other one."""

    @property
    def success_rate(self) -> float:
        """The share that solve it."""
        return float(self.solved.double().mean())


def train_xor(
    width: int,
    trials: int = 100,
    *,
    learning_rate: float = 0.1,
    steps: int = 5000,
    generator: torch.Generator | None = None,
) -> XorTrials:
    """Networks of ``width`` rectified units, trained by gradient descent on the mean squared error of the four points.

    Their initial weights are those that torch gives to linear layers: uniform on ±1/√fan-in, drawn from the generator.
    Raises ValueError where there is nothing to train.
    """
    if min(width, trials, steps) < 1 or not learning_rate > 0:
        raise ValueError(
            f"train_xor needs width, trials and steps >= 1 and learning_rate > 0; got {width}, {trials}, {steps} and "
            f"{learning_rate}"
        )
    networks = tuple(_drawn(_network(width), generator) for _ in range(trials))
    x, y = xor_points()
    weights, _ = stack_module_state(list(networks))
    outputs = vmap(lambda one: functional_call(networks[0], one, (x,)))
    descent = torch.optim.SGD(weights.values(), lr=learning_rate)
    for _ in range(steps):
        descent.zero_grad()
        # The sum over independent networks gives each the gradient of its own loss.
        (outputs(weights) - y).square().mean((1, 2)).sum().backward()
        descent.step()
    with torch.no_grad():
        errors = (outputs(weights) - y).flatten(1)
    _unstack(weights, networks)
    return XorTrials(networks, errors.square().mean(1), (errors.abs() < 0.5).all(1))


def decision_surface(
    network: nn.Module, *, low: float = -0.5, high: float = 1.5, points: int = 101
) -> tuple[Float[Tensor, " points"], Float[Tensor, "points points"]]:
    """The ticks of both axes, and the output at each point of the square grid: ``values[i, j]`` at (tick j, tick i).

    For any network that maps ``[batch, 2]`` to ``[batch, 1]``; the second feature goes upwards, along the first axis
    of the values.
    """
    ticks = torch.linspace(low, high, points)
    second, first = torch.meshgrid(ticks, ticks, indexing="ij")
    with torch.no_grad():
        values: Tensor = network(torch.stack([first, second], dim=-1).reshape(-1, 2))
    return ticks, values.reshape(points, points)


def _network(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))


def _drawn(network: nn.Sequential, generator: torch.Generator | None) -> nn.Sequential:
    for layer in layers_of(network, nn.Linear):
        bound = layer.get_parameter("weight").shape[1] ** -0.5
        for parameter in layer.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return network


@torch.no_grad()
def _unstack(weights: dict[str, Tensor], networks: tuple[nn.Sequential, ...]) -> None:
    for name, stacked in weights.items():
        for network, values in zip(networks, stacked, strict=True):
            network.get_parameter(name).copy_(values)

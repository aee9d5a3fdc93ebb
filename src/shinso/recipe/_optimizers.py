"""Which optimizer, and its options."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SGD:
    """Stochastic gradient descent with momentum (Sutskever et al., 2013; lecture 001, SGD slides)."""

    learning_rate: float = 0.1
    """Peak learning rate; the schedule scales it."""
    momentum: float = 0.9
    """Share of the last update that is kept; 0 for plain gradient descent."""
    nesterov: bool = True
    """Look ahead along the momentum (ignored when momentum is 0)."""
    weight_decay: float = 5e-4
    """λ of the penalty ½λ‖w‖² on weights; biases and normalisation are left alone (lecture 002)."""


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adaptive moments (Kingma and Ba, 2015), the penalty added to the gradient."""

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    weight_decay: float = 0.0


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    weight_decay: float = 0.01


@dataclass(frozen=True, kw_only=True)
class RMSprop:
    """Root-mean-square propagation (Tieleman and Hinton, 2012)."""

    learning_rate: float = 1e-3
    smoothing: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8
    weight_decay: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Adagrad:
    """Adaptive subgradients (Duchi et al., 2011)."""

    learning_rate: float = 0.01
    epsilon: float = 1e-10
    weight_decay: float = 0.0


Optimizer = SGD | Adam | AdamW | RMSprop | Adagrad
OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
}
"""By the name that TOML files and flags call them."""

"""A task: what the loss is, what is measured, and how an example is shown."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from torch import Tensor

Judged = dict[str, Tensor]
"""What is known of each evaluated example, by name: tensors ``[examples]``, always with a ``loss``."""


class Task(Protocol):
    """What training needs to know besides the network; any object with these members will do."""

    @property
    def monitor(self) -> str:
        """The validation metric by which the best state is chosen."""
        ...

    @property
    def higher_is_better(self) -> bool:
        """Whether more of it is better."""
        ...

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch, to be differentiated."""
        ...

    def judge(self, outputs: Tensor, targets: Tensor) -> Judged:
        """What is to be known of each example of a batch."""
        ...

    def metrics(self, judged: Judged) -> Mapping[str, float]:
        """Figures over all examples, by name; one of them is ``monitor``."""
        ...

    def results(self, judged: Judged) -> Mapping[str, np.ndarray]:
        """Arrays about the final test that a report shows, by name."""
        ...

    def worst(self, judged: Judged, count: int) -> Mapping[str, np.ndarray]:
        """The worst mistakes, by name: at least ``index`` [at most count], worst first."""
        ...

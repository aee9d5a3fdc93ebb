"""Early stopping as lecture 002 counts it."""

from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Counts how often the validation loss was larger than at the evaluation before; never counts down.

    Source: lecture 002, early stopping: one count whenever the validation error exceeds that of the previous step, an
    end to the training when the count reaches the given number.
    """

    patience: int | None
    previous_loss: float | None = None
    count: int = 0

    def update(self, loss: float) -> bool:
        """Whether training should end, after one more validation loss."""
        if self.previous_loss is not None and loss > self.previous_loss:
            self.count += 1
        self.previous_loss = loss
        return self.patience is not None and self.count >= self.patience

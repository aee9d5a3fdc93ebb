"""The softmax output unit of a multinoulli distribution (lecture 004 section 6.2.2.3)."""

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.nn import functional as F  # noqa: N812


class SoftmaxMultinoulli(nn.Linear):
    """Logits z = Wᵀh + b of classes: P(y = i) = softmax(z)ᵢ (equations 6.28 and 6.29).

    Maps features ``[*batch, in_features]`` to logits ``[*batch, num_classes]``. The cost is −z_y + log Σ exp zⱼ
    (equation 6.30). Raises ValueError for fewer than two classes.
    """

    def __init__(self, in_features: int, num_classes: int) -> None:
        if num_classes < 2:
            raise ValueError(f"softmax chooses among 2 or more classes; got {num_classes}")
        super().__init__(in_features, num_classes)

    def distribution(self, features: Float[Tensor, "*batch in_features"]) -> Categorical:
        """p(y | features), with ``probs``, ``mode`` (the likeliest class), ``sample``, ``entropy`` and ``log_prob``."""
        return Categorical(logits=self(features))

    def negative_log_likelihood(
        self, features: Float[Tensor, "*batch in_features"], targets: Int64[Tensor, "..."]
    ) -> Float[Tensor, "*batch"]:
        """−log p(targets | features) of each example; its mean over the batch is the cost to train by.

        Targets are class numbers. Raises ValueError unless they are ``[*batch]``.
        """
        logits: Tensor = self(features)
        if targets.shape != logits.shape[:-1]:
            raise ValueError(
                f"targets have shape {list(targets.shape)} and the logits {list(logits.shape)}; one class number for "
                f"each example, {list(logits.shape[:-1])}, is needed"
            )
        losses = F.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none")
        return losses.reshape(targets.shape)

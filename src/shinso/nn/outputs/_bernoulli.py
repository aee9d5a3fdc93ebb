"""The sigmoid output unit of a Bernoulli distribution (lecture 004 section 6.2.2.2)."""

from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent
from torch.nn import functional as F  # noqa: N812

from shinso.nn.outputs._targets import check_same_shape


class SigmoidBernoulli(nn.Linear):
    """Logits z = Wᵀh + b of binary outputs: P(y = 1) = σ(z) (equation 6.19).

    Maps features ``[*batch, in_features]`` to logits ``[*batch, out_features]``; the outputs are independent given the
    features. The cost is softplus((1 − 2y)z), which saturates only where the answer is right.
    """

    def distribution(self, features: Float[Tensor, "*batch in_features"]) -> Independent[Bernoulli]:
        """p(y | features), with ``mean`` (the probabilities), ``mode``, ``sample`` and ``log_prob``."""
        return Independent(Bernoulli(logits=self(features)), 1)

    def negative_log_likelihood(
        self, features: Float[Tensor, "*batch in_features"], targets: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "*batch"]:
        """−log p(targets | features) of each example; its mean over the batch is the cost to train by.

        Targets are 0 and 1 of any type, or probabilities. Raises ValueError unless they are ``[*batch, out_features]``.
        """
        logits = self(features)
        check_same_shape(targets, logits)
        return F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none").sum(-1)

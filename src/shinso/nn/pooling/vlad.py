"""Vectors of locally aggregated descriptors with soft assignment (Jégou et al., 2010, "Aggregating local descriptors
into a compact image representation"; as in Gong et al., 2014, arXiv 1403.1840).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class Vlad(nn.Module):
    """How the vectors of a set lie around fixed centres, whatever their order and number.

    Each vector p counts for its ``nearest`` centres c with weights proportional to exp(-|p - c|² / 2 bandwidth²) that
    add up to 1; for each centre Σ w (p - c) is taken over the set. Of all that the signed root is taken (power
    normalisation), then it is scaled to length 1. Maps ``[…, set, channel]`` to ``[…, center · channel]``; sums of
    exactly 0 get no gradient. Raises ValueError for a ``nearest`` outside of 1 … centres or a bandwidth that is not
    positive.
    """

    def __init__(self, centers: Float[Tensor, "center channel"], bandwidth: float, *, nearest: int = 5) -> None:
        super().__init__()
        if not 1 <= nearest <= len(centers):
            raise ValueError(f"nearest must be from 1 to the {len(centers)} centers; got {nearest}")
        if not bandwidth > 0:
            raise ValueError(f"bandwidth must be above 0; got {bandwidth}")
        self.centers: Tensor
        self.bandwidth: Tensor
        self.nearest = nearest
        self.register_buffer("centers", centers.detach().clone())
        self.register_buffer("bandwidth", torch.tensor(bandwidth, dtype=centers.dtype, device=centers.device))

    def forward(self, vectors: Float[Tensor, "*batch set channel"]) -> Float[Tensor, "*batch features"]:
        weights = self._weights(vectors)
        # Σ w (p - c) = Σ w p - c Σ w, without the differences of every vector with every centre.
        sums = weights.mT @ vectors - weights.sum(-2)[..., None] * self.centers
        return F.normalize(_signed_root(sums).flatten(-2), dim=-1)

    def extra_repr(self) -> str:
        count, channels = self.centers.shape
        return f"{channels}, centers={count}, nearest={self.nearest}"

    def _weights(self, vectors: Tensor) -> Float[Tensor, "*batch set center"]:
        # -|p - c|²/2 without its |p|²/2, which is the same for all centres.
        nearness = vectors @ self.centers.mT - self.centers.square().sum(-1) / 2
        closest = nearness.topk(self.nearest, dim=-1).indices
        far = torch.ones_like(nearness, dtype=torch.bool).scatter(-1, closest, False)
        return (nearness / self.bandwidth**2).masked_fill(far, -torch.inf).softmax(-1)


def fit_vlad(vectors: Float[Tensor, "sample channel"], centers: int = 100, *, nearest: int = 5) -> Vlad:
    """A ``Vlad`` with the centres of k-means over the vectors, started from torch's random state.

    Its bandwidth is the root mean square distance from a vector to its centre, so that weights do not depend on the
    vectors' scale. Raises ValueError unless there are more different vectors than centres.
    """
    from sklearn.cluster import KMeans

    distinct = len(torch.unique(vectors, dim=0))
    if not 1 <= centers < distinct:
        raise ValueError(f"k-means needs more different vectors than centers; got {distinct} and {centers} centers")
    seed = int(torch.randint(2**31 - 1, ()))
    means = KMeans(centers, n_init=1, random_state=seed).fit(vectors.detach().double().cpu().numpy())
    found = torch.from_numpy(means.cluster_centers_).to(vectors)
    return Vlad(found, (means.inertia_ / len(vectors)) ** 0.5, nearest=min(nearest, centers))


def _signed_root(x: Tensor) -> Tensor:
    # The root's slope at 0 is infinite: the root of 1 stands in there, and the sign makes it 0.
    return x.sign() * x.abs().masked_fill(x == 0, 1).sqrt()

"""Cells that answer to one feature each, learned without labels: S-cells (Fukushima, 1980, equations 1 and 2)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.neocognitron.v_cells import spread, v_cells


def s_cells(
    x: Float[Tensor, "batch in_plane height width"],
    excitatory: Float[Tensor, "plane in_plane kernel_height kernel_width"],
    inhibitory: Float[Tensor, " plane"],
    weights: Float[Tensor, "kernel_height kernel_width"],
    selectivity: float,
) -> Float[Tensor, "batch plane height width"]:
    """r·φ[(1 + Σ a·u) / (1 + 2r/(1+r)·b·v) − 1] with φ = ReLU: equation 1.

    Excitation a·u is divided by the inhibition b·v of the V-cells, which makes a cell with strong synapses blind to
    contrast: it answers φ[(1+r)·s − r], where s is the cosine of the angle between its stimulus and the one that it
    learned. It is silent below s = r/(1+r), which the selectivity r sets, and gives 1 to the learned stimulus.
    """
    excitation = F.conv2d(x, excitatory, padding=(weights.shape[0] // 2, weights.shape[1] // 2))
    inhibition = 2 * selectivity / (1 + selectivity) * inhibitory[:, None, None] * v_cells(x, weights)
    return selectivity * F.relu((1 + excitation) / (1 + inhibition) - 1)


class SCells(nn.Module):
    """A layer of S-cells: ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height, width]``.

    Each output channel is an S-plane, whose cells share their synapses. All are silent until ``self_organize_`` has
    taught them; the synapses are buffers, since no gradient changes them. ``selectivity`` is r, and ``decay`` the
    fall of the weights c of the V-cells with distance. Raises ValueError for an even kernel, a selectivity that is
    not positive, or a decay outside 0 to 1.
    """

    excitatory: Tensor
    """a, ``[out_channels, in_channels, kernel_size, kernel_size]``."""
    inhibitory: Tensor
    """b, ``[out_channels]``: above 0 in the planes that have learned something."""
    weights: Tensor
    """c, ``[kernel_size, kernel_size]``, those of one input plane."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, selectivity: float = 2.0, decay: float = 0.9
    ) -> None:
        super().__init__()
        if not selectivity > 0:
            raise ValueError(f"selectivity must be positive; got {selectivity}")
        self.selectivity = selectivity
        self.register_buffer("weights", spread(kernel_size, decay))
        self.register_buffer("excitatory", torch.zeros(out_channels, in_channels, kernel_size, kernel_size))
        self.register_buffer("inhibitory", torch.zeros(out_channels))

    def forward(self, x: Float[Tensor, "batch in_plane height width"]) -> Float[Tensor, "batch plane height width"]:
        return s_cells(x, self.excitatory, self.inhibitory, self.weights, self.selectivity)

    def extra_repr(self) -> str:
        planes, in_channels, kernel_size, _ = self.excitatory.shape
        return f"{in_channels}, {planes}, kernel_size={kernel_size}, selectivity={self.selectivity:g}"

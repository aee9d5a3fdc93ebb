"""Learning without a teacher: who answers best is reinforced, and where all are silent a new plane begins.

Reinforcement is that of Fukushima (1980, section 3). Its planes start from small random synapses; here an unused plane
takes the stimulus that none answers to, as in Fukushima (2013, "Artificial vision by multi-layered neural networks:
Neocognitron and its advances", Neural Networks 37, p. 103, "add-if-silent"), which needs no chance and one pass.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn.neocognitron.s_cells import SCells, s_cells
from shinso.nn.neocognitron.v_cells import v_cells


def representatives(responses: Float[Tensor, "plane height width"], column: int) -> Int[Tensor, "representative 3"]:
    """The plane, row and column of each cell that is to be reinforced.

    A cell is a candidate if it answers, and best of all planes and all positions in the square of ``column`` pixels
    (odd) round it, its S-column; of several candidates in a plane, the one that answers best is the representative.
    """
    best = F.max_pool2d(responses.amax(0, keepdim=True), column, stride=1, padding=column // 2)
    candidates = torch.where((responses == best) & (responses > 0), responses, 0).flatten(1)
    height, position = candidates.max(1)
    planes = height.nonzero().flatten()
    width = responses.shape[2]
    return torch.stack([planes, position[planes] // width, position[planes] % width], dim=1)


def silent_position(
    responses: Float[Tensor, "plane height width"], activity: Float[Tensor, "height width"]
) -> tuple[float, int, int]:
    """The greatest activity where no plane answers, 0 if none is silent or nothing is active; its row and column."""
    unanswered = torch.where(responses.amax(0) > 0, 0, activity).flatten()
    strength, position = unanswered.max(0)
    row, column = divmod(int(position), activity.shape[1])
    return float(strength), row, column


@torch.no_grad()
def self_organize_(
    cells: SCells,
    stimulus: Float[Tensor, "in_plane height width"],
    *,
    selectivity: float,
    threshold: float,
    column: int = 5,
    rate: float = 1e4,
) -> SCells:
    """The cells themselves, changed by one presentation of the stimulus.

    First each unused plane in turn takes the strongest stimulus that no plane answers to, if the V-cells' activity is
    above ``threshold`` there; then the synapses of each representative grow by Δa = q·c·u and Δb = q·v/2 with the
    rate q. ``selectivity`` is the one while learning, higher than the cells' own, so that planes come to differ more
    than they need to in order to answer (Fukushima, 2003, "Neocognitron for handwritten digit recognition",
    Neurocomputing 51, p. 161, the two thresholds).
    """
    x = stimulus[None]
    activity = v_cells(x, cells.weights)[0, 0]
    responses = _responses(cells, x, slice(None), selectivity)
    for plane in (cells.inhibitory == 0).nonzero().flatten().tolist():
        strength, row, left = silent_position(responses, activity)
        if strength <= threshold:
            break
        _reinforce(cells, plane, stimulus, float(activity[row, left]), (row, left), rate)
        responses[plane] = _responses(cells, x, slice(plane, plane + 1), selectivity)[0]
    for plane, row, left in representatives(responses, column).tolist():
        _reinforce(cells, plane, stimulus, float(activity[row, left]), (row, left), rate)
    return cells


def _responses(
    cells: SCells, x: Float[Tensor, "1 in_plane height width"], planes: slice, selectivity: float
) -> Float[Tensor, "plane height width"]:
    return s_cells(x, cells.excitatory[planes], cells.inhibitory[planes], cells.weights, selectivity)[0]


def _reinforce(
    cells: SCells,
    plane: int,
    stimulus: Float[Tensor, "in_plane height width"],
    activity: float,
    position: tuple[int, int],
    rate: float,
) -> None:
    size, (row, left) = len(cells.weights), position
    field = F.pad(stimulus, (size // 2,) * 4)[:, row : row + size, left : left + size]
    # The weights c of all input planes together sum to 1.
    cells.excitatory[plane] += rate * cells.weights / len(stimulus) * field
    cells.inhibitory[plane] += rate / 2 * activity

"""How strongly a weighted logistic regression holds on to each example's class."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from shinso.shift.weighting._column_scales import column_scales

_CELLS = 2**22
"""At most so many numbers are made at once of a long table."""
_CERTAIN = 0.99
_KNOWN = 1e-6
"""What others know less of than this share is held to be unknown to them."""


@dataclass(frozen=True)
class Pulls:
    """What moves the log-odds of some examples; the last class is the one that the others are held against."""

    errors: Float[np.ndarray, "rows free"]
    """1 for the example's own class, else 0, less the probability: the gradient of its log-likelihood by log-odds."""
    gains: Float[np.ndarray, "rows free free"]
    """How far a unit of such gradient moves them in the fit: w·x H⁻¹ xᵀ, H that of -Σ w log p."""

    @property
    def influences(self) -> Float[np.ndarray, " rows"]:
        """w·sᵀH⁻¹s for each row, s the gradient of log p(class | x) by the parameters."""
        influences: Float[np.ndarray, " rows"] = np.einsum("na,nab,nb->n", self.errors, self.gains, self.errors)
        return influences

    def withdrawn(self, curvatures: Float[np.ndarray, "rows free free"]) -> Float[np.ndarray, "rows free"]:
        """How the log-odds of each example move by one step of Newton's when it is taken out of the fit.

        ``curvatures`` are those of -log p by the log-odds. Along directions of which the others know nothing, as of
        the log-odds of a level that no other has, they stay where they are.
        """
        # The step is (G⁻¹ - V)⁻¹ e. The row's own shares, eigenvalues of GV, lie between 0 and 1, and their sum is the
        # trace: where that is below 1 the others know something of every direction, and one equation is solved.
        owned = self.gains @ curvatures
        certain = np.trace(owned, axis1=-2, axis2=-1) < _CERTAIN
        moves = np.empty_like(self.errors)
        pulled = self.gains[certain] @ self.errors[certain][..., None]
        moves[certain] = -np.linalg.solve(np.eye(owned.shape[-1]) - owned[certain], pulled)[..., 0]
        moves[~certain] = _withdrawn(self.gains[~certain], self.errors[~certain], curvatures[~certain])
        return moves


def pulls(
    x: Float[np.ndarray, "rows d"],
    numbers: Int[np.ndarray, " rows"],
    probabilities: Float[np.ndarray, "rows classes"],
    weights: Float[np.ndarray, " rows"],
) -> Iterator[tuple[slice, Pulls]]:
    """The pulls of all rows, by parts of the table that fit into memory, for a fit that gives these probabilities.

    The parameters are an intercept and slopes for every class but the last, whose own follow from the rest. Where
    their Hessian is singular, as for columns that depend on each other, its pseudo-inverse stands in: gradients lie in
    its range.
    """
    from scipy.linalg import pinvh

    # Parameters are free to be scaled: standardised columns make the inverse exact.
    centred = x - np.average(x, axis=0, weights=weights)
    scales = column_scales(np.sqrt(np.average(centred**2, axis=0, weights=weights)), x, weights)
    design = np.column_stack([np.ones(len(x)), centred / scales])
    free, columns = probabilities.shape[1] - 1, design.shape[1]
    chunk = max(1, _CELLS // max(free * free * columns, 1))
    parts = [slice(start, start + chunk) for start in range(0, len(x), chunk)]
    hessian = sum(_hessian(design[part], probabilities[part], weights[part]) for part in parts)
    inverse = pinvh(hessian).reshape(free, columns, free, columns)
    for part in parts:
        errors = np.eye(free + 1)[numbers[part]][:, :-1] - probabilities[part][:, :-1]
        gains = np.einsum(
            "nabd,nd->nab", np.einsum("nc,acbd->nabd", design[part], inverse, optimize=True), design[part]
        )
        yield part, Pulls(errors, weights[part][:, None, None] * gains)


def curvatures(probabilities: Float[np.ndarray, "rows classes"]) -> Float[np.ndarray, "rows free free"]:
    """The second derivatives of -log p by the log-odds against the last class, the same for every class."""
    free = probabilities[:, :-1]
    second: Float[np.ndarray, "rows free free"] = (
        np.eye(free.shape[1]) * free[:, None] - free[:, :, None] * free[:, None]
    )
    return second


def _hessian(
    design: Float[np.ndarray, "rows p"],
    probabilities: Float[np.ndarray, "rows classes"],
    weights: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, "parameters parameters"]:
    free = probabilities[:, :-1]
    classes, columns = free.shape[1], design.shape[1]
    parts = (free[:, :, None] * design[:, None]).reshape(len(design), -1)
    blocks: np.ndarray = -(parts.T @ (weights[:, None] * parts)).reshape(classes, columns, classes, columns)
    for one in range(classes):
        curvature = weights * free[:, one] * (1 - free[:, one])
        blocks[one, :, one] = design.T @ (curvature[:, None] * design)
    return blocks.reshape(classes * columns, -1)


def _withdrawn(
    gains: Float[np.ndarray, "rows free free"],
    errors: Float[np.ndarray, "rows free"],
    curvatures: Float[np.ndarray, "rows free free"],
) -> Float[np.ndarray, "rows free"]:
    """The steps of rows that may decide alone."""
    # With a root R of the gains, (G⁻¹ - V)⁻¹ is R (1 - RᵀVR)⁻¹ Rᵀ.
    roots = _roots(gains)
    turned = np.swapaxes(roots, -1, -2)
    shares, directions = np.linalg.eigh(turned @ curvatures @ roots)
    others = 1 - shares
    steps = np.divide(1, others, out=np.zeros_like(others), where=others > _KNOWN)
    axes = roots @ directions
    along = np.swapaxes(axes, -1, -2) @ errors[..., None]
    moves: Float[np.ndarray, "rows free"] = -(axes @ (steps[..., None] * along))[..., 0]
    return moves


def _roots(squares: Float[np.ndarray, "rows free free"]) -> Float[np.ndarray, "rows free free"]:
    values, vectors = np.linalg.eigh(squares)
    roots: Float[np.ndarray, "rows free free"] = vectors * np.sqrt(np.maximum(values, 0))[:, None]
    return roots

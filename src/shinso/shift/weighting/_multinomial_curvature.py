"""How strongly a weighted logistic regression holds on to each example's class."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_CELLS = 2**22
"""At most so many numbers are made at once of a long table."""
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
        # With a root R of the gains, w(G⁻¹ - wV)⁻¹ is R (1 - RᵀVR)⁻¹ Rᵀ, and the own shares lie between 0 and 1.
        roots = _roots(self.gains)
        turned = np.swapaxes(roots, -1, -2)
        shares, directions = np.linalg.eigh(turned @ curvatures @ roots)
        others = 1 - shares
        steps = np.divide(1, others, out=np.zeros_like(others), where=others > _KNOWN)
        axes = roots @ directions
        along = np.swapaxes(axes, -1, -2) @ self.errors[..., None]
        moves: Float[np.ndarray, "rows free"] = -(axes @ (steps[..., None] * along))[..., 0]
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
    spread = x.std(axis=0)
    design = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)])
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
    blocks = np.zeros((classes, columns, classes, columns))
    for first in range(classes):
        for second in range(classes):
            curvature = weights * free[:, first] * ((first == second) - free[:, second])
            blocks[first, :, second] = design.T @ (curvature[:, None] * design)
    return blocks.reshape(classes * columns, -1)


def _roots(squares: Float[np.ndarray, "rows free free"]) -> Float[np.ndarray, "rows free free"]:
    values, vectors = np.linalg.eigh(squares)
    roots: Float[np.ndarray, "rows free free"] = vectors * np.sqrt(np.maximum(values, 0))[:, None]
    return roots

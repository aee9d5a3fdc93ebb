"""Sets of lenses on a training, after Cockpit (Schneider et al. 2021), and those of their lenses found nowhere else."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.sets._distance import Distance
from shinso.lens.sets._hessian_trace import RoughHessianTrace, rough_trace
from shinso.lens.sets._local_step import LocalStep, position_on_parabola, relative_step
from shinso.lens.sets._sets import business, economy, full_set
from shinso.lens.sets._takeuchi import Takeuchi, TakeuchiCriterion, takeuchi
from shinso.lens.sets._top_eigenvalue import TopHessianEigenvalue, top_eigenvalue
from shinso.lens.sets._training_loss import TrainingLoss

__all__ = [
    "Distance",
    "LocalStep",
    "RoughHessianTrace",
    "Takeuchi",
    "TakeuchiCriterion",
    "TopHessianEigenvalue",
    "TrainingLoss",
    "business",
    "economy",
    "full_set",
    "position_on_parabola",
    "relative_step",
    "rough_trace",
    "takeuchi",
    "top_eigenvalue",
]

LENSES: dict[str, Entry] = {
    "training_loss": Entry(TrainingLoss, Cost.STANDARD, "Schneider et al. 2021 (Cockpit)"),
    "distance": Entry(Distance, Cost.STANDARD, "Schneider et al. 2021 (Cockpit)"),
    "local_step": Entry(LocalStep, Cost.STANDARD, "Mahsereci and Hennig 2017; Schneider et al. 2021 (Cockpit)"),
    "rough_hessian_trace": Entry(RoughHessianTrace, Cost.FULL, "Hutchinson 1990", at_rest=False),
    "takeuchi": Entry(TakeuchiCriterion, Cost.FULL, "Takeuchi 1976; Thomas et al. 2020"),
    "top_hessian_eigenvalue": Entry(TopHessianEigenvalue, Cost.FULL, "Lanczos 1950; Cohen et al. 2021", at_rest=False),
}

"""Generalisation: how large the gap is, which part it comes from, and the measures of complexity that try to say why.

Evidence of a minimum, path and spectral norms, margins, flatness under noise, Rademacher complexity, VC dimension, and
the corruptions of the randomization test (lecture 003 §2).
"""

from shinso.lens._entry import Cost, Entry
from shinso.lens.generalization._bayesian_evidence import (
    BayesianEvidence,
    bayesian_evidence,
    estimated_bayesian_evidence,
)
from shinso.lens.generalization._classifier_families import (
    balls,
    balls_and_complements,
    boxes,
    half_spaces,
    intervals,
    powers_of_half,
    sines,
)
from shinso.lens.generalization._corruptions import (
    corrupted_labels,
    gaussian_pixels,
    random_labels,
    random_pixels,
    shuffled_pixels,
)
from shinso.lens.generalization._draw_evidence import draw_evidence
from shinso.lens.generalization._draw_gap import draw_gap
from shinso.lens.generalization._draw_margins import draw_margins
from shinso.lens.generalization._draw_restriction import draw_restriction
from shinso.lens.generalization._draw_risk_decomposition import draw_risk_decomposition
from shinso.lens.generalization._estimate import Estimate
from shinso.lens.generalization._evidence import Evidence
from shinso.lens.generalization._generalization_gap import GapCurve, GeneralizationGap, generalization_gap
from shinso.lens.generalization._margins import Margins, NormalizedMargins, input_margins, margins
from shinso.lens.generalization._network_fit import network_fit
from shinso.lens.generalization._pac_bayes import Flatness, PacBayesFlatness, pac_bayes_flatness
from shinso.lens.generalization._path_norm import PathNorm, path_norm
from shinso.lens.generalization._rademacher import (
    estimated_rademacher_complexity,
    massart_bound,
    rademacher_complexity,
    rademacher_complexity_by_fitting,
)
from shinso.lens.generalization._risk_decomposition import KnownDistribution, RiskDecomposition, decompose_risk
from shinso.lens.generalization._shattering import (
    Restriction,
    VCDimension,
    random_points,
    restriction,
    shatters,
    vc_dimension,
)
from shinso.lens.generalization._spectral_complexity import normalized_margins, spectral_complexity
from shinso.lens.generalization._spectral_norms import SpectralNorms, spectral_norms

__all__ = [
    "LENSES",
    "BayesianEvidence",
    "Estimate",
    "Evidence",
    "Flatness",
    "GapCurve",
    "GeneralizationGap",
    "KnownDistribution",
    "Margins",
    "NormalizedMargins",
    "PacBayesFlatness",
    "PathNorm",
    "Restriction",
    "RiskDecomposition",
    "SpectralNorms",
    "VCDimension",
    "balls",
    "balls_and_complements",
    "bayesian_evidence",
    "boxes",
    "corrupted_labels",
    "decompose_risk",
    "draw_evidence",
    "draw_gap",
    "draw_margins",
    "draw_restriction",
    "draw_risk_decomposition",
    "estimated_bayesian_evidence",
    "estimated_rademacher_complexity",
    "gaussian_pixels",
    "generalization_gap",
    "half_spaces",
    "input_margins",
    "intervals",
    "margins",
    "massart_bound",
    "network_fit",
    "normalized_margins",
    "pac_bayes_flatness",
    "path_norm",
    "powers_of_half",
    "rademacher_complexity",
    "rademacher_complexity_by_fitting",
    "random_labels",
    "random_pixels",
    "random_points",
    "restriction",
    "shatters",
    "shuffled_pixels",
    "sines",
    "spectral_complexity",
    "spectral_norms",
    "vc_dimension",
]

LENSES: dict[str, Entry] = {
    "evidence": Entry(Evidence, Cost.OFFLINE, "Smith and Le 2018; lecture 003 §2.4 eq. 31-42"),
    "margins": Entry(Margins, Cost.STANDARD, "Bartlett, Foster and Telgarsky 2017; lecture 003 §2.3"),
    "normalized_margins": Entry(NormalizedMargins, Cost.OFFLINE, "Bartlett, Foster and Telgarsky 2017, eq. 1.2"),
    "pac_bayes_flatness": Entry(PacBayesFlatness, Cost.OFFLINE, "Neyshabur et al. 2017; Dziugaite and Roy 2017"),
    "path_norm": Entry(PathNorm, Cost.FULL, "Neyshabur, Tomioka and Srebro 2015; lecture 003 §2.3"),
    "spectral_norms": Entry(SpectralNorms, Cost.FULL, "Bartlett, Foster and Telgarsky 2017; lecture 003 §2.3"),
}

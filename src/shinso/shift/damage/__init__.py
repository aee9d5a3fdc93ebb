"""What a shift will cost, before any label of the current data has come.

    damage = predict_damage(reference_probabilities, reference_labels, current_probabilities, weights=weights)
    print(damage)                     # each method's prediction, interval, assumption and doubts
    draw_damage(damage, figure)

Any model serves: all functions take arrays (NumPy, lists, tensors) and give arrays and numbers.
"""

from shinso.shift.damage._as_text import as_text
from shinso.shift.damage._average_thresholded_confidence import average_thresholded_confidence
from shinso.shift.damage._balance import Balance, confidence_balance
from shinso.shift.damage._confidence import maximum_confidence, negative_entropy
from shinso.shift.damage._confidence_shift import MEASURED_WIDENING, confidence_shift
from shinso.shift.damage._damage import Damage
from shinso.shift.damage._difference_of_confidences import difference_of_confidences
from shinso.shift.damage._draw_damage import draw_damage
from shinso.shift.damage._estimate import Estimate
from shinso.shift.damage._importance_weighted_risk import (
    controlled_risk,
    importance_weighted_risk,
    self_normalized_risk,
)
from shinso.shift.damage._intervals import effective_sample_size
from shinso.shift.damage._label_shift import label_shift_accuracy, label_shift_weights
from shinso.shift.damage._measure_widening import measure_widening
from shinso.shift.damage._predict_damage import predict_damage, predict_loss
from shinso.shift.damage._temperature import fit_temperature, with_temperature

__all__ = [
    "MEASURED_WIDENING",
    "Balance",
    "Damage",
    "Estimate",
    "as_text",
    "average_thresholded_confidence",
    "confidence_balance",
    "confidence_shift",
    "controlled_risk",
    "difference_of_confidences",
    "draw_damage",
    "effective_sample_size",
    "fit_temperature",
    "importance_weighted_risk",
    "label_shift_accuracy",
    "label_shift_weights",
    "maximum_confidence",
    "measure_widening",
    "negative_entropy",
    "predict_damage",
    "predict_loss",
    "self_normalized_risk",
    "with_temperature",
]

"""The gradient of each example of a batch: norms, noise, tests of the batch size, histograms."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.per_sample._draw_gradients_against_parameters import draw_gradients_against_parameters
from shinso.lens.per_sample._entries import Entries, random_entries
from shinso.lens.per_sample._gradient_tests import BatchTests, batch_tests
from shinso.lens.per_sample._lenses import (
    GradientHistogram,
    GradientNoise,
    GradientParameterHistogram,
    GradientTests,
    PerSampleNorms,
    SGDNoise,
)
from shinso.lens.per_sample._noise import (
    Noise,
    averaged_noise_scale,
    noise,
    noise_from_two_batch_sizes,
    signal_to_noise,
    variance_by_parameter,
)
from shinso.lens.per_sample._per_sample import PerSample, per_sample, per_sample_of
from shinso.lens.per_sample._sgd_noise import Suggestion, momentum_noise_scale, sgd_noise_scale, suggested_batch

__all__ = [
    "BatchTests",
    "Entries",
    "GradientHistogram",
    "GradientNoise",
    "GradientParameterHistogram",
    "GradientTests",
    "Noise",
    "PerSample",
    "PerSampleNorms",
    "SGDNoise",
    "Suggestion",
    "averaged_noise_scale",
    "batch_tests",
    "draw_gradients_against_parameters",
    "momentum_noise_scale",
    "noise",
    "noise_from_two_batch_sizes",
    "per_sample",
    "per_sample_of",
    "random_entries",
    "sgd_noise_scale",
    "signal_to_noise",
    "suggested_batch",
    "variance_by_parameter",
]

LENSES: dict[str, Entry] = {
    "per_sample_norms": Entry(PerSampleNorms, Cost.STANDARD, "Goodfellow 2015; lecture 003 §2.4 eq 43-45"),
    "gradient_noise": Entry(GradientNoise, Cost.STANDARD, "McCandlish et al. 2018 app. A.1; lecture 003 §2.4 fig 12"),
    "gradient_tests": Entry(GradientTests, Cost.STANDARD, "Byrd et al. 2012; Bollapragada et al. 2018"),
    "gradient_histogram": Entry(GradientHistogram, Cost.STANDARD, "Schneider et al. 2021 (Cockpit)"),
    "gradient_parameter_histogram": Entry(GradientParameterHistogram, Cost.FULL, "Schneider et al. 2021 (Cockpit)"),
}

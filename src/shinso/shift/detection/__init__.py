"""Whether new data differ from the data of reference, in which features and in which rows.

    report = detect(reference, current)
    print(report)

Tables, arrays and tensors are taken as they are, images through ``features=network``. ``detect_stream`` watches data
that come in windows. Each test is an object with ``test(reference, current, seed)`` on matrices.
"""

from shinso.shift.detection._classifier_two_sample import ClassifierTwoSample
from shinso.shift.detection._detect import default_tests, detect
from shinso.shift.detection._draw_shift import draw_shift
from shinso.shift.detection._draw_stream import draw_stream
from shinso.shift.detection._energy_distance import EnergyDistance
from shinso.shift.detection._feature_matrices import FeatureMatrices, feature_matrices
from shinso.shift.detection._feature_shift import FeatureShift, Histogram
from shinso.shift.detection._linear_time_mmd import LinearTimeMMD
from shinso.shift.detection._mmd import MMD
from shinso.shift.detection._shared_rows import shared_rows
from shinso.shift.detection._shift_report import ShiftReport
from shinso.shift.detection._stream import Window, detect_stream
from shinso.shift.detection._test_result import TestResult, TwoSampleTest

__all__ = [
    "MMD",
    "ClassifierTwoSample",
    "EnergyDistance",
    "FeatureMatrices",
    "FeatureShift",
    "Histogram",
    "LinearTimeMMD",
    "ShiftReport",
    "TestResult",
    "TwoSampleTest",
    "Window",
    "default_tests",
    "detect",
    "detect_stream",
    "draw_shift",
    "draw_stream",
    "feature_matrices",
    "shared_rows",
]

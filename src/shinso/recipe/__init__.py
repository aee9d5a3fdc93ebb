"""What to run: the recipe, its optimizers and its schedules."""

from shinso.recipe._duration import parse_duration
from shinso.recipe._optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from shinso.recipe._recipe import Augment, Recipe, Split
from shinso.recipe._schedules import SCHEDULES, Constant, Cosine, OneCycle, Schedule, Step

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Augment",
    "Constant",
    "Cosine",
    "OneCycle",
    "Optimizer",
    "RMSprop",
    "Recipe",
    "Schedule",
    "Split",
    "Step",
    "parse_duration",
]

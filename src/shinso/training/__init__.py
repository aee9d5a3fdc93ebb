"""From a recipe to a finished run: tasks, batches, optimizers, the loop, checkpoints, one process or several."""

from shinso.training._classification import Classification
from shinso.training._interrupt import Interrupted
from shinso.training._journal import TrainingDiverged
from shinso.training._regression import Regression
from shinso.training._sources import load_data
from shinso.training._specimen import Specimen, specimen_of_model, specimen_of_run
from shinso.training._task import Task
from shinso.training._train import resume, train

__all__ = [
    "Classification",
    "Interrupted",
    "Regression",
    "Specimen",
    "Task",
    "TrainingDiverged",
    "load_data",
    "resume",
    "specimen_of_model",
    "specimen_of_run",
    "train",
]

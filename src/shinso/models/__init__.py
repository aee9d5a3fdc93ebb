"""Networks, one file per family; each is a plain function that returns a plain ``torch.nn.Module``."""

from shinso.models._build import build, names, takes_dropout
from shinso.models._catalogue import CATALOGUE
from shinso.models._figures import Figures, figures
from shinso.models._lenet5 import lenet5
from shinso.models._mlp import mlp
from shinso.models._network import Network
from shinso.models._resnet import resnet
from shinso.models._stochastic_depth import expected_depth, survival_probabilities
from shinso.models._weights import load_weights

__all__ = [
    "CATALOGUE",
    "Figures",
    "Network",
    "build",
    "expected_depth",
    "figures",
    "lenet5",
    "load_weights",
    "mlp",
    "names",
    "resnet",
    "survival_probabilities",
    "takes_dropout",
]

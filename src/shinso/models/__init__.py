"""Networks, one file per family; each is a plain function that returns a plain ``torch.nn.Module``."""

from shinso.models._build import build, names, takes_dropout
from shinso.models._lenet5 import lenet5
from shinso.models._mlp import mlp
from shinso.models._resnet import resnet

__all__ = ["build", "lenet5", "mlp", "names", "resnet", "takes_dropout"]

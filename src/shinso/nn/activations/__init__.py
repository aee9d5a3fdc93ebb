"""Activations: those of torch and those it does not have, their derivatives, and where they saturate."""

from torch import nn

from shinso.nn._part import Part
from shinso.nn.activations._closed_forms import DERIVATIVES
from shinso.nn.activations._curves import Curve, activation_curves
from shinso.nn.activations._derivative import derivative, saturated
from shinso.nn.activations._maxout import Maxout, maxout
from shinso.nn.activations._pointwise import AbsoluteValue, Arctan, Cosine
from shinso.nn.activations._probout import Probout, expected_probout, sampled_probout
from shinso.nn.activations._radial_basis import RadialBasis, radial_basis
from shinso.nn.activations._steps import BinaryStep, StraightThroughStep, binary_step, straight_through_step

__all__ = [
    "DERIVATIVES",
    "PARTS",
    "AbsoluteValue",
    "Arctan",
    "BinaryStep",
    "Cosine",
    "Curve",
    "Maxout",
    "Probout",
    "RadialBasis",
    "StraightThroughStep",
    "activation_curves",
    "binary_step",
    "derivative",
    "expected_probout",
    "maxout",
    "radial_basis",
    "sampled_probout",
    "saturated",
    "straight_through_step",
]

PARTS: dict[str, Part] = {
    "identity": Part(nn.Identity, "activation", "lecture 004 section 6.3.3"),
    "binary_step": Part(BinaryStep, "activation", "McCulloch & Pitts, 1943; lecture 004 section 6.3.3"),
    "straight_through_step": Part(StraightThroughStep, "activation", "Bengio et al., 2013; lecture 004 section 6.3.3"),
    "logistic": Part(nn.Sigmoid, "activation", "lecture 001; lecture 004 section 6.3.2"),
    "tanh": Part(nn.Tanh, "activation", "lecture 004 section 6.3.2"),
    "arctan": Part(Arctan, "activation", "lecture 004 section 6.3.3"),
    "relu": Part(nn.ReLU, "activation", "Nair & Hinton, 2010; lecture 003 equation 51; lecture 004 section 6.3.1"),
    "absolute_value": Part(AbsoluteValue, "activation", "Jarrett et al., 2009; lecture 004 section 6.3.1"),
    "leaky_relu": Part(nn.LeakyReLU, "activation", "Maas et al., 2013; lecture 004 section 6.3.1"),
    "parametric_relu": Part(
        nn.PReLU, "activation", "He et al., 2015; lecture 003 figure 16; lecture 004 section 6.3.1"
    ),
    "randomized_leaky_relu": Part(nn.RReLU, "activation", "Xu et al., 2015; lecture 003 figure 16"),
    "elu": Part(nn.ELU, "activation", "Clevert et al., 2016; lecture 003 figure 16; lecture 004 section 6.3.3"),
    "softplus": Part(nn.Softplus, "activation", "Dugas et al., 2001; lecture 004 section 6.3.3"),
    "hard_tanh": Part(nn.Hardtanh, "activation", "Collobert, 2004; lecture 004 section 6.3.3"),
    "cosine": Part(Cosine, "activation", "Goodfellow et al., 2016; lecture 004 section 6.3.3"),
    "radial_basis": Part(RadialBasis, "activation", "Broomhead & Lowe, 1988; lecture 004 section 6.3.3"),
    "maxout": Part(Maxout, "activation", "Goodfellow et al., 2013; lecture 003 figure 16; lecture 004 equation 6.37"),
    "probout": Part(Probout, "activation", "Springenberg & Riedmiller, 2013; lecture 003 figure 16"),
    "softmax": Part(nn.Softmax, "activation", "Bridle, 1990; lecture 004 equation 6.29 and section 6.3.3"),
}

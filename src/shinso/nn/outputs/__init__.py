"""Output units, each a linear layer with the distribution that it parameterises and the cost that follows from it."""

from shinso.nn._part import Part
from shinso.nn.outputs._bernoulli import SigmoidBernoulli
from shinso.nn.outputs._gaussian import HeteroscedasticGaussian, HomoscedasticGaussian, LinearGaussian
from shinso.nn.outputs._mixture_density import GaussianMixture, MixtureDensity
from shinso.nn.outputs._mixture_modes import MixtureModes, mixture_modes
from shinso.nn.outputs._multinoulli import SoftmaxMultinoulli

__all__ = [
    "PARTS",
    "GaussianMixture",
    "HeteroscedasticGaussian",
    "HomoscedasticGaussian",
    "LinearGaussian",
    "MixtureDensity",
    "MixtureModes",
    "SigmoidBernoulli",
    "SoftmaxMultinoulli",
    "mixture_modes",
]

PARTS: dict[str, Part] = {
    "linear_gaussian": Part(LinearGaussian, "output", "lecture 004 equation 6.17"),
    "homoscedastic_gaussian": Part(
        HomoscedasticGaussian, "output", "Goodfellow et al., 2016; lecture 004 section 6.2.2"
    ),
    "heteroscedastic_gaussian": Part(
        HeteroscedasticGaussian, "output", "Goodfellow et al., 2016; lecture 004 section 6.2.2"
    ),
    "sigmoid_bernoulli": Part(SigmoidBernoulli, "output", "lecture 004 equation 6.19"),
    "softmax_multinoulli": Part(SoftmaxMultinoulli, "output", "lecture 004 equations 6.28 to 6.30"),
    "mixture_density": Part(MixtureDensity, "output", "Bishop, 1994; lecture 004 section 6.2.2"),
}

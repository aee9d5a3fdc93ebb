"""All networks by name."""

from collections.abc import Mapping

from shinso.models import (
    _alexnet,
    _densenet,
    _dual_path,
    _googlenet,
    _inception_v3,
    _lenet5_1998,
    _mobilenet_v1,
    _mobilenet_v2,
    _nasnet,
    _nin,
    _preactivation_resnet,
    _residual_attention,
    _resnet_cifar,
    _resnet_imagenet,
    _resnext,
    _senet,
    _shufflenet_v1,
    _shufflenet_v2,
    _squeezenet,
    _stochastic_depth,
    _vgg,
    _xception,
)
from shinso.models._lenet5 import lenet5
from shinso.models._mlp import mlp
from shinso.models._network import Network
from shinso.models._resnet import plain, resnet

_FLEXIBLE = {
    "mlp": Network(mlp, year=1986, input_shape=(784,), paper="Learning representations by back-propagating errors"),
    "lenet5": Network(
        lenet5,
        year=1998,
        input_shape=(1, 28, 28),
        paper="Gradient-based learning applied to document recognition, in its modern form",
    ),
    "resnet": Network(
        resnet,
        year=2015,
        input_shape=(3, 32, 32),
        paper="Deep Residual Learning for Image Recognition, section 4.2, arXiv 1512.03385",
    ),
    "plain": Network(
        plain,
        year=2015,
        input_shape=(3, 32, 32),
        paper="Deep Residual Learning for Image Recognition, section 4.2, without shortcuts, arXiv 1512.03385",
    ),
}

CATALOGUE: Mapping[str, Network] = {
    **_FLEXIBLE,
    **_lenet5_1998.NETWORKS,
    **_alexnet.NETWORKS,
    **_vgg.NETWORKS,
    **_nin.NETWORKS,
    **_googlenet.NETWORKS,
    **_inception_v3.NETWORKS,
    **_resnet_imagenet.NETWORKS,
    **_resnet_cifar.NETWORKS,
    **_preactivation_resnet.NETWORKS,
    **_stochastic_depth.NETWORKS,
    **_densenet.NETWORKS,
    **_dual_path.NETWORKS,
    **_residual_attention.NETWORKS,
    **_resnext.NETWORKS,
    **_senet.NETWORKS,
    **_squeezenet.NETWORKS,
    **_mobilenet_v1.NETWORKS,
    **_mobilenet_v2.NETWORKS,
    **_shufflenet_v1.NETWORKS,
    **_shufflenet_v2.NETWORKS,
    **_xception.NETWORKS,
    **_nasnet.NETWORKS,
}
"""The networks that can be built by name."""

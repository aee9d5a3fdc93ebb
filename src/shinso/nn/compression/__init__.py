"""Fast processing: structured layers, low precision, and networks in few bytes."""

from shinso.nn._part import Part
from shinso.nn.compression.circulant import CirculantLinear
from shinso.nn.compression.deep_compression import Compressed, compress
from shinso.nn.compression.huffman import HuffmanCode
from shinso.nn.compression.low_precision import (
    BFloat16Weight,
    Int8Weight,
    quantize_dynamically,
    quantize_weights,
    round_to_int8,
    store_as_bfloat16,
)
from shinso.nn.compression.low_rank import LowRankLinear, low_rank_conv2d, low_rank_linear
from shinso.nn.compression.stored_weights import state_bytes, with_plain_weights
from shinso.nn.compression.weight_sharing import SharedWeight, share_weights

__all__ = [
    "PARTS",
    "BFloat16Weight",
    "CirculantLinear",
    "Compressed",
    "HuffmanCode",
    "Int8Weight",
    "LowRankLinear",
    "SharedWeight",
    "compress",
    "low_rank_conv2d",
    "low_rank_linear",
    "quantize_dynamically",
    "quantize_weights",
    "round_to_int8",
    "share_weights",
    "state_bytes",
    "store_as_bfloat16",
    "with_plain_weights",
]

_HAN = "Han et al., 2016, arXiv 1510.00149; lecture 003 figure 16"
_DENTON = "Denton et al., 2014, arXiv 1404.0736; lecture 003 figure 16"
_JACOB = "Jacob et al., 2018, arXiv 1712.05877; lecture 003 figure 16"

PARTS: dict[str, Part] = {
    "low_rank_linear": Part(LowRankLinear, "structured layer", _DENTON),
    "low_rank_conv_of": Part(low_rank_conv2d, "structured layer", _DENTON),
    "circulant_linear": Part(
        CirculantLinear, "structured layer", "Cheng et al., 2015, arXiv 1502.03436; lecture 003 figure 16"
    ),
    "int8_weights": Part(quantize_weights, "low precision", _JACOB),
    "int8_dynamic": Part(quantize_dynamically, "low precision", _JACOB),
    "bfloat16_weights": Part(store_as_bfloat16, "low precision", "lecture 003 figure 16"),
    "weight_sharing": Part(share_weights, "weight compression", _HAN),
    "deep_compression": Part(compress, "weight compression", _HAN),
}

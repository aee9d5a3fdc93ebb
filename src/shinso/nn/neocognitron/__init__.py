"""The cells of the neocognitron and the rule by which they organise themselves (Fukushima, 1980, "Neocognitron: a
self-organizing neural network model for a mechanism of pattern recognition unaffected by shift in position",
Biological Cybernetics 36, p. 193; lectures 000 and 001, "Neocognitron").

Values are rates of firing, never negative. An S-plane is a feature looked for at every position, as the channel of a
convolution; a C-plane says that the feature is near. No gradient is involved in learning.
"""

from shinso.nn._part import Part
from shinso.nn.neocognitron.c_cells import CCells
from shinso.nn.neocognitron.s_cells import SCells, s_cells
from shinso.nn.neocognitron.self_organization import representatives, self_organize_, silent_position
from shinso.nn.neocognitron.v_cells import spread, v_cells

__all__ = [
    "PARTS",
    "CCells",
    "SCells",
    "representatives",
    "s_cells",
    "self_organize_",
    "silent_position",
    "spread",
    "v_cells",
]

PARTS: dict[str, Part] = {
    "s_cells": Part(SCells, "convolution", "Fukushima, 1980, equation 1; lectures 000 and 001"),
    "v_cells": Part(v_cells, "normalization", "Fukushima, 1980, equation 3"),
    "c_cells": Part(CCells, "pooling", "Fukushima, 1980, section 2; lectures 000 and 001"),
}

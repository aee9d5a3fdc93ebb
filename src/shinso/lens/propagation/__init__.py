"""How signals and gradients travel through a network: measured by layer, and as mean field theory has it."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.propagation._beside_mean_field import BesideMeanField, beside_mean_field
from shinso.lens.propagation._draw_propagation import draw_propagation
from shinso.lens.propagation._mean_field import MeanField
from shinso.lens.propagation._measured_signals import Signals, measured_signals
from shinso.lens.propagation._signal_propagation import SignalPropagation

__all__ = [
    "BesideMeanField",
    "MeanField",
    "SignalPropagation",
    "Signals",
    "beside_mean_field",
    "draw_propagation",
    "measured_signals",
]

LENSES: dict[str, Entry] = {
    "signal_propagation": Entry(
        SignalPropagation,
        Cost.STANDARD,
        "Poole et al. 2016; Schoenholz et al. 2017; lecture 001; lecture 004 section 6.5",
    ),
}

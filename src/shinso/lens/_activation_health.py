"""Activation health: moments of each layer's units, and the fractions that are dead or saturated."""

from collections.abc import Mapping

from shinso.lens._lens import Need, Reading
from shinso.lens._stacked import stacked
from shinso.lens._step import Step


class ActivationHealth:
    """Reads moments of the units of each layer, and how many of their outputs lie where no gradient passes.

    A layer is a module that has parameters, or a call of one of torch's activation functions. A unit is a channel
    (axis 1) of an output with more than three axes or of a one-dimensional convolution, else an entry of the last
    axis. By unit, over all examples and positions of the batch, and all calls of a layer within the step:

    - ``activation/<layer>/mean`` and ``/variance``;
    - ``activation/<layer>/dead``: the fraction of outputs that are exactly zero, for ReLU, ReLU6, Hardswish and the
      shrinking functions;
    - ``activation/<layer>/saturated``: the fraction of outputs within 1 % of the range from a bound, for sigmoid, tanh,
      softsign and their hard versions (for ReLU6 only the upper bound: the lower one is dead).

    ``activation/mean``, ``/variance``, ``/dead`` and ``/saturated`` hold their means over the units of each layer, in
    the order in which the layers first ran; NaN where a layer's function has no such part.

    Source: lecture 004 §6.3.1 (a rectified unit passes gradient only where it is active) and §6.3.2 (sigmoidal units
    saturate). Do not trust it as a verdict on one small batch: a unit is dead when it is at 1 for all data, and half of
    a healthy ReLU's outputs are zero. Sigmoids used as gates saturate on purpose. Gates inside torch's fused recurrent
    and attention layers are not seen, only their outputs.
    """

    name = "activation_health"
    needs = frozenset({Need.UNIT_STATISTICS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings by unit and by layer; nothing when no layer ran."""
        layers = step.unit_statistics
        readings: dict[str, Reading] = {}
        for statistic in ("mean", "variance", "dead", "saturated") if layers else ():
            by_unit = {layer: getattr(statistics, statistic) for layer, statistics in layers.items()}
            missing = next(iter(layers.values())).mean.new_full((), float("nan"))
            means = [missing if values is None else values.mean() for values in by_unit.values()]
            readings[f"activation/{statistic}"] = Reading(stacked(means), tuple(by_unit))
            known = {layer: values for layer, values in by_unit.items() if values is not None}
            readings |= {f"activation/{layer}/{statistic}": Reading(values) for layer, values in known.items()}
        return readings

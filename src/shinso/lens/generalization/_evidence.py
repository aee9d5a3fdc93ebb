"""The lens of the Bayesian evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from shinso.lens._eval_mode import in_eval_mode
from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.generalization._bayesian_evidence import bayesian_evidence, estimated_bayesian_evidence
from shinso.lens.generalization._examples import count_observations


@dataclass(frozen=True)
class Evidence:
    """Reads the terms of the Bayesian evidence of the model as it is used (eval mode), in nats for each example.

    ``evidence/energy`` is E(ω₀)/N, below 0 where the model beats guessing by more than it costs; its terms are
    ``evidence/loss``, ``evidence/penalty`` and ``evidence/complexity``, with ``evidence/complexity_error`` its standard
    error (0 where all eigenvalues were computed: up to ``exact_up_to`` parameters). ``weight_decay`` is λ/N;
    ``examples`` the size of the whole training set, by default of the batch. Only at a minimum is it an evidence;
    during training it shows the way there. When not to trust it: see ``bayesian_evidence``.

    Source: Smith and Le 2018; lecture 003 §2.4 eq. 31-42.
    """

    weight_decay: float = 1e-3
    damping: float = 0.0
    examples: int | None = None
    exact_up_to: int = 500
    draws: int = 8
    steps: int = 32
    seed: int = 0

    name = "evidence"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The terms for each example; no energy where targets are no classes."""
        probe = step.probe
        count = self.examples or count_observations(probe.inputs, probe.targets)
        precision = self.weight_decay * count
        small = sum(value.numel() for value in probe.parameters.values()) <= self.exact_up_to
        with in_eval_mode(probe.model):
            if small:
                found = bayesian_evidence(probe, precision, damping=self.damping, examples=count)
            else:
                found = estimated_bayesian_evidence(
                    probe,
                    precision,
                    damping=self.damping,
                    examples=count,
                    draws=self.draws,
                    steps=self.steps,
                    seed=self.seed,
                )
        terms = {
            "loss": -found.log_likelihood,
            "penalty": found.penalty,
            "complexity": found.complexity,
            "complexity_error": found.complexity_error,
        }
        if found.classes is not None:
            terms["energy"] = found.energy
        return {
            f"evidence/{term}": Reading(torch.tensor(value / count, dtype=torch.float64))
            for term, value in terms.items()
        }

"""Evidence against exact marginal likelihoods, brute-force Hessians, and the lecture's figure 10."""

import math

import numpy as np
import pytest
import torch
from generalization_cases import classifier, probe_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from torch import Tensor, nn
from torch.func import functional_call
from torch.func import hessian as hessian_of
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Probe
from shinso.lens.curvature import all_eigenvalues, hessian
from shinso.lens.generalization import bayesian_evidence, estimated_bayesian_evidence


def exact_hessian(model: nn.Module, probe: Probe) -> np.ndarray:
    """By torch.func on one flat vector."""
    names, shapes = zip(*[(n, p.shape) for n, p in model.named_parameters()], strict=True)
    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()])

    def loss(vector: Tensor) -> Tensor:
        parts = vector.split([shape.numel() for shape in shapes])
        values = {n: part.reshape(s) for n, part, s in zip(names, parts, shapes, strict=True)}
        return F.cross_entropy(functional_call(model, values, (probe.inputs,)), probe.targets)

    return hessian_of(loss)(flat).numpy()


def linear_regression(
    deviation: float, precision: float, examples: int, features: int
) -> tuple[Probe, np.ndarray, np.ndarray]:
    """A linear model at its maximum a posteriori under Gaussian noise, with its data."""
    generator = np.random.default_rng(examples)
    x = generator.standard_normal((examples, features))
    y = x @ generator.standard_normal(features) + deviation * generator.standard_normal(examples)
    model = nn.Linear(features, 1, bias=False).double()
    weights = np.linalg.solve(x.T @ x / deviation**2 + precision * np.eye(features), x.T @ y / deviation**2)
    model.weight.data = torch.from_numpy(weights)[None]

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.gaussian_nll_loss(outputs[:, 0], targets, torch.full_like(targets, deviation**2), full=True)

    return Probe(model, loss, torch.from_numpy(x), torch.from_numpy(y)), x, y


@given(deviation=st.floats(0.3, 3), precision=st.floats(0.05, 20), examples=st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_of_bayesian_linear_regression_it_is_the_exact_marginal_likelihood(
    deviation: float, precision: float, examples: int
) -> None:
    probe, x, y = linear_regression(deviation, precision, examples, 4)
    covariance = deviation**2 * np.eye(examples) + x @ x.T / precision
    exact = multivariate_normal(np.zeros(examples), covariance).logpdf(y)
    found = bayesian_evidence(probe, precision)
    assert found.log_evidence == pytest.approx(exact, rel=1e-9, abs=1e-9)
    assert math.isnan(found.energy)


@pytest.mark.parametrize("damping", [0.0, 0.7])
def test_the_terms_are_those_of_the_formula(damping: float) -> None:
    model = classifier()
    probe = probe_of(model)
    eigenvalues = 12 * np.linalg.eigvalsh(exact_hessian(model, probe)) + 0.3 + damping
    counted = eigenvalues[eigenvalues > 0.3]
    assert 0 < len(counted) < len(eigenvalues)
    found = bayesian_evidence(probe, 0.3, damping=damping)
    assert found.complexity == pytest.approx(0.5 * np.log(counted / 0.3).sum(), rel=1e-9)
    square = sum(float(p.detach().square().sum()) for p in model.parameters())
    assert found.penalty == pytest.approx(0.15 * square)
    likelihood = F.cross_entropy(model(probe.inputs), probe.targets, reduction="sum").item()
    assert found.log_likelihood == pytest.approx(-likelihood)
    assert found.energy == pytest.approx(-found.log_evidence - 12 * math.log(3))


def test_damping_above_the_most_negative_curvature_counts_every_direction() -> None:
    model = classifier()
    probe = probe_of(model)
    eigenvalues = 12 * np.linalg.eigvalsh(exact_hessian(model, probe))
    damping = 1.01 * abs(eigenvalues[0])
    expected = 0.5 * np.log1p((eigenvalues + damping) / 0.3).sum()
    assert bayesian_evidence(probe, 0.3, damping=damping).complexity == pytest.approx(expected)


def test_given_eigenvalues_are_used_and_a_few_give_a_lower_bound() -> None:
    probe = probe_of(classifier())
    eigenvalues = all_eigenvalues(hessian(probe))
    whole = bayesian_evidence(probe, 0.1)
    assert bayesian_evidence(probe, 0.1, eigenvalues=eigenvalues) == whole
    assert 0 < bayesian_evidence(probe, 0.1, eigenvalues=eigenvalues[-3:]).complexity < whole.complexity


def test_a_larger_training_set_scales_likelihood_and_curvature() -> None:
    probe = probe_of(classifier())
    twice = Probe(probe.model, F.cross_entropy, probe.inputs.repeat(2, 1), probe.targets.repeat(2))
    scaled, whole = bayesian_evidence(probe, 0.1, examples=24), bayesian_evidence(twice, 0.1)
    assert scaled.log_evidence == pytest.approx(whole.log_evidence)
    assert scaled.energy == pytest.approx(whole.energy)


def test_the_estimate_agrees_with_the_exact_sum_within_its_error() -> None:
    probe = probe_of(classifier())
    exact = bayesian_evidence(probe, 0.3).complexity
    found = estimated_bayesian_evidence(probe, 0.3, draws=40, steps=31)
    assert 0 < found.complexity_error < 0.1 * exact
    assert abs(found.complexity - exact) < 3 * found.complexity_error
    assert found == estimated_bayesian_evidence(probe, 0.3, draws=40, steps=31)


def logistic_regression(inputs: Tensor, targets: Tensor, precision: float) -> Probe:
    """At the minimum of the cost C."""
    model = nn.Linear(inputs.shape[1], 2).double()
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=200, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def cost() -> Tensor:
        optimizer.zero_grad()
        square = sum(parameter.square().sum() for parameter in model.parameters())
        value = F.cross_entropy(model(inputs), targets, reduction="sum") + precision * square / 2
        value.backward()
        return value

    optimizer.step(cost)
    return Probe(model, F.cross_entropy, inputs, targets)


def test_of_zeros_and_ones_true_labels_beat_the_null_model_and_random_ones_never_do() -> None:
    from sklearn.datasets import load_digits

    images, labels = load_digits(n_class=2, return_X_y=True)
    inputs, true = torch.from_numpy(images / 16)[:100], torch.from_numpy(labels)[:100]
    random = torch.randint(2, (100,), generator=torch.Generator().manual_seed(0))
    precisions = (0.01, 0.1, 1.0, 10.0, 100.0)
    of_true, of_random = (
        [bayesian_evidence(logistic_regression(inputs, targets, p), p).energy for p in precisions]
        for targets in (true, random)
    )
    assert min(of_true) < -30
    assert min(of_random) > 0


def test_what_makes_no_sense_is_refused() -> None:
    probe = probe_of(classifier())
    with pytest.raises(ValueError, match=r"prior_precision is λ of the Gaussian prior and must be positive .* got 0"):
        bayesian_evidence(probe, 0.0)
    with pytest.raises(ValueError, match="damping is added to the curvature and must not be negative; got -1"):
        bayesian_evidence(probe, 1.0, damping=-1.0)
    with pytest.raises(ValueError, match="needs draws >= 2 and steps >= 1; got 1 and 32"):
        estimated_bayesian_evidence(probe, 1.0, draws=1)
    with pytest.raises(ValueError, match="the batch is empty"):
        bayesian_evidence(probe.on(probe.inputs[:0], probe.targets[:0]), 1.0)
    with pytest.raises(ValueError, match="there are no trained parameters"):
        bayesian_evidence(probe_of(classifier().requires_grad_(False)), 1.0)


def test_a_loss_that_is_not_a_number_gives_evidence_that_is_none() -> None:
    model = classifier()
    model[0].weight.data.fill_(math.nan)
    assert math.isnan(bayesian_evidence(probe_of(model), 1.0).complexity)
    assert math.isnan(estimated_bayesian_evidence(probe_of(model), 1.0).complexity)


class ByToken(nn.Linear):
    """Logits ``[sequence, class, token]`` of ``[sequence, token, feature]``."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).transpose(1, 2)


def test_each_token_of_a_sequence_is_a_term_of_the_likelihood() -> None:
    inputs, targets = torch.randn(4, 5, 3).double(), torch.randint(2, (4, 5))
    tokens = ByToken(3, 2).double()
    rows = nn.Linear(3, 2).double()
    rows.load_state_dict(tokens.state_dict())
    found = bayesian_evidence(Probe(tokens, F.cross_entropy, inputs, targets), 0.1)
    expected = bayesian_evidence(Probe(rows, F.cross_entropy, inputs.flatten(0, 1), targets.flatten()), 0.1)
    assert found.examples == 20
    assert found.log_evidence == pytest.approx(expected.log_evidence)
    assert found.energy == pytest.approx(expected.energy)

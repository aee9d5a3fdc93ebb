"""Traces, eigenvalues and the criterion against the whole Hessian of small networks."""

from collections import UserDict
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812
from torch.nn.attention import SDPBackend, sdpa_kernel

from shinso.lens import Probe, inspect, watch
from shinso.lens.sets import (
    RoughHessianTrace,
    TopHessianEigenvalue,
    full_set,
    rough_trace,
    takeuchi,
    top_eigenvalue,
)

BATCH = 6


def example(seed: int = 0) -> Probe:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    return Probe(model, F.cross_entropy, torch.randn(BATCH, 3).double(), torch.randint(3, (BATCH,)))


def flat_function(probe: Probe) -> tuple[Tensor, object]:
    """All parameters as one vector, and the outputs as a function of it."""
    shapes = {name: value.shape for name, value in probe.parameters.items()}
    vector = torch.cat([value.flatten() for value in probe.parameters.values()])

    def outputs(vector: Tensor) -> Tensor:
        parts = vector.split([shape.numel() for shape in shapes.values()])
        named = {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        return functional_call(probe.model, named, (probe.inputs,))

    return vector, outputs


def hessian(probe: Probe) -> Tensor:
    vector, outputs = flat_function(probe)
    return torch.autograd.functional.hessian(lambda v: probe.loss_function(outputs(v), probe.targets), vector)


@pytest.mark.parametrize("draws", [1, 3])
def test_estimates_of_the_trace_scatter_around_it_within_their_errors(draws: int) -> None:
    probe = example()
    exact = hessian(probe)
    generator = torch.Generator().manual_seed(0)
    found = [rough_trace(probe, draws, BATCH, generator) for _ in range(300)]
    traces, errors = (torch.stack(column) for column in zip(*found, strict=True))
    assert abs(float(traces.mean() - exact.trace())) < 4 * float(traces.std()) / 300**0.5
    off_diagonal = exact - exact.diagonal().diag()
    assert float(traces.var()) == pytest.approx(2 * float(off_diagonal.square().sum()) / draws, rel=0.3)
    assert float(errors.square().mean()) == pytest.approx(2 * float(exact.square().sum()) / draws, rel=0.1)


def test_a_few_examples_give_the_trace_of_all_on_average() -> None:
    probe = example()
    generator = torch.Generator().manual_seed(0)
    traces = torch.stack([rough_trace(probe, 1, 2, generator)[0] for _ in range(400)])
    assert abs(float(traces.mean() - hessian(probe).trace())) < 4 * float(traces.std()) / 400**0.5


def test_draws_are_refused_that_leave_no_error() -> None:
    with pytest.raises(ValueError, match="at least one draw and one example; got 0 and 8"):
        rough_trace(example(), 0, 8, torch.Generator())
    with pytest.raises(ValueError, match="at least one product with the Hessian; got 0"):
        top_eigenvalue(example(), 0, None, torch.Generator())


def test_with_enough_products_the_eigenvalue_is_exact() -> None:
    probe = example()
    value, error, vector = top_eigenvalue(probe, 12, None, torch.Generator().manual_seed(0))
    values, vectors = torch.linalg.eigh(hessian(probe))
    assert float(value) == pytest.approx(float(values[-1]), rel=1e-5)
    assert float(error) < 1e-2 * float(value)
    whole = torch.cat([part.flatten() for part in vector.values()])
    assert abs(float(whole @ vectors[:, -1])) == pytest.approx(1, abs=1e-4)


def test_an_eigenvalue_lies_within_the_bound_and_none_above_is_claimed() -> None:
    probe = example(3)
    values = torch.linalg.eigvalsh(hessian(probe))
    for products in (1, 2, 3):
        value, error, _ = top_eigenvalue(probe, products, None, torch.Generator().manual_seed(1))
        assert float(value) <= float(values[-1]) + 1e-9
        assert float((values - value).abs().min()) <= float(error) + 1e-9


def test_more_products_than_parameters_do_no_harm() -> None:
    model = nn.Linear(1, 1).double()
    probe = Probe(model, F.mse_loss, torch.ones(2, 1).double(), torch.zeros(2, 1).double())
    value, error, _ = top_eigenvalue(probe, 5, None, torch.Generator().manual_seed(0))
    assert float(value) == pytest.approx(4)
    assert float(error) == pytest.approx(0, abs=1e-6)


def test_a_lens_goes_on_from_the_vector_it_found() -> None:
    probe = example()
    lens = TopHessianEigenvalue(examples=BATCH, products=2)
    arguments = (probe.model, probe.loss_function, probe.inputs, probe.targets)
    found = [float(inspect(*arguments, [lens])["hessian/top_eigenvalue"].values) for _ in range(12)]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(float(torch.linalg.eigvalsh(hessian(probe))[-1]), rel=1e-3)


def test_the_same_step_reads_the_same() -> None:
    probe = example()
    arguments = (probe.model, probe.loss_function, probe.inputs, probe.targets)
    first, second = (inspect(*arguments, [RoughHessianTrace(examples=4)])["hessian/trace"].values for _ in range(2))
    assert torch.equal(first, second)


def gauss_newton_and_moments(probe: Probe) -> tuple[Tensor, Tensor]:
    """The diagonal of the Gauss-Newton matrix, and the mean squares of the examples' gradients, in full."""
    vector, outputs = flat_function(probe)
    jacobian = torch.autograd.functional.jacobian(outputs, vector)
    chances = outputs(vector).softmax(-1).detach()
    bend = torch.diag_embed(chances) - chances[:, :, None] * chances[:, None]
    diagonal = torch.einsum("bcp,bcd,bdp->p", jacobian, bend, jacobian) / BATCH
    residual = chances - F.one_hot(probe.targets, 3)
    moments = torch.einsum("bc,bcp->bp", residual, jacobian).square().mean(0)
    return diagonal, moments


def test_the_criterion_by_trace_is_right_on_average() -> None:
    probe = example()
    diagonal, moments = gauss_newton_and_moments(probe)
    generator = torch.Generator().manual_seed(0)
    # The ratio's inverse is an average over draws.
    inverse = torch.stack([1 / takeuchi(probe, generator).trace for _ in range(400)])
    exact = float(diagonal.sum() / moments.sum())
    assert abs(float(inverse.mean()) - exact) < 4 * float(inverse.std()) / 400**0.5


def test_where_the_draw_cannot_vary_the_diagonal_criterion_is_exact() -> None:
    # One output: s² is |chi|² times the curvature of each example; with inputs of one example alone it cancels.
    model = nn.Linear(2, 1).double()
    inputs, targets = torch.randn(1, 2).double(), torch.randn(1, 1).double()
    residual = float((model(inputs) - targets).detach())
    generator = torch.Generator().manual_seed(0)
    draw = float(torch.randn(1, 1, generator=torch.Generator().manual_seed(0)))
    found = takeuchi(Probe(model, F.mse_loss, inputs, targets), generator)
    # g_j² = (2 r x_j)², G_jj drawn as 2 ε² x_j²: the same ratio for each of the three parameters.
    assert float(found.diagonal) == pytest.approx(3 * 4 * residual**2 / (2 * draw**2))
    assert float(found.trace) == pytest.approx(4 * residual**2 / (2 * draw**2))


def test_outputs_that_are_no_tensor_or_too_wide_have_no_criterion() -> None:
    model = nn.Linear(2, 600)
    probe = Probe(model, F.mse_loss, torch.ones(2, 2), torch.ones(2, 600))
    assert takeuchi(probe, torch.Generator()).diagonal.isnan()
    model = nn.LSTM(2, 2)
    probe = Probe(model, lambda o, t: o[0].sum(), torch.ones(2, 2, 2), None)
    assert takeuchi(probe, torch.Generator()).trace.isnan()


def test_a_batch_of_no_numbers_does_not_end_the_training() -> None:
    torch.manual_seed(0)
    model, targets = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), torch.arange(6) % 2
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    inputs = torch.randn(6, 3)
    with watch(model, optimizer, full_set(), every=1, loss=F.cross_entropy) as watching:
        for batch in (inputs, torch.full_like(inputs, float("nan")), inputs):
            with watching.step(batch, targets):
                optimizer.zero_grad()
                F.cross_entropy(model(inputs), targets).backward()
                optimizer.step()
    for name in ("hessian/top_eigenvalue", "hessian/top_eigenvalue_error", "hessian/trace", "takeuchi/trace", "alpha"):
        known = ~torch.from_numpy(watching.readings(name).values).isnan()
        assert known.tolist() == ([False] * 3 if name == "alpha" else [True, False, True])


class SelfAttention(nn.Module):
    """Attention by torch's function, which on its fast path can be differentiated only once."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 12)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.layer(x).unsqueeze(1).chunk(3, -1)
        return F.scaled_dot_product_attention(query, key, value).mean((1, 2))


def test_attention_has_curvature() -> None:
    torch.manual_seed(0)
    probe = Probe(SelfAttention(), F.mse_loss, torch.randn(3, 2, 4), torch.randn(3, 4))
    value, error, _ = top_eigenvalue(probe, 40, None, torch.Generator().manual_seed(0))
    vector = torch.cat([p.flatten() for p in probe.parameters.values()]).double()
    exact = Probe(probe.model.double(), F.mse_loss, probe.inputs.double(), probe.targets.double())

    def loss(vector: Tensor) -> Tensor:
        weight, bias = vector.split([48, 12])
        with sdpa_kernel(SDPBackend.MATH):
            return exact.loss({"layer.weight": weight.view(12, 4), "layer.bias": bias})

    hessian = torch.autograd.functional.hessian(loss, vector)
    assert float(value) == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=1e-3)
    assert error < 1e-3


WITHOUT_CURVATURE = {
    "embedding bag": (nn.EmbeddingBag(5, 2), r"needs second derivatives.*embedding_bag_backward"),
    "sparse embedding": (nn.Embedding(5, 2, sparse=True), r"the sparse gradient of 'weight' does not have: build"),
}


@pytest.mark.parametrize("name", WITHOUT_CURVATURE)
def test_what_has_no_second_derivative_is_said_and_left_out_of_a_battery(name: str) -> None:
    layer, message = WITHOUT_CURVATURE[name]
    inputs, targets = torch.randint(5, (6, 3)) if name == "embedding bag" else torch.randint(5, (6,)), torch.ones(6, 2)
    with pytest.raises(NotImplementedError, match=message):
        top_eigenvalue(Probe(layer, F.mse_loss, inputs, targets), 1, None, torch.Generator())
    with watch(layer, None, "full", every=1, loss=F.mse_loss) as watching, watching.step(inputs, targets):
        F.mse_loss(layer(inputs), targets).backward()
    assert "loss" in watching.record.names()
    assert "hessian/trace" not in watching.record.names()


class Words(nn.Module):
    """Gives the outputs of all examples one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 3)

    def forward(self, words: Tensor) -> Tensor:
        return self.table(words).flatten(0, 1)


def test_where_targets_are_not_by_example_all_are_taken() -> None:
    torch.manual_seed(0)
    words, targets = torch.randint(5, (20, 4)), torch.randint(3, (80,))
    model = Words()
    some, error = rough_trace(Probe(model, F.cross_entropy, words, targets), 1, 8, torch.Generator().manual_seed(0))
    every, same = rough_trace(Probe(model, F.cross_entropy, words, targets), 1, 20, torch.Generator().manual_seed(0))
    assert (some, error) == (every, same)


def test_named_tuples_and_other_mappings_are_taken_by_example() -> None:
    class Inputs(NamedTuple):
        input: Tensor

    torch.manual_seed(0)
    layer, inputs, targets = nn.Linear(3, 2), torch.randn(20, 3), torch.randn(20, 2)
    expected = rough_trace(Probe(layer, F.mse_loss, inputs, targets), 1, 8, torch.Generator().manual_seed(0))
    for given in (Inputs(inputs), UserDict(input=inputs)):
        found = rough_trace(Probe(layer, F.mse_loss, given, targets), 1, 8, torch.Generator().manual_seed(0))
        assert found == expected

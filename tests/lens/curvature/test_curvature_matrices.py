"""Products with the Hessian, Gauss-Newton and empirical Fisher matrices against dense ones."""

import copy

import pytest
import torch
from curvature_cases import BY_NAME, CASES, Case, dense, dense_hessian, in_vectors
from torch import Tensor, nn
from torch.func import functional_call, jacrev
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Probe
from shinso.lens.curvature import empirical_fisher, gauss_newton, hessian

MATRICES = [hessian, gauss_newton, empirical_fisher]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hessian_is_that_of_brute_force(case: Case) -> None:
    probe = case.probe()
    torch.testing.assert_close(dense(hessian(probe)), dense_hessian(probe), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["perceptron", "convolutional"])
def test_gauss_newton_of_cross_entropy_is_the_sum_over_classes(name: str) -> None:
    probe = BY_NAME[name].probe()
    outputs, at = in_vectors(probe)
    jacobian = torch.autograd.functional.jacobian(outputs, at).detach()  # [examples, classes, parameters]
    chances = outputs(at).softmax(dim=1).detach()
    expected = torch.zeros(len(at), len(at), dtype=torch.float64)
    for p, j in zip(chances, jacobian, strict=True):
        expected += j.T @ (torch.diag(p) - torch.outer(p, p)) @ j / len(chances)
    torch.testing.assert_close(dense(gauss_newton(probe)), expected, rtol=1e-9, atol=1e-12)


def test_gauss_newton_of_squared_error_is_two_over_the_outputs_times_the_squared_jacobian() -> None:
    probe = BY_NAME["two inputs"].probe(7)
    outputs, at = in_vectors(probe)
    jacobian = torch.autograd.functional.jacobian(lambda v: outputs(v)["scores"], at).flatten(0, 1).detach()
    torch.testing.assert_close(dense(gauss_newton(probe)), 2 / 21 * jacobian.T @ jacobian, rtol=1e-9, atol=1e-12)


def test_gauss_newton_of_a_linear_model_is_its_hessian() -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 3).double()
    probe = Probe(model, F.cross_entropy, torch.randn(9, 4).double(), torch.randint(3, (9,)))
    torch.testing.assert_close(dense(gauss_newton(probe)), dense_hessian(probe), rtol=1e-9, atol=1e-13)


def test_gauss_newton_has_the_trace_of_the_hessian_where_a_network_is_piecewise_linear() -> None:
    rectified, smooth = BY_NAME["rectified"].probe(), BY_NAME["perceptron"].probe()
    traces = [float(dense(make(rectified)).trace()) for make in (hessian, gauss_newton)]
    assert traces[0] == pytest.approx(traces[1], rel=1e-10)
    assert float(dense(hessian(smooth)).trace()) != pytest.approx(float(dense(gauss_newton(smooth)).trace()), rel=1e-3)


@pytest.mark.parametrize("name", ["perceptron", "convolutional", "recurrent", "two inputs"])
def test_empirical_fisher_is_the_mean_outer_product_of_gradients(name: str) -> None:
    probe = BY_NAME[name].probe()
    parameters = {n: p.detach() for n, p in probe.model.named_parameters() if p.requires_grad}
    expected: Tensor | float = 0.0
    for place in range(10):
        one = slice(place, place + 1)
        inputs = probe.inputs
        given = ((), {k: v[one] for k, v in inputs.items()}) if isinstance(inputs, dict) else ((inputs[one],), {})

        def loss(named: dict[str, Tensor], given: tuple = given, one: slice = one) -> Tensor:
            return probe.loss_function(functional_call(probe.model, named, *given), probe.targets[one])

        gradient = torch.cat([part.flatten() for part in jacrev(loss)(parameters).values()])
        expected = expected + torch.outer(gradient, gradient).detach() / 10
    torch.testing.assert_close(dense(empirical_fisher(probe)), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", MATRICES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_chunks_and_graphs_that_do_not_fit_change_nothing(make: type, case: Case) -> None:
    probe = case.probe(11)
    whole = make(probe)
    vector = torch.randn(whole.size, generator=torch.Generator().manual_seed(0)).double()
    product = whole @ vector
    assert product.abs().max() > 1e-4
    for chunked in (make(probe, chunk_size=4), make(probe, chunk_size=3, kept_bytes=0)):
        torch.testing.assert_close(chunked @ vector, product, rtol=1e-9, atol=1e-12)


def test_graphs_are_kept_up_to_the_limit() -> None:
    probe = BY_NAME["convolutional"].probe(12)
    kept = [sum(graph is not None for _, graph in hessian(probe, chunk_size=2, kept_bytes=k)._parts) for k in (0, 1e9)]
    assert kept == [0, 6]
    counts = []
    for limit in 2 ** torch.arange(10, 24):
        graphs = [graph is not None for _, graph in hessian(probe, chunk_size=2, kept_bytes=float(limit))._parts]
        assert graphs == sorted(graphs, reverse=True)
        counts.append(sum(graphs))
    assert counts == sorted(counts)
    assert set(counts) > {0, 6}


@pytest.mark.parametrize("make", MATRICES)
@pytest.mark.parametrize("names", [("0.weight",), ("2.bias", "0.bias"), ("2.weight", "2.bias")])
def test_blocks_are_parts_of_the_whole(make: type, names: tuple[str, ...]) -> None:
    probe = BY_NAME["perceptron"].probe()
    matrix = make(probe)
    where = matrix.vectors.slices()
    rows = torch.cat([torch.arange(100)[where[name]] for name in where if name in names])
    torch.testing.assert_close(dense(matrix.block(names)), dense(make(probe))[rows][:, rows], rtol=1e-9, atol=1e-13)


def test_batch_normalisation_in_training_mode_has_the_hessian_of_the_batch_as_a_whole() -> None:
    probe = BY_NAME["convolutional"].probe()
    probe.model.train()
    buffers = {name: buffer.clone() for name, buffer in probe.model.named_buffers()}
    found = dense(hessian(probe))
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in probe.model.named_buffers())
    assert len(hessian(probe)._parts) == 1
    torch.testing.assert_close(found, dense_hessian(probe), rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match=r"cannot be taken in chunks of 4.*model\.eval\(\)"):
        hessian(probe, chunk_size=4)
    with pytest.raises(ValueError, match=r"^1 normalises by the statistics of the batch.*gauss_newton"):
        empirical_fisher(probe)


def test_dropout_and_weighted_classes_are_taken_whole() -> None:
    torch.manual_seed(0)
    inputs, targets = torch.randn(40, 4).double(), torch.arange(40) // 20
    dropping = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3)).double()
    weighted = nn.CrossEntropyLoss(torch.tensor([1.0, 5.0, 0.2]).double())
    for model, loss in ((dropping, F.cross_entropy), (copy.deepcopy(dropping).eval(), weighted)):
        probe = Probe(model, loss, inputs, targets)
        with pytest.raises(ValueError, match="weighted classes"):
            hessian(probe, chunk_size=10)
        torch.testing.assert_close(dense(hessian(probe)), dense(hessian(probe)))
    torch.testing.assert_close(dense(hessian(probe)), dense_hessian(probe))


def test_a_weighted_class_that_few_examples_have_is_seen() -> None:
    weights = torch.tensor([1.0, 100.0]).double()
    inputs, targets = torch.randn(200, 3).double(), torch.zeros(200, dtype=torch.long)
    targets[7] = 1  # not among every thirteenth, of which the halves are compared
    loss = lambda outputs, targets: F.cross_entropy(outputs, targets, weight=weights)  # noqa: E731
    probe = Probe(nn.Linear(3, 2).double(), loss, inputs, targets)
    with pytest.raises(ValueError, match="cannot be taken in chunks of 50"):
        hessian(probe, chunk_size=50)
    assert len(hessian(probe)._parts) == 1


def test_a_batch_that_is_not_along_the_first_axis_is_taken_whole() -> None:
    torch.manual_seed(0)

    class TimeFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(2, 3)

        def forward(self, sequence: Tensor, state: Tensor) -> Tensor:
            return self.rnn(sequence, state)[1][0]

    inputs = (torch.randn(6, 5, 2).double(), torch.randn(1, 5, 3).double())
    probe = Probe(TimeFirst().double(), F.mse_loss, inputs, torch.randn(5, 3).double())
    matrix = hessian(probe)
    assert len(matrix._parts) == 1
    found = dense(matrix)
    torch.testing.assert_close(found, found.T, rtol=1e-9, atol=1e-12)
    assert found.abs().max() > 0.01


def test_a_linear_loss_has_no_curvature() -> None:
    model = nn.Linear(3, 1).double()
    probe = Probe(model, lambda outputs, targets: outputs.mean(), torch.ones(4, 3).double(), torch.ones(4))
    assert torch.equal(dense(hessian(probe)), torch.zeros(4, 4).double())
    assert torch.equal(dense(gauss_newton(probe)), torch.zeros(4, 4).double())


def test_the_matrix_stays_where_it_was_made() -> None:
    probe = BY_NAME["perceptron"].probe()
    matrix = hessian(probe)
    before = dense(matrix)
    with torch.no_grad():
        for parameter in probe.model.parameters():
            parameter.add_(1.0)
    assert torch.equal(dense(matrix), before)
    assert not torch.allclose(dense(hessian(probe)), before)


def test_products_are_the_same_bits_each_time_and_leave_no_trace() -> None:
    probe = BY_NAME["convolutional"].probe()
    state, cudnn = torch.get_rng_state(), torch.backends.cudnn.enabled
    matrix = hessian(probe, chunk_size=3, kept_bytes=20_000)
    vector = torch.ones(matrix.size).double()
    assert torch.equal(matrix @ vector, matrix @ vector)
    assert all(parameter.grad is None for parameter in probe.model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.cudnn.enabled == cudnn


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).to(dtype)
    inputs, targets = torch.randn(6, 4).to(dtype), torch.randint(2, (6,))
    narrow = hessian(Probe(model, F.cross_entropy, inputs, targets))
    wide = dense_hessian(Probe(model.double(), F.cross_entropy, inputs.double(), targets))
    product = narrow @ torch.ones(narrow.size)
    assert product.dtype == torch.float32
    gap = (product.double() - wide.sum(dim=1)).norm() / wide.sum(dim=1).norm()
    assert gap < (1e-5 if dtype == torch.float32 else 0.1)


def test_what_is_wrong_is_said() -> None:
    probe = BY_NAME["perceptron"].probe()
    frozen = nn.Linear(2, 1).requires_grad_(False)
    with pytest.raises(ValueError, match="no trained parameters: set requires_grad"):
        hessian(Probe(frozen, F.mse_loss, torch.ones(2, 2), torch.ones(2, 1)))
    with pytest.raises(ValueError, match="the batch is empty"):
        hessian(probe.on(torch.empty(0, 3).double(), torch.empty(0).long()))
    with pytest.raises(FloatingPointError, match="the loss is nan; curvature needs a finite one"):
        hessian(probe.on(torch.full((2, 3), float("nan")).double(), torch.zeros(2).long()))
    with pytest.raises(ValueError, match="at least one example; got chunk_size=0"):
        hessian(probe, chunk_size=0)
    with pytest.raises(ValueError, match=r"a vector of shape \(38,\) is needed, .* got torch.Size\(\[3\]\)"):
        hessian(probe) @ torch.ones(3).double()
    with pytest.raises(KeyError, match=r"\['9\.weight'\] are no trained parameters; there are \['0\.weight'"):
        hessian(probe).block(["9.weight"])
    with pytest.raises(ValueError, match=r"mean of the examples' losses is .* but the loss of the batch is"):
        empirical_fisher(Probe(probe.model, lambda o, t: F.cross_entropy(o, t, reduction="sum"), *_batch(probe)))
    with pytest.raises(ValueError, match="outputs do not depend on its trained parameters"):
        gauss_newton(Probe(_Constant(), F.mse_loss, torch.ones(2, 3), torch.ones(2, 3)))


class _Constant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs


def _batch(probe: Probe) -> tuple[Tensor, Tensor]:
    return probe.inputs, probe.targets

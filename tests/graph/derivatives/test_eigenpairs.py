"""Lanczos against the eigenvalues of the whole Hessian."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from scipy.sparse.linalg import ArpackNoConvergence
from torch import Tensor, nn

from shinso.graph.derivatives._eigenpairs import bottom_eigenpairs, top_eigenpairs
from shinso.graph.derivatives._hessian_operator import HessianOperator, hessian_operator, loss_of_network
from shinso.graph.derivatives._parameter_vectors import flat_vector, unflattened


@pytest.fixture(scope="module")
def operator() -> HessianOperator:
    generator = torch.Generator().manual_seed(3)
    network = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter, generator=generator)
    x = torch.randn(20, 4, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (20,), generator=generator)
    return hessian_operator(*loss_of_network(network, F.cross_entropy, x, y), rounds=1)


@pytest.fixture(scope="module")
def spectrum(operator: HessianOperator) -> Tensor:
    columns = [operator @ unit for unit in torch.eye(operator.size, dtype=torch.float64)]
    whole = torch.stack(columns)
    torch.testing.assert_close(whole, whole.T)
    return torch.linalg.eigvalsh(whole)


def test_top_eigenpairs_of_a_network(operator: HessianOperator, spectrum: Tensor) -> None:
    found = top_eigenpairs(operator, 4, tolerance=1e-10)
    torch.testing.assert_close(found.values, spectrum.flip(0)[:4], rtol=1e-10, atol=0)
    for value, vector in zip(found.values, found.vectors, strict=True):
        assert {name: part.shape for name, part in vector.items()} == {
            name: part.shape for name, part in operator.parameters.items()
        }
        flat = flat_vector(vector)
        torch.testing.assert_close(operator @ flat, value * flat, rtol=0, atol=1e-8)
        assert abs(flat.norm() - 1) < 1e-12


def test_bottom_eigenpairs_are_the_negative_ones(operator: HessianOperator, spectrum: Tensor) -> None:
    found = bottom_eigenpairs(operator, 2, tolerance=1e-10)
    assert found.values[0] < 0
    torch.testing.assert_close(found.values, spectrum[:2], rtol=1e-9, atol=0)


def test_the_eigenvalues_error_is_far_below_the_tolerance(operator: HessianOperator, spectrum: Tensor) -> None:
    found = top_eigenpairs(operator, 2)
    torch.testing.assert_close(found.values, spectrum.flip(0)[:2], rtol=1e-6, atol=0)


def test_products_are_counted_and_repeatable() -> None:
    scale = torch.arange(1.0, 101)
    used = []

    def loss(p: Tensor) -> Tensor:
        return (scale * p**2).sum() / 2

    operator = hessian_operator(loss, torch.zeros(100), rounds=1)
    counted = HessianOperator(operator.parameters, operator.way, {}, {}, lambda v: (used.append(None), operator @ v)[1])
    found = top_eigenpairs(counted)
    assert found.products == len(used) < 100
    assert abs(found.values.item() - 100) < 1e-3
    assert torch.equal(top_eigenpairs(counted).values, found.values)


def test_nests_are_taken_apart_and_put_together_in_order() -> None:
    like = {"b": [torch.zeros(2, 2), torch.zeros(())], "a": torch.zeros(1, dtype=torch.float64)}
    nest = unflattened(torch.arange(6.0), like)
    assert nest["b"][0].tolist() == [[0, 1], [2, 3]]
    assert nest["b"][1].item() == 4
    assert nest["a"].dtype == torch.float64
    assert flat_vector(nest).tolist() == [0, 1, 2, 3, 4, 5]


def test_what_lanczos_cannot_find_is_refused() -> None:
    operator = hessian_operator(lambda p: (p**2).sum(), torch.ones(3), rounds=1)
    for count in (0, 3):
        with pytest.raises(
            ValueError, match=f"fewer eigenpairs than the 3 parameters of the Hessian; got {count}: for all"
        ):
            top_eigenpairs(operator, count)
    zero = hessian_operator(lambda p: p.sum(), torch.ones(3), rounds=1)
    with pytest.raises(RuntimeError, match="where it says that the starting vector is zero, the Hessian is"):
        top_eigenpairs(zero)


def test_a_tolerance_out_of_reach_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_vain(*_: object, **__: object) -> None:
        raise ArpackNoConvergence("No convergence", [1.0], [[1.0]])

    monkeypatch.setattr("scipy.sparse.linalg.eigsh", in_vain)
    operator = hessian_operator(lambda p: (p**2).sum(), torch.ones(5), rounds=1)
    with pytest.raises(
        RuntimeError, match=r"found 1 of 3 eigenpairs to the tolerance 1e-12 in 0 products; ask for fewer"
    ):
        top_eigenpairs(operator, 3, tolerance=1e-12)

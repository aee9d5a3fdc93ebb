"""The lenses leave training as it is, and read at rest what the functions give."""

from contextlib import nullcontext

import pytest
import torch
from curvature_cases import BY_NAME
from lens_cases import CASES, Case
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Lens, inspect, watch
from shinso.lens.curvature import (
    LENSES,
    Flatness,
    HessianSpectrum,
    HessianTop,
    HessianTopByLayer,
    HessianTrace,
    Landscape,
    epsilon_sharpness,
    filter_normalized,
    filter_normalized_sharpness,
    hessian,
    loss_slice,
    random_direction,
    spectral_density,
    top_eigenpairs,
    trace,
    trace_by_layer,
)

SMALL: tuple[Lens, ...] = (
    HessianTop(count=2, max_products=15), HessianTopByLayer(max_products=4), HessianTrace(max_draws=2),
    HessianSpectrum(products=3), Flatness(directions=2), Landscape((-1.0, 0.0, 1.0)),
)  # fmt: skip


def trained(case: Case, lenses: tuple[Lens, ...]) -> dict[str, Tensor]:
    torch.manual_seed(0)
    model = case.build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    watching = watch(model, optimizer, lenses, every=1, loss=F.cross_entropy) if lenses else None
    for _ in range(2):
        inputs, targets = case.inputs(), torch.randint(4, (6,))
        optimizer.zero_grad()
        with watching.step(inputs, targets) if watching else nullcontext():
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    if watching:
        watching.close()
        assert len(watching.record.names()) == 13
    gradients = {f"gradient of {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {**model.state_dict(), **gradients, "random state": torch.get_rng_state()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_is_the_same_bit_for_bit(case: Case) -> None:
    watched, alone = trained(case, SMALL), trained(case, ())
    assert watched.keys() == alone.keys()
    assert [name for name, value in alone.items() if not torch.equal(value, watched[name])] == []


def test_at_rest_they_read_what_the_functions_give() -> None:
    probe = BY_NAME["convolutional"].probe(20)
    lenses = [entry.make() for entry in LENSES.values()]
    assert [lens.name for lens in lenses] == list(LENSES)
    found = inspect(probe.model, probe.loss_function, probe.inputs, probe.targets, lenses)
    matrix, layers = hessian(probe), ("0", "1", "5")
    torch.testing.assert_close(found["hessian/top"].values, top_eigenpairs(matrix, 5).values, rtol=1e-3, atol=0)
    assert found["hessian/top"].labels == ("λ1", "λ2", "λ3", "λ4", "λ5")
    blocks = [matrix.block([name for name in probe.parameters if name.startswith(layer)]) for layer in layers]
    tops = torch.cat([top_eigenpairs(block, 1).values for block in blocks])
    torch.testing.assert_close(found["hessian/top_by_layer"].values, tops, rtol=1e-2, atol=0)
    options = {"relative_error": 0.1, "max_draws": 50, "seed": 0}
    whole, parts = trace(matrix, **options), trace_by_layer(matrix, **options)
    ends = [float(found[f"hessian/trace{end}"].values) for end in ("", "_low", "_high")]
    assert ends == pytest.approx([whole.value, whole.low, whole.high])
    assert found["hessian/trace_by_layer"].values.tolist() == pytest.approx([part.value for part in parts.values()])
    assert found["hessian/trace_by_layer"].labels == found["hessian/top_by_layer"].labels == layers
    density = spectral_density(matrix, products=30, draws=1)
    assert found["hessian/quantiles"].values.tolist()[::8] == pytest.approx(
        [float(density.points.min()), float(density.points.max())]
    )
    assert float(found["hessian/negative_share"].values) == pytest.approx(density.share_below(0.0))
    assert float(found["sharpness/epsilon"].values) == pytest.approx(epsilon_sharpness(probe))
    filters = filter_normalized_sharpness(probe)
    names = ("", "_low", "_high")
    assert [float(found[f"sharpness/filter_normalized{end}"].values) for end in names] == pytest.approx(
        [filters.value, filters.low, filters.high]
    )
    line = loss_slice(probe, filter_normalized(probe, random_direction(probe)), Landscape().distances)
    torch.testing.assert_close(found["landscape/loss"].values, line.losses)
    assert found["landscape/loss"].labels[0] == "-1"


def test_a_loss_that_is_not_finite_reads_as_not_a_number() -> None:
    probe = BY_NAME["perceptron"].probe(6)
    inputs = torch.full((6, 3), float("nan")).double()
    found = inspect(probe.model, probe.loss_function, inputs, probe.targets, SMALL)
    assert len(found) == 13
    assert all(reading.values.isnan().all() for reading in found.values())
    assert found["hessian/trace_by_layer"].labels == found["hessian/top_by_layer"].labels == ("0", "2")


def test_eigenvalues_that_were_not_found_are_not_shown() -> None:
    probe = BY_NAME["rectified"].probe(20)
    few = [HessianTop(count=3, relative_error=1e-8, max_products=3), HessianTopByLayer(1e-8, max_products=2)]
    found = inspect(probe.model, probe.loss_function, probe.inputs, probe.targets, few)
    assert all(reading.values.isnan().any() for reading in found.values())


def test_a_model_of_two_parameters_has_two_eigenvalues() -> None:
    inputs = torch.randn(6, 1)
    top = inspect(torch.nn.Linear(1, 1), F.mse_loss, inputs, 2 * inputs, [HessianTop()])["hessian/top"]
    squares = torch.cat([inputs, torch.ones(6, 1)], dim=1)
    expected = torch.linalg.eigvalsh(2 * squares.T @ squares / 6).flip(0).double()
    assert top.labels == ("λ1", "λ2")
    torch.testing.assert_close(top.values, expected, rtol=1e-4, atol=1e-5)

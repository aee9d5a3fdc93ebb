"""The lenses of generalisation leave training as it is, and read at rest what their functions give."""

import math
from contextlib import nullcontext

import pytest
import torch
from generalization_cases import ResidualSum, batch, classifier, probe_of
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Lens, inspect, watch
from shinso.lens.generalization import (
    LENSES,
    Evidence,
    GeneralizationGap,
    Margins,
    NormalizedMargins,
    PacBayesFlatness,
    PathNorm,
    SpectralNorms,
    bayesian_evidence,
    margins,
    path_norm,
    spectral_complexity,
    spectral_norms,
)


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(0.3), nn.Flatten(),
        nn.Linear(16, 3),
    )  # fmt: skip


def lenses_for(inputs: Tensor, targets: Tensor) -> list[Lens]:
    evidence = Evidence(draws=2, steps=3)
    small: list[Lens] = [evidence, PacBayesFlatness(draws=2), GeneralizationGap(inputs, targets)]
    return [*small, Margins(), NormalizedMargins(), PathNorm(), SpectralNorms()]


def trained(with_lenses: bool, every_lens: bool) -> tuple[dict[str, Tensor], Tensor]:
    torch.manual_seed(0)
    model = convolutional() if every_lens else ResidualSum()
    model.train()
    shape = (8, 1, 6, 6) if every_lens else (8, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    inputs, targets = torch.randn(shape), torch.randint(3 if every_lens else 2, (8,))
    lenses = lenses_for(inputs + 1, targets)
    if not every_lens:
        lenses = [lens for lens in lenses if lens.name != "normalized_margins"]
    watching = watch(model, optimizer, lenses, every=1, loss=F.cross_entropy) if with_lenses else None
    for _ in range(2):
        with watching.step(inputs, targets) if watching else nullcontext():
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    state = dict(model.state_dict()) | {f"{n}.grad": p.grad for n, p in model.named_parameters() if p.grad is not None}
    if watching:
        watching.flush()
        assert len(watching.record.names()) > 15
    return state, torch.get_rng_state()


@pytest.mark.parametrize("every_lens", [True, False], ids=["convolutional", "residual"])
def test_training_is_the_same_bit_for_bit(every_lens: bool) -> None:
    (watched, random), (alone, random_alone) = trained(True, every_lens), trained(False, every_lens)
    assert watched.keys() == alone.keys()
    assert [name for name in alone if not torch.equal(watched[name], alone[name])] == []
    assert torch.equal(random, random_alone)


def test_at_rest_they_read_what_the_functions_give() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3)).double()
    inputs, targets = batch()
    lenses = [
        Evidence(weight_decay=0.01),
        Margins((0.0, 0.5)),
        NormalizedMargins((1.0,)),
        PathNorm(1.0),
        SpectralNorms(),
    ]
    readings = inspect(model, F.cross_entropy, inputs, targets, lenses)
    evidence = bayesian_evidence(probe_of(model), 0.12)
    assert readings["evidence/energy"].values.item() == pytest.approx(evidence.energy / 12)
    assert readings["evidence/complexity"].values.item() == pytest.approx(evidence.complexity / 12)
    assert readings["evidence/complexity_error"].values == 0
    found = margins(model(inputs).detach(), targets)
    assert readings["margin"].labels == ("0 %", "50 %")
    assert readings["margin"].values.tolist() == pytest.approx([found.min().item(), found.quantile(0.5).item()])
    assert readings["margin/wrong"].values.item() == pytest.approx((found <= 0).double().mean().item())
    complexity = spectral_complexity(model, inputs)
    assert readings["spectral_complexity"].values.item() == pytest.approx(complexity)
    largest = found.max().item() / (complexity * inputs.norm().item() / 12)
    assert readings["normalized_margin"].values.tolist() == pytest.approx([largest])
    assert readings["path_norm"].values.item() == pytest.approx(path_norm(model, inputs, 1.0))
    norms = spectral_norms(model, inputs)
    assert readings["spectral_norm"].labels == ("0", "2")
    assert readings["spectral_norm"].values.tolist() == pytest.approx(list(norms.values()))
    assert readings["spectral_norm/log_product"].values.item() == pytest.approx(math.log(math.prod(norms.values())))


def test_a_large_network_has_its_evidence_estimated() -> None:
    model = classifier()
    inputs, targets = batch()
    exact, estimated = (
        inspect(model, F.cross_entropy, inputs, targets, [Evidence(exact_up_to=limit, draws=30, steps=31)])
        for limit in (500, 30)
    )
    error = estimated["evidence/complexity_error"].values.item()
    assert error > 0
    difference = estimated["evidence/complexity"].values - exact["evidence/complexity"].values
    assert abs(difference.item()) < 3 * error


def test_flatness_is_read_in_eval_mode() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.9)).double()
    inputs, targets = batch()
    readings = inspect(model, F.cross_entropy, inputs, targets, [PacBayesFlatness(examples=1000)])
    plain = inspect(model[0], F.cross_entropy, inputs, targets, [PacBayesFlatness(examples=1000)])
    assert readings["pac_bayes/sigma"].values == plain["pac_bayes/sigma"].values > 0
    assert 0 < readings["pac_bayes/error"].values < readings["pac_bayes/bound"].values <= 1


def test_regression_has_no_margins_and_no_null_model() -> None:
    inputs, outputs = torch.ones(4, 3), torch.ones(4, 2)
    with pytest.raises(ValueError, match=r"margins need logits .* gives \(4, 2\) torch.float32 for targets \(4, 2\)"):
        inspect(nn.Linear(3, 2), F.mse_loss, inputs, outputs, [Margins()])
    readings = inspect(nn.Linear(3, 2), F.mse_loss, inputs, outputs, [Evidence(), PacBayesFlatness()])
    assert "evidence/energy" not in readings
    assert readings["pac_bayes/bound"].values.isnan()


@pytest.mark.parametrize("name", LENSES)
def test_each_lens_of_the_catalogue_is_made_without_arguments(name: str) -> None:
    lens = LENSES[name].make()
    assert lens.name == name
    assert lens == LENSES[name].make()


def test_a_single_logit_has_no_classes_beside_it() -> None:
    model = nn.Sequential(nn.Linear(3, 1))
    targets = torch.tensor([0, 1, 1])

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs[:, 0], targets.float())

    readings = inspect(model, loss, torch.randn(3, 3), targets, [Evidence(), PacBayesFlatness()])
    assert "evidence/energy" not in readings
    assert readings["pac_bayes/error"].values.isnan()

"""The lenses on single examples' gradients: what they read, and that training stays as it is."""

from contextlib import nullcontext

import pytest
import torch
from lens_cases import CASES, Case, cross_entropy
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Lens, Probe, inspect, watch
from shinso.lens.per_sample import (
    LENSES,
    GradientHistogram,
    GradientParameterHistogram,
    PerSampleNorms,
    SGDNoise,
    draw_gradients_against_parameters,
    per_sample,
    random_entries,
)
from shinso.lens.per_sample._bins import BINS, bin_names, bins

ALL: dict[str, Lens] = {name: entry.make() for name, entry in LENSES.items()}


def after_training(case: Case, lenses: list[Lens]) -> tuple[dict[str, torch.Tensor], torch.Tensor, list[torch.Tensor]]:
    torch.manual_seed(1)
    model = case.build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    watching = watch(model, optimizer, lenses, every=1, loss=F.cross_entropy) if lenses else None
    with torch.random.fork_rng():
        inputs = case.inputs()
    for _ in range(3):
        with watching.step(inputs, torch.zeros(6, dtype=torch.long)) if watching else nullcontext():
            cross_entropy(model, case.inputs()).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    if watching:
        assert watching.record.names() == () or watching.readings(watching.record.names()[0]).steps.tolist()
    return model.state_dict(), torch.get_rng_state(), [p.grad for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_is_bit_for_bit_as_without(case: Case) -> None:
    watched, alone = after_training(case, list(ALL.values())), after_training(case, [])
    assert all(torch.equal(watched[0][name], tensor) for name, tensor in alone[0].items())
    assert torch.equal(watched[1], alone[1])
    assert all(torch.equal(a, b) for a, b in zip(watched[2], alone[2], strict=True))


def test_where_nothing_is_seen_nothing_is_claimed() -> None:
    layer = nn.GRU(2, 3)
    packed = nn.utils.rnn.pack_sequence([torch.ones(3, 2), torch.ones(2, 2)])
    lenses = [lens for name, lens in ALL.items() if not name.endswith("histogram")]
    readings = inspect(layer, lambda outputs, _: outputs[0].data.square().mean(), [packed], None, lenses)
    assert {"per_sample/norm", "gradient_noise/variance", "gradient_test/norm"} <= readings.keys()
    assert all(reading.values.isnan().all() for reading in readings.values())


def test_a_batch_without_examples_does_not_end_the_training() -> None:
    model = nn.Linear(2, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, [*ALL.values()], every=1) as watching:
        for size in (0, 4):
            with watching.step():
                F.cross_entropy(model(torch.ones(size, 2)), torch.zeros(size, dtype=torch.long)).backward()
                optimizer.step()
                optimizer.zero_grad()
    assert watching.readings("per_sample/norm").steps.tolist() == [2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_model_at_rest(case: Case) -> None:
    torch.manual_seed(1)
    readings = inspect(case.build(), F.cross_entropy, case.inputs(), torch.zeros(6, dtype=torch.long), [*ALL.values()])
    assert all(not reading.values.isnan().any() for name, reading in readings.items() if "simple_scale" not in name)
    assert len(readings["per_sample/variance"].labels) == len(list(case.build().parameters()))


def test_quantiles_are_of_the_norms_of_whole_gradients() -> None:
    model, inputs, targets = nn.Linear(3, 2), torch.randn(8, 3), torch.randn(8, 2)
    readings = inspect(model, F.mse_loss, inputs, targets, [PerSampleNorms()])
    residual = (model(inputs) - targets).detach()  # 2/2 (y - t), for the mean over two outputs
    norms = residual.norm(dim=1) * (inputs.square().sum(1) + 1).sqrt()
    expected = torch.quantile(norms, torch.tensor([0, 0.25, 0.5, 0.75, 1]))
    torch.testing.assert_close(readings["per_sample/norm"].values, expected)


def test_random_entries_hit_each_pair_as_often() -> None:
    model, inputs, targets = nn.Linear(2, 2).double(), torch.randn(3, 2).double(), torch.randn(3, 2).double()
    found = per_sample(Probe(model, F.mse_loss, inputs, targets))
    everything = torch.cat([found.gradients(name).flatten() for name in found.parameters])
    drawn = random_entries(found, 18_000, seed=0)
    counts = (drawn.values[:, None] - everything).abs().lt(1e-12).sum(0)
    # Eighteen pairs, each expected 1000 times: within 5 standard deviations.
    assert counts.sum() == 18_000
    assert (counts - 1000).abs().max() < 5 * 31
    assert set(drawn.places) == {"weight", "bias"}


def test_histograms_estimate_the_shares_of_all_entries_with_the_error_they_say() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    inputs, targets = torch.randn(32, 4), torch.randint(3, (32,))
    found = per_sample(Probe(model, F.cross_entropy, inputs, targets))
    everything = torch.cat([found.gradients(name).flatten() for name in found.parameters])
    exact = torch.bincount(bins(everything), minlength=BINS) / everything.numel()
    readings = inspect(model, F.cross_entropy, inputs, targets, [GradientHistogram()])
    share, error = (readings[f"gradient_histogram/{part}"].values for part in ("share", "error"))
    assert share.sum() == pytest.approx(1)
    assert ((share - exact).abs() <= 4 * (exact * (1 - exact) / 4096).sqrt() + 1e-9).all()
    torch.testing.assert_close(error, (share * (1 - share) / 4096).sqrt())


def test_both_histograms_are_of_the_same_entries() -> None:
    torch.manual_seed(0)
    model, inputs, targets = nn.Linear(4, 3), torch.randn(8, 4), torch.randint(3, (8,))
    lenses = [GradientHistogram(), GradientParameterHistogram()]
    readings = inspect(model, F.cross_entropy, inputs, targets, lenses)
    both = readings["gradient_parameter_histogram/share"].values
    torch.testing.assert_close(both.sum(1), readings["gradient_histogram/share"].values)
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    assert set(both.sum(0).nonzero().flatten().tolist()) == set(bins(weights).tolist())


def test_bins_hold_what_their_names_say() -> None:
    names = bin_names()
    assert len(names) == BINS
    values = torch.tensor([0.0, 1e-12, 2e-10, -0.5, 0.5, 1e9, float("inf"), float("-inf")])
    expected = ["0", "0", "1.0e-10", "-3.2e-01", "3.2e-01", "1.0e+04", "1.0e+04", "-1.0e+04"]
    assert [names[place] for place in bins(values).tolist()] == expected


def test_the_noise_scale_of_the_optimizer_as_it_is_now() -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, [SGDNoise(optimizer, 1000)], every=1) as watching:
        for momentum in (0.0, 0.5):
            optimizer.param_groups[0]["momentum"] = momentum
            with watching.step(torch.ones(10, 3)):
                model(torch.ones(10, 3)).mean().backward()
                optimizer.step()
    assert watching.readings("sgd_noise_scale").values.tolist() == pytest.approx([9.9, 20.0])


def test_the_noise_scale_needs_a_batch() -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watching = watch(model, optimizer, [SGDNoise(optimizer, 1000)], every=1)
    with pytest.raises(ValueError, match=r"size of the batch: watch.step\(inputs, targets\)"), watching.step():
        pass


def test_the_picture_shows_what_was_hit_and_names_its_axes() -> None:
    share = torch.zeros(BINS, BINS)
    share[BINS // 2, BINS // 2 + 5], share[BINS // 2 + 8, BINS // 2 - 3] = 0.75, 0.25
    figure = Figure()
    draw_gradients_against_parameters(share, figure)
    axes = figure.axes[0]
    assert axes.images[0].get_array().shape == (3, 7)
    assert axes.images[0].get_array().count() == 2
    assert "gradient of one example" in axes.get_ylabel()
    figure.canvas.draw()

"""What each corruption keeps and what it destroys."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shinso.lens.generalization import (
    corrupted_labels,
    gaussian_pixels,
    random_labels,
    random_pixels,
    shuffled_pixels,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images() -> torch.Tensor:
    return torch.randint(256, (40, 3, 6, 5), generator=seeded(7), dtype=torch.uint8)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_wrong_labels_is_that_of_the_drawn_ones_that_miss(share: float) -> None:
    targets = torch.arange(20_000) % 5
    wrong = (corrupted_labels(targets, 5, share, seeded()) != targets).double().mean().item()
    assert wrong == pytest.approx(share * 4 / 5, abs=0.015)


def test_random_labels_are_uniform_and_know_nothing_of_the_true_ones() -> None:
    targets = torch.arange(30_000) % 3
    found = random_labels(targets, 3, seeded())
    counts = Counter(zip(targets.tolist(), found.tolist(), strict=True))
    assert all(abs(counts[a, b] - 30_000 / 9) < 250 for a in range(3) for b in range(3))
    assert found.dtype == targets.dtype
    assert targets[:4].tolist() == [0, 1, 2, 0]


@given(st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_shuffled_pixels_move_all_images_alike_with_channels_together(seed: int) -> None:
    original = images()
    found = shuffled_pixels(original, seeded(seed))
    numbered = torch.arange(30).reshape(1, 1, 6, 5).expand(1, 3, 6, 5)
    order = shuffled_pixels(numbered, seeded(seed))[0, 0].flatten()
    assert sorted(order.tolist()) == list(range(30))
    assert torch.equal(found.flatten(2), original.flatten(2)[:, :, order])
    assert found.dtype == torch.uint8


def test_random_pixels_move_each_image_its_own_way_with_channels_together() -> None:
    numbered = torch.arange(30).reshape(1, 1, 6, 5).repeat(40, 3, 1, 1)
    found = random_pixels(numbered, seeded())
    assert torch.equal(found.flatten(2).sort().values, numbered.flatten(2))
    assert torch.equal(found[:, 0], found[:, 2])
    assert len({tuple(image.tolist()) for image in found[:, 0].flatten(1)}) == 40


def test_gaussian_pixels_keep_the_moments_of_each_channel() -> None:
    original = torch.randn(200, 2, 16, 16, generator=seeded(1)) * torch.tensor([1.0, 30.0])[:, None, None] + 5
    found = gaussian_pixels(original, seeded())
    for channel in range(2):
        scale = original[:, channel].std().item()
        assert found[:, channel].mean().item() == pytest.approx(original[:, channel].mean().item(), abs=0.03 * scale)
        assert found[:, channel].std().item() == pytest.approx(scale, rel=0.02)
    pair = torch.stack([found[:, 0].flatten(), original[:, 0].flatten()])
    assert abs(torch.corrcoef(pair)[0, 1].item()) < 0.02
    assert gaussian_pixels(images(), seeded()).dtype == torch.float32


@pytest.mark.parametrize("corrupt", [shuffled_pixels, random_pixels, gaussian_pixels])
def test_tables_have_columns_for_pixels_and_a_seed_decides_all(corrupt) -> None:  # type: ignore[no-untyped-def]
    table = torch.randn(30, 8, generator=seeded(3))
    kept, state = table.clone(), torch.get_rng_state()
    first, again, other = corrupt(table, seeded()), corrupt(table, seeded()), corrupt(table, seeded(1))
    assert first.shape == table.shape
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(table, kept)
    assert torch.equal(torch.get_rng_state(), state)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"share is the probability of a label to be drawn anew, from 0 to 1; got 1.5"):
        corrupted_labels(torch.arange(3), 3, 1.5, seeded())
    with pytest.raises(ValueError, match=r"labels have to be class numbers in 0..1; got 0 to 2"):
        random_labels(torch.arange(3), 2, seeded())
    with pytest.raises(ValueError, match=r"expected inputs \[examples, features\] or more axes; got the shape \(3,\)"):
        shuffled_pixels(torch.ones(3), seeded())

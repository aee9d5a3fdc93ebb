"""The learning rule against the search for representatives in plain loops, and against its increments by hand."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shinso.nn.neocognitron import PARTS, SCells, representatives, self_organize_, silent_position


def representatives_by_search(responses: torch.Tensor, column: int) -> set[tuple[int, int, int]]:
    planes, height, width = responses.shape
    found = {}
    for row in range(height):
        for left in range(width):
            reach = column // 2
            window = responses[:, max(0, row - reach) : row + reach + 1, max(0, left - reach) : left + reach + 1]
            for plane in range(planes):
                answer = float(responses[plane, row, left])
                if answer > 0 and answer == float(window.max()) and answer > found.get(plane, (0.0,))[0]:
                    found[plane] = (answer, row, left)
    return {(plane, row, left) for plane, (_, row, left) in found.items()}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 3, 5]))
def test_representatives_are_those_that_a_search_finds(seed: int, column: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    responses = (torch.rand(4, 6, 7, dtype=torch.float64, generator=generator) - 0.6).relu()
    found = representatives(responses, column)
    assert {tuple(each) for each in found.tolist()} == representatives_by_search(responses, column)


def test_nobody_represents_a_silent_layer() -> None:
    assert representatives(torch.zeros(3, 4, 4), 3).shape == (0, 3)


def test_the_strongest_stimulus_that_none_answers_to_is_found() -> None:
    activity = torch.tensor([[0.1, 0.9, 0.3], [0.2, 0.5, 0.4]])
    responses = torch.zeros(2, 2, 3)
    assert silent_position(responses, activity)[1:] == (0, 1)
    responses[1, 0, 1] = 1e-3
    assert silent_position(responses, activity)[1:] == (1, 1)
    assert silent_position(torch.ones(1, 2, 3), activity)[0] == 0


def test_an_unused_plane_takes_what_none_answers_to_and_is_reinforced_as_its_own_representative() -> None:
    torch.manual_seed(0)
    cells = SCells(2, 2, 3, selectivity=1.0, decay=0.8).double()
    stimulus = torch.zeros(2, 9, 9, dtype=torch.float64)
    stimulus[:, 3:6, 4:7] = torch.rand(2, 3, 3, dtype=torch.float64) + 0.5
    c = cells.weights / 2
    # One plane alone: it begins where the activity is greatest, and is then the representative of the same place.
    only = SCells(2, 1, 3, selectivity=1.0, decay=0.8).double()
    self_organize_(only, stimulus, selectivity=1.0, threshold=0.0, rate=10.0)
    fields = stimulus.unfold(1, 3, 1).unfold(2, 3, 1)
    v = (c[None, :, :] * fields.permute(1, 2, 0, 3, 4).square()).sum((2, 3, 4)).sqrt()
    row, left = divmod(int(v.argmax()), v.shape[1])
    field = fields[:, row, left]
    torch.testing.assert_close(only.excitatory[0], 2 * 10 * c * field)
    torch.testing.assert_close(only.inhibitory[0], 2 * 10 / 2 * v[row, left])
    # The second plane of a pair differs from the first, and says nothing where the first is at its best.
    self_organize_(cells, stimulus, selectivity=50.0, threshold=0.0)
    assert (cells.inhibitory > 0).all()
    cosine = torch.nn.functional.cosine_similarity(*cells.excitatory.flatten(1), dim=0)
    assert cosine < 0.999


def test_what_is_weaker_than_the_threshold_is_not_learned() -> None:
    faint = torch.full((1, 5, 5), 0.1)
    cells = SCells(1, 3, 3)
    assert self_organize_(cells, faint, selectivity=2.0, threshold=0.2) is cells
    assert not cells.inhibitory.any()
    self_organize_(cells, faint, selectivity=2.0, threshold=0.05)
    assert cells.inhibitory.any()


def test_the_same_stimulus_again_takes_no_new_plane() -> None:
    torch.manual_seed(0)
    stimulus = torch.rand(1, 8, 8)
    cells = SCells(1, 100, 3, selectivity=3.0)
    self_organize_(cells, stimulus, selectivity=3.0, threshold=0.1)
    used = int((cells.inhibitory > 0).sum())
    self_organize_(cells, stimulus, selectivity=3.0, threshold=0.1)
    assert 0 < used < 100
    assert int((cells.inhibitory > 0).sum()) == used


def test_the_parts_are_in_the_catalogue() -> None:
    assert set(PARTS) == {"s_cells", "v_cells", "c_cells"}
    assert isinstance(PARTS["s_cells"].make(1, 2, 3), SCells)

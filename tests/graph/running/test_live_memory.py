"""Live bytes against tensors whose sizes are known."""

import torch

from shinso.graph.running._live_memory import LiveMemory


def test_storages_count_from_their_making_to_their_end() -> None:
    x = torch.ones(1000)
    with LiveMemory() as memory:
        y = x + 1
        assert memory.nbytes == 4000
        z = y.double()
        assert memory.nbytes == 12000
        del z
        assert memory.nbytes == 4000
        assert y.view(10, 100).t().sum() == 2000
        del y
    assert memory.nbytes == 0
    assert memory.peak == 12000


def test_what_is_kept_for_the_backward_pass_lives_on() -> None:
    x = torch.ones(1000, requires_grad=True)
    with LiveMemory() as memory:
        y = x.exp().sum()  # exp keeps its result
        assert memory.nbytes == 4004
        (gradient,) = torch.autograd.grad(y, x)
        assert memory.nbytes == 4004
        del y, gradient
    assert memory.nbytes == 0


def test_what_was_there_before_and_what_is_changed_in_place_is_not_counted() -> None:
    x = torch.ones(1000)
    with LiveMemory() as memory:
        x.add_(1)
        x[3:].mul_(2)
    assert memory.peak == 0

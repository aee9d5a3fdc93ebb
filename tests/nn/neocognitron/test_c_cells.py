"""C-cells against their formula written out, and what they are for: a shift changes little."""

import pytest
import torch
from scipy import signal

from shinso.nn.neocognitron import CCells, spread


def test_blur_comparison_with_the_other_planes_and_limit() -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 3, 6, 7, dtype=torch.float64)
    layer = CCells(5, decay=0.7, saturation=0.3).double()
    kernel = layer.weights.numpy()
    for example in range(2):
        near = [signal.correlate2d(plane, kernel, mode="same") for plane in x[example].numpy()]
        v = sum(near) / 3
        for plane in range(3):
            active = ((1 + near[plane]) / (1 + v) - 1).clip(min=0)
            expected = torch.from_numpy(active / (0.3 + active))
            torch.testing.assert_close(layer(x)[example, plane], expected)


def test_stride_takes_every_so_manieth_position() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 2, 7, 8)
    torch.testing.assert_close(CCells(3, 2)(x), CCells(3)(x)[..., ::2, ::2])


def test_a_feature_moved_by_a_pixel_still_moves_the_cell() -> None:
    s = torch.zeros(1, 2, 9, 9)
    s[0, 0, 4, 4] = 1
    moved = s.roll((1, 1), (2, 3))
    cells = CCells(5)
    before, after = cells(s)[0, 0, 4, 4], cells(moved)[0, 0, 4, 4]
    assert moved[0, 0, 4, 4] == 0
    assert 0.75 < float(after / before) < 1
    # The plane that does not see the feature is held down by the one that does.
    assert not cells(s)[0, 1].any()


def test_gradient_and_silence() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    layer = CCells(3, 2).double()
    assert torch.autograd.gradcheck(layer, (x,))
    assert not layer(torch.zeros(1, 3, 4, 4, dtype=torch.float64)).any()


def test_it_is_a_module_like_others() -> None:
    layer = CCells(3, 2)
    assert repr(layer) == "CCells(kernel_size=3, stride=2, saturation=0.5)"
    torch.testing.assert_close(layer.state_dict()["weights"], spread(3, 0.9))
    x = torch.rand(1, 2, 5, 5)
    torch.testing.assert_close(layer.train()(x), layer.eval()(x), rtol=0, atol=0)
    assert layer.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(("stride", "saturation"), [(0, 0.5), (1, 0.0)])
def test_impossible_settings_are_refused(stride: int, saturation: float) -> None:
    with pytest.raises(ValueError, match=f"stride >= 1 and saturation > 0; got {stride} and {saturation}"):
        CCells(3, stride, saturation=saturation)

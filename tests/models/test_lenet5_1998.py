"""LeNet-5 of 1998 against the paper's own arithmetic and the published figures."""

import pytest
import torch
from published_rows import Row, check_row

from shinso.models._digit_bitmaps import digit_bitmaps
from shinso.models._lenet5_1998 import NETWORKS, PartialConvolution, Prototypes, ScaledTanh, SubSampling, lenet5_1998

ROWS = [
    Row("lenet5_1998", 1, 60_000, 325_680, 840, 0, 42, (18, 1, 0), "6x28x28 > 6x14x14 > 16x10x10 > 16x5x5 > 120x1x1"),
    Row("lenet5_modern", 1, 61_706, 416_520, 0, 0, 10, (2, 3, 0), "6x28x28 > 6x14x14 > 16x10x10 > 16x5x5"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_published_figure_is_met(row: Row) -> None:
    check_row(row, NETWORKS)


def test_layers_have_the_parameters_that_the_paper_counts() -> None:
    sizes = {name: sum(p.numel() for p in layer.parameters()) for name, layer in lenet5_1998().named_children()}
    learned = {name: size for name, size in sizes.items() if size}
    assert learned == {"C1": 156, "S2": 12, "C3": 1516, "S4": 32, "C5": 48_120, "F6": 10_164}


def test_c3_combines_the_maps_of_table_1() -> None:
    combined = lenet5_1998().get_submodule("C3").combined
    assert combined[:6] == [sorted((i + j) % 6 for j in range(3)) for i in range(6)]
    assert combined[6:12] == [sorted((i + j) % 6 for j in range(4)) for i in range(6)]
    assert combined[12:] == [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5]]


def test_a_partial_convolution_is_a_full_one_with_zeros_where_there_is_no_mark() -> None:
    torch.manual_seed(0)
    partial = PartialConvolution("X.X\n.XX", 3).double()
    full = torch.nn.Conv2d(2, 3, 3).double()
    torch.nn.init.zeros_(full.weight)
    with torch.no_grad():
        for column, (rows, conv) in enumerate(zip(partial.combined, partial, strict=True)):
            full.weight[column, rows] = conv.weight[0]
            full.bias[column] = conv.bias[0]
    x = torch.randn(2, 2, 6, 5, dtype=torch.float64)
    torch.testing.assert_close(partial(x), full(x))


def test_sub_sampling_weighs_the_sum_of_each_square() -> None:
    layer = SubSampling(2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, -2.0]))
        layer.bias.copy_(torch.tensor([0.0, 5.0]))
    x = torch.arange(16.0).reshape(1, 2, 2, 4)
    torch.testing.assert_close(layer(x), torch.tensor([[[[10.0, 18.0]], [[-79.0, -95.0]]]]))


def test_the_squashing_function_keeps_plus_and_minus_one() -> None:
    x = torch.tensor([-1.0, 0.0, 1.0])
    torch.testing.assert_close(ScaledTanh()(x), x, atol=1e-4, rtol=0)


def test_the_logit_of_a_class_is_highest_and_zero_at_its_prototype() -> None:
    prototypes = Prototypes(12)
    logits = prototypes(prototypes.prototypes)
    assert (logits.diagonal() == 0).all()
    assert (logits.argmax(1) == torch.arange(12)).all()
    # Two pictures that differ in k pixels are 4k apart.
    differing = (digit_bitmaps()[3] != digit_bitmaps()[8]).sum()
    assert logits[3, 8] == -4 * differing


def test_prototypes_are_the_same_whatever_the_seed_and_leave_it_alone() -> None:
    torch.manual_seed(0)
    first = Prototypes(20).prototypes
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(Prototypes(20).prototypes, first)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.unique().tolist() == [-1, 1]


def test_weights_begin_uniform_on_the_bounds_of_appendix_a() -> None:
    torch.manual_seed(0)
    model = lenet5_1998()
    for name, fan_in in [("C1.weight", 25), ("C3.15.weight", 150), ("C5.weight", 400), ("F6.weight", 120)]:
        weight = model.get_parameter(name)
        assert 0.9 * 2.4 / fan_in < weight.abs().max().item() <= 2.4 / fan_in
        assert weight.std().item() == pytest.approx(2.4 / fan_in / 3**0.5, rel=0.1)
    assert model.get_parameter("S4.weight").abs().max().item() <= 0.6


@pytest.mark.parametrize("size", [28, 32])
def test_it_takes_digits_with_or_without_their_margin(size: int) -> None:
    model = lenet5_1998(num_classes=7, in_channels=3, image_size=size)
    assert model(torch.randn(2, 3, size, size)).shape == (2, 7)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"takes images of 32×32 or 28×28 pixels; got 30×30: use lenet5"):
        lenet5_1998(image_size=30)

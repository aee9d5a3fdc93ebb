"""What pictures of curvature show."""

import pytest
import torch
from curvature_cases import BY_NAME
from matplotlib.figure import Figure

from shinso.lens.curvature import (
    LossPlane,
    LossSlice,
    PrincipalPlane,
    compare_rescalings,
    draw_loss_plane,
    draw_loss_slices,
    draw_rescalings,
    draw_spectral_density,
    hessian,
    spectral_density,
)


def labels_of(axes: object) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_density_shows_the_shares_below_and_above_zero() -> None:
    density = spectral_density(hessian(BY_NAME["perceptron"].probe()), products=20)
    figure = Figure()
    draw_spectral_density(density, figure)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert axes.get_title("left").startswith("Where the 38 eigenvalues lie\n2 × 20 Lanczos steps")
    negative = 100 * density.share_below(-density.width)
    assert f"negative: downhill ({negative:.3g} %)" in labels_of(axes)


def test_slices_are_curves_by_name() -> None:
    at = torch.linspace(-1, 1, 5).double()
    figure = Figure()
    draw_loss_slices({"one": LossSlice(at, at.square() + 1), "two": LossSlice(at, at.abs() + 0.001)}, figure)
    (axes,) = figure.axes
    assert labels_of(axes) == ["one", "two"]
    assert axes.lines[0].get_ydata().tolist() == [2.0, 1.25, 1.0, 1.25, 2.0]
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "loss on the batch (log)"


@pytest.mark.parametrize("heights", [1.0, 1e4, 0.0])
def test_planes_are_a_surface_and_contours(heights: float) -> None:
    at = torch.linspace(-1, 1, 7).double()
    losses = heights * (at[:, None] ** 2 + at[None, :] ** 2) + 0.5
    losses[0, 0] = float("nan")
    way = torch.tensor([[1.0, 1.0], [0.5, 0.2], [0.0, 0.0]]).double()
    figure = Figure(layout="constrained")
    draw_loss_plane(LossPlane(at, at, losses), figure, PrincipalPlane({}, {}, way, (0.7, 0.2)))
    figure.draw_without_rendering()
    surface, above, bar = figure.axes
    assert surface.name == "3d"
    assert above.get_xlabel() == "1st principal direction (70 % of the way)"
    assert labels_of(above) == ["training's way, projected", "start", "the model"]
    assert bar.get_ylabel() == ("log₁₀ of the loss" if heights == 1e4 else "loss")


def test_a_plane_without_finite_losses_is_refused() -> None:
    at = torch.zeros(2).double()
    with pytest.raises(ValueError, match="no loss on the plane is finite"):
        draw_loss_plane(LossPlane(at, at, torch.full((2, 2), float("inf")).double()), Figure())


def test_rescalings_are_relative_to_the_factor_nearest_to_one() -> None:
    found = compare_rescalings(BY_NAME["rectified"].probe(30), "0", "2", (0.2, 1.1, 5.0))
    figure = Figure()
    draw_rescalings(found, figure)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "sharpness, relative to that at 1.1"
    curves = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert curves["filter-normalised sharpness"].tolist() == pytest.approx([1, 1, 1])
    assert curves["largest eigenvalue"][0] == pytest.approx(float(found.top_eigenvalues[0] / found.top_eigenvalues[1]))

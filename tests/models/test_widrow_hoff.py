"""The delta rule against NumPy's least squares, its limit of stability and steps worked by hand."""

import numpy as np
import pytest
import torch

from shinso.models._widrow_hoff import largest_learning_rate, least_squares, widrow_hoff
from shinso.models._xor import xor_points


def regression() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    return x, x @ rng.normal(size=(3, 2)) + 1 + 0.3 * rng.normal(size=(60, 2))


def test_least_squares_is_numpys() -> None:
    x, y = regression()
    expected = np.linalg.lstsq(np.hstack([x, np.ones((60, 1))]), y, rcond=None)[0]
    layer = least_squares(x, y)
    np.testing.assert_allclose(layer.weight.detach().numpy(), expected[:3].T, atol=1e-12)
    np.testing.assert_allclose(layer.bias.detach().numpy(), expected[3], atol=1e-12)


def test_dependent_features_get_the_solution_of_least_norm() -> None:
    x, y = regression()
    x = np.hstack([x, x[:, :1]])
    expected = np.linalg.lstsq(np.hstack([x, np.ones((60, 1))]), y, rcond=None)[0]
    np.testing.assert_allclose(least_squares(x, y).weight.detach().numpy(), expected[:4].T, atol=1e-10)


@pytest.mark.parametrize("shuffled", [False, True])
def test_it_comes_nearer_to_least_squares_the_smaller_the_rate(shuffled: bool) -> None:
    x, y = regression()
    expected = least_squares(x, y).weight.detach()
    distances = []
    for rate, epochs in ((0.1, 50), (0.01, 300), (0.001, 1500)):
        generator = torch.Generator().manual_seed(0) if shuffled else None
        fit = widrow_hoff(x, y, learning_rate=rate, epochs=epochs, generator=generator)
        distances.append(float((fit.layer.weight.detach() - expected).norm()))
        assert fit.errors[-1] >= fit.least_error - 1e-12
    assert distances[0] > 3 * distances[1] > 9 * distances[2]
    assert distances[2] < 2e-3
    assert fit.errors[-1] == pytest.approx(fit.least_error, rel=1e-3)
    assert len(fit.errors) == 1501
    assert fit.errors[0] == pytest.approx(float(np.square(y).mean()))


def test_steps_are_those_worked_by_hand() -> None:
    # From 0: error 4 at (1, 1): w = 0.1·4·(1, 1) = (0.4, 0.4). Error 1 − 1.2 = −0.2 at (2, 1): w = (0.36, 0.38).
    fit = widrow_hoff(np.array([[1.0], [2.0]]), np.array([[4.0], [1.0]]), learning_rate=0.1, epochs=1)
    assert fit.layer.weight.item() == pytest.approx(0.36)
    assert fit.layer.bias.item() == pytest.approx(0.38)
    assert fit.errors == pytest.approx((8.5, ((4 - 0.74) ** 2 + (1 - 1.1) ** 2) / 2))


def test_the_limit_is_two_over_the_greatest_eigenvalue_and_rules_the_mean_step() -> None:
    x, _ = regression()
    augmented = np.hstack([x, np.ones((60, 1))])
    moment = augmented.T @ augmented / 60
    limit = largest_learning_rate(x)
    assert limit == pytest.approx(2 / np.linalg.eigvalsh(moment).max())
    for rate, grows in ((0.99 * limit, False), (1.01 * limit, True)):
        assert (np.abs(np.linalg.eigvals(np.eye(4) - rate * moment)).max() > 1) == grows


def test_above_the_limit_it_diverges_and_says_why() -> None:
    x, y = regression()
    limit = largest_learning_rate(x)
    with pytest.raises(
        ValueError, match=rf"diverged in epoch \d+ with learning rate .* 2/λ_max = {limit:.3g}, and not"
    ):
        widrow_hoff(x, y, learning_rate=1.05 * limit)
    # One constant feature of norm 1 each: the limit of the mean is that of every step, 2 / (1 + 1).
    ones, two = np.ones((3, 1)), np.ones((3, 1))
    assert largest_learning_rate(ones) == pytest.approx(1)
    assert widrow_hoff(ones, two, learning_rate=0.95).errors[-1] < 1e-9
    with pytest.raises(ValueError, match="take a smaller rate"):
        widrow_hoff(ones, two, learning_rate=1.05)


def test_on_xor_it_learns_to_say_one_half() -> None:
    x, y = xor_points()
    fit = widrow_hoff(x, y, learning_rate=0.002, epochs=5000)
    assert fit.least_error == pytest.approx(0.25)
    assert fit.errors[-1] == pytest.approx(0.25, abs=1e-3)
    torch.testing.assert_close(fit.layer(x).detach(), torch.full((4, 1), 0.5), atol=0.01, rtol=0)


def test_impossible_requests_are_refused() -> None:
    x, y = torch.ones(2, 1), torch.ones(2, 1)
    with pytest.raises(ValueError, match=r"learning_rate > 0 and epochs >= 1; got -1 and 100"):
        widrow_hoff(x, y, learning_rate=-1)
    with pytest.raises(ValueError, match="each of the 2 examples needs finite targets"):
        least_squares(x, y / 0)
    with pytest.raises(ValueError, match=r"got \(3, 1\)"):
        least_squares(x, torch.ones(3, 1))


def test_one_output_needs_no_second_dimension() -> None:
    x, y = regression()
    torch.testing.assert_close(least_squares(x, y[:, 0]).weight, least_squares(x, y[:, :1]).weight)

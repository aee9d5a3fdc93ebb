"""The curves of the catalogue."""

import torch

from shinso.nn.activations import DERIVATIVES, PARTS, Maxout, Probout, RadialBasis, activation_curves

X = torch.linspace(-3, 3, 61, dtype=torch.float64)


def test_every_activation_of_the_catalogue_has_a_curve_and_a_closed_form() -> None:
    assert set(activation_curves(X)) == set(PARTS) == set(DERIVATIVES)


def test_derivatives_of_the_curves_are_the_closed_forms() -> None:
    for name, curve in activation_curves(X).items():
        assert torch.equal(curve.x, X)
        torch.testing.assert_close(
            curve.derivative, DERIVATIVES[name](X), msg=lambda text, name=name: f"{name}: {text}"
        )


def test_values_of_the_curves_are_those_of_the_modules_in_evaluation() -> None:
    curves = activation_curves(X)
    for name in set(PARTS) - {"radial_basis", "maxout", "probout", "softmax"}:
        torch.testing.assert_close(curves[name].value, PARTS[name].make().double().eval()(X))
    both = torch.stack([X, -X], dim=1)
    torch.testing.assert_close(curves["maxout"].value, Maxout(2)(both)[:, 0])
    torch.testing.assert_close(curves["probout"].value, Probout(2).eval()(both)[:, 0])
    torch.testing.assert_close(curves["softmax"].value, 1 / (1 + (-X).exp()))
    unit = RadialBasis(1, 1, width=1.0).double()
    unit.centers.data.zero_()
    torch.testing.assert_close(curves["radial_basis"].value, unit(X[:, None])[:, 0])


def test_curves_hold_no_graph() -> None:
    for curve in activation_curves(X.clone().requires_grad_()).values():
        assert not curve.value.requires_grad
        assert not curve.derivative.requires_grad

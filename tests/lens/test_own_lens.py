"""A lens that a user writes: three members and nothing to inherit from; and what is said when it goes wrong."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD

import shinso
from shinso.lens import GradientFlow, Need, Reading, Step, Watch


class WeightNorm:
    """Reads the norm of all weights after each step, and the largest weight of each tensor."""

    name = "weight_norm"
    needs = frozenset({Need.PARAMETERS_AFTER})

    def read(self, step: Step) -> dict[str, Reading]:
        weights = step.parameters_after
        largest = torch.stack([weight.abs().max() for weight in weights.values()])
        whole = torch.stack([weight.square().sum() for weight in weights.values()]).sum().sqrt()
        return {"weight_norm": Reading(whole), "largest_weight": Reading(largest, tuple(weights))}


def one_step(lens: Any, dtype: torch.dtype = torch.float32) -> tuple[Watch, nn.Module]:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(dtype)
    optimizer = SGD(model.parameters(), lr=0.1)
    with shinso.watch(model, optimizer, [lens]) as watch, watch.step(torch.ones(5, 3)):
        model(torch.ones(5, 3, dtype=dtype)).sum().backward()
        optimizer.step()
    return watch, model


def test_three_members_make_a_lens() -> None:
    watch, model = one_step(WeightNorm())
    weights = [parameter.detach().double().numpy() for parameter in model.parameters()]
    norm = np.linalg.norm(np.concatenate([weight.ravel() for weight in weights]))
    np.testing.assert_allclose(watch.readings("weight_norm").values, [norm], rtol=1e-6)
    largest = watch.readings("largest_weight")
    np.testing.assert_allclose(largest.values, [[np.abs(weight).max() for weight in weights]], rtol=1e-6)
    assert largest.labels == ("0.weight", "0.bias", "2.weight", "2.bias")


def test_readings_of_every_type_of_number_are_kept() -> None:
    class Numbers:
        name = "numbers"
        needs: frozenset[Need] = frozenset()

        def read(self, step: Step) -> dict[str, Reading]:
            return {"inputs": Reading(step.inputs), "half": Reading(torch.tensor([1.5, 2.5], dtype=torch.bfloat16))}

    watch = one_step(Numbers(), torch.bfloat16)[0]
    assert watch.readings("half").values.tolist() == [[1.5, 2.5]]
    assert watch.readings("inputs").values.shape == (1, 5, 3)


def test_only_bfloat16_readings_are_kept() -> None:
    class Half:
        name = "half"
        needs = frozenset({Need.PARAMETERS_AFTER})

        def read(self, step: Step) -> dict[str, Reading]:
            return {"bias": Reading(step.parameters_after["2.bias"])}

    watch, model = one_step(Half(), torch.bfloat16)
    assert watch.readings("bias").values.tolist() == [model[2].bias.tolist()]


def test_activations_are_as_they_were_when_the_layer_ran() -> None:
    class Outputs:
        name = "outputs"
        needs = frozenset({Need.ACTIVATIONS})

        def read(self, step: Step) -> dict[str, Reading]:
            return {layer: Reading(outputs[0]) for layer, outputs in step.activations.items()}

    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True))
    inputs = torch.randn(5, 3)
    with shinso.watch(model, None, [Outputs()]) as watch, watch.step():
        model(inputs)
    before = model[0](inputs).detach().numpy()
    np.testing.assert_array_equal(watch.readings("0").values[0], before)
    np.testing.assert_array_equal(watch.readings("1").values[0], before.clip(0))


class Raising(GradientFlow):
    """Finds fault with the gradients."""

    def read(self, step: Step) -> Mapping[str, Reading]:
        raise ArithmeticError("of the lens")


def test_an_error_in_a_lens_is_told_and_leaves_no_hook_behind() -> None:
    model = nn.Linear(2, 1)
    optimizer = SGD(model.parameters(), lr=0.1)
    watch = shinso.watch(model, optimizer, [Raising()], every=2)
    for fails in (True, False):
        optimizer.zero_grad()
        with watch.step():
            model(torch.ones(1, 2)).sum().backward()
            if fails:
                with pytest.raises(ArithmeticError, match="of the lens") as raised:
                    optimizer.step()
                assert raised.value.__notes__ == ["raised by the lens 'gradient_flow' at step 1"]
            else:
                optimizer.step()
    assert not optimizer._optimizer_step_pre_hooks
    assert not model._forward_hooks


class Returning:
    """Returns what it was made with."""

    name = "returning"
    needs: frozenset[Need] = frozenset()

    def __init__(self, reading: Any) -> None:
        self.reading = reading

    def read(self, step: Step) -> dict[str, Any]:
        return {"mine": self.reading}


def test_what_is_no_reading_is_refused() -> None:
    with pytest.raises(TypeError, match=r"the lens 'returning' read 'mine' as a float: return it as Reading\(tensor\)"):
        one_step(Returning(1.0))
    with pytest.raises(ValueError, match=r"read 'mine' of shape \(3,\) with 2 labels: the first axis needs one label"):
        one_step(Returning(Reading(torch.zeros(3), ("a", "b"))))


def test_what_is_no_lens_is_refused() -> None:
    class Nameless:
        needs = frozenset({Need.GRADIENTS})

    with pytest.raises(TypeError, match=r"a lens has the members name, needs and read; .*Nameless.* lacks name, read"):
        one_step(Nameless())

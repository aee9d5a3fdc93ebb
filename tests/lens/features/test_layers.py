"""Filters, feature maps, telling examples and neighbours against the layers run one by one, and scikit-learn."""

import numpy as np
import pytest
import torch
from feature_cases import convolutional, images, state_of
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens.features import feature_maps, first_filters, most_activating, nearest_examples


def up_to(model: nn.Sequential, layer: int, inputs: Tensor) -> Tensor:
    """The output of one layer, computed out of place."""
    with torch.no_grad():
        for part in model.eval()[: layer + 1]:
            inputs = F.relu(inputs) if isinstance(part, nn.ReLU) else part(inputs)
    return inputs


def test_filters_are_copies_of_the_first_weights() -> None:
    model = convolutional()
    filters = first_filters(model)
    assert torch.equal(filters, model[0].weight)
    filters.zero_()
    assert model[0].weight.abs().sum() > 0
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(12, 5))
    assert torch.equal(first_filters(perceptron, (3, 2, 2)).flatten(1), perceptron[1].weight)


def test_a_model_without_such_filters_says_so() -> None:
    with pytest.raises(
        ValueError, match="Linear has no two-dimensional convolution; for a linear layer on images give"
    ):
        first_filters(nn.Linear(3, 2))
    with pytest.raises(ValueError, match=r"no linear layer with the 48 inputs of images of shape \(3, 4, 4\)"):
        first_filters(nn.Linear(3, 2), (3, 4, 4))


def test_feature_maps_are_what_layers_give_before_it_is_overwritten() -> None:
    model, inputs = convolutional(), images()
    before = state_of(model)
    maps = feature_maps(model, inputs)
    assert state_of(model) == before
    assert list(maps) == ["0", "3"]
    every = feature_maps(model, inputs, [str(place) for place in range(9)])
    for place in range(9):
        torch.testing.assert_close(every[str(place)], up_to(model, place, inputs))
    torch.testing.assert_close(maps["3"], every["3"])


def test_layers_that_return_more_than_a_tensor_show_the_first() -> None:
    lstm = nn.LSTM(3, 2)
    model, inputs = nn.Sequential(lstm), torch.randn(4, 5, 3)
    torch.testing.assert_close(feature_maps(model, inputs, ["0"])["0"], lstm(inputs)[0].detach())


def test_a_layer_that_cannot_be_shown_is_named() -> None:
    model = convolutional()
    with pytest.raises(ValueError, match="'head' is no layer of Sequential; expected one of: 0, 1, 2"):
        feature_maps(model, images(), ["head"])
    with pytest.raises(ValueError, match=r"Linear has no convolution: name the layers to be shown"):
        feature_maps(nn.Linear(2, 2), torch.ones(1, 2))

    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.used(inputs)

    with pytest.raises(ValueError, match="the layer 'unused' was not called when the model ran"):
        feature_maps(Unused(), torch.ones(1, 2), ["unused"])


@pytest.mark.parametrize("layer", [3, 4, 6, 8])
def test_the_most_activating_examples_are_those_of_a_full_sort(layer: int) -> None:
    model, inputs = convolutional(), images(11)
    before = state_of(model)
    found = most_activating(model, inputs.split([4, 4, 3]), str(layer), count=5)
    assert state_of(model) == before
    output = up_to(model, layer, inputs).numpy()
    strongest = output.reshape(11, output.shape[1], -1).max(2)
    order = np.argsort(-strongest, axis=0, kind="stable")[:5]
    np.testing.assert_array_equal(found.examples.numpy(), order.T)
    np.testing.assert_allclose(found.activations.numpy(), np.take_along_axis(strongest, order, 0).T)
    for unit, examples in enumerate(found.examples.tolist()):
        for rank, example in enumerate(examples):
            place = tuple(found.positions[unit, rank].tolist())
            assert output[(example, unit, *place)] == found.activations[unit, rank]


def test_units_of_tokens_are_on_the_last_axis() -> None:
    model, inputs = nn.Sequential(nn.Linear(3, 4)).double(), torch.randn(6, 5, 3).double()
    found = most_activating(model, [inputs], "0", count=2)
    expected = model(inputs).max(1).values.topk(2, dim=0)
    torch.testing.assert_close(found.activations, expected.values.T.detach())
    assert torch.equal(found.examples, expected.indices.T)


def test_fewer_examples_than_wanted() -> None:
    assert most_activating(convolutional(), [images(2)], "8", count=9).examples.shape == (3, 2)
    assert nearest_examples(convolutional(), images(3), [images(2)], "8", count=9).examples.shape == (3, 2)


def test_the_nearest_examples_are_those_of_scikit_learn() -> None:
    model, inputs, queries = convolutional(), images(12), images(3, seed=2)
    queries[1] = inputs[7]
    before = state_of(model)
    found = nearest_examples(model, queries, inputs.split(5), "6", count=4)
    assert state_of(model) == before
    features, wanted = up_to(model, 6, inputs).numpy(), up_to(model, 6, queries).numpy()
    distances, examples = NearestNeighbors(n_neighbors=4).fit(features).kneighbors(wanted)
    np.testing.assert_array_equal(found.examples.numpy(), examples)
    np.testing.assert_allclose(found.distances.numpy(), distances, atol=1e-12)
    assert found.examples[1, 0] == 7
    assert found.distances[1, 0] == 0


def test_near_neighbours_far_from_zero_are_told_apart() -> None:
    inputs = 1000 + torch.arange(30.0).view(30, 1).expand(30, 4) / 64
    model = nn.Sequential(nn.Identity())
    found = nearest_examples(model, inputs[10:11], [inputs], "0", count=3)
    assert found.distances.tolist() == [[0, 1 / 32, 1 / 32]]
    assert found.examples.tolist() == [[10, 9, 11]]


def test_nothing_to_look_in_is_said() -> None:
    model = convolutional()
    with pytest.raises(ValueError, match="there are no batches to look for the most activating examples in"):
        most_activating(model, [], "8")
    with pytest.raises(ValueError, match="there are no batches to look for neighbours in"):
        nearest_examples(model, images(), [], "8")
    with pytest.raises(ValueError, match="at least 1; got 0"):
        most_activating(model, [images()], "8", count=0)
    with pytest.raises(ValueError, match="at least 1; got 0"):
        nearest_examples(model, images(), [images()], "8", count=0)


def test_the_nearest_examples_of_a_network_in_half_precision() -> None:
    inputs = torch.randn(7, 3, 6, 6, generator=torch.Generator().manual_seed(0)).bfloat16()
    model = convolutional().bfloat16().eval()
    found = nearest_examples(model, inputs[:2], [inputs], "6", count=3)
    features = up_to(model, 6, inputs).float()
    expected = (features[:2, None] - features[None]).norm(dim=2).sort(dim=1).values[:, :3]
    torch.testing.assert_close(found.distances, expected)

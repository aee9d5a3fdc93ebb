"""However the step is written; and what cannot be told apart is said."""

from collections.abc import Callable

import pytest
import torch
from per_sample_cases import every_layer, normal, one_at_a_time
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations
from torch.overrides import wrap_torch_function
from torch.utils.checkpoint import checkpoint

from shinso.lens import Need, Probe, Reading, Step, inspect, watch
from shinso.lens.per_sample import per_sample, per_sample_of


class Keeps:
    """Keeps what it saw of the examples' gradients."""

    name = "keeps"
    needs = frozenset({Need.EXAMPLE_SUMS})

    def __init__(self) -> None:
        self.seen: list[tuple[tuple[str, ...], Tensor, Tensor, dict[str, str]]] = []
        self.means: list[Tensor] = []
        self.let_go = False

    def read(self, step: Step) -> dict[str, Reading]:
        self.let_go = all(call.args == () and not call.gradients for call in step.calls.passes[-1].calls)
        found = step.once(per_sample_of)
        self.means.append(found.squared_mean_norms)
        assert found is step.once(per_sample_of)
        self.seen.append((found.parameters, found.squared_norms, found.products, found.why_not_seen()))
        return {}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 2)).double()


INPUTS, TARGETS = normal(6, 3), normal(6, 2, seed=1)


def watched(body: Callable[[nn.Module, torch.optim.Optimizer], None], model: nn.Module | None = None) -> Keeps:
    model, lens = model or network(), Keeps()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    with watch(model, optimizer, [lens], every=1) as watching, watching.step():
        body(model, optimizer)
    return lens


def assert_same_as_one_at_a_time(lens: Keeps, in_parts: bool = False) -> None:
    expected = one_at_a_time(network(), F.mse_loss, INPUTS, TARGETS)
    names, squares, products, unseen = lens.seen[0]
    assert unseen == {}
    assert names == tuple(expected)
    for name, square, product in zip(names, squares, products, strict=True):
        flat = expected[name].flatten(1)
        torch.testing.assert_close(square, flat.square().sum(1))
        if not in_parts:
            torch.testing.assert_close(product, flat @ flat.mean(0))
    assert products.isnan().all() == in_parts
    means = [expected[name].mean(0).square().sum() for name in names]
    torch.testing.assert_close(lens.means[0], torch.stack(means))


def plain(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    F.mse_loss(model(INPUTS), TARGETS).backward()
    optimizer.step()


def clipped(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    F.mse_loss(model(INPUTS), TARGETS).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
    optimizer.step()


def after_older_gradients(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    plain(model, optimizer)


def accumulated(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    for part in (slice(0, 2), slice(2, 4), slice(4, 6)):
        (F.mse_loss(model(INPUTS[part]), TARGETS[part]) / 3).backward()
    optimizer.step()


def part_by_part(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    hidden = INPUTS
    for layer in model:
        hidden = layer(hidden)
    F.mse_loss(hidden, TARGETS).backward()
    optimizer.step()


def recomputed(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    F.mse_loss(checkpoint(model, INPUTS, use_reentrant=False), TARGETS).backward()
    optimizer.step()


def recomputed_within_the_backward_pass(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    inputs = INPUTS.clone().requires_grad_()
    F.mse_loss(checkpoint(model, inputs, use_reentrant=True), TARGETS).backward()
    optimizer.step()


def with_closure(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(model(INPUTS), TARGETS)
        loss.backward()
        return loss

    optimizer.step(closure)


def without_update(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    F.mse_loss(model(INPUTS), TARGETS).backward()


def evaluated(model: nn.Module) -> None:
    model.eval()
    with torch.no_grad():
        model(normal(9, 3, seed=7))
    model.train()


def after_an_evaluation(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    evaluated(model)
    plain(model, optimizer)


def with_an_evaluation_before_the_update(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    F.mse_loss(model(INPUTS), TARGETS).backward()
    evaluated(model)
    optimizer.step()


BODIES = (
    plain, after_an_evaluation, with_an_evaluation_before_the_update,
    clipped, after_older_gradients, accumulated, part_by_part, recomputed,
    recomputed_within_the_backward_pass, with_closure, without_update,
)  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_however_the_step_is_written(body: Callable[[nn.Module, torch.optim.Optimizer], None]) -> None:
    assert_same_as_one_at_a_time(watched(body), in_parts=body is accumulated)


def test_layers_are_let_go_during_the_backward_pass() -> None:
    assert watched(plain).let_go


def test_two_backward_passes_through_one_forward_pass_are_not_told_apart() -> None:
    def body(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        loss = F.mse_loss(model(INPUTS), TARGETS)
        (loss / 4).backward(retain_graph=True)
        (loss * 3 / 4).backward()
        optimizer.step()

    names, squares, _, unseen = watched(body).seen[0]
    assert squares.isnan().all()
    assert set(unseen) == set(names)
    assert all("two backward passes went through one forward pass" in reason for reason in unseen.values())


def test_what_is_used_outside_of_layers_or_several_times_is_seen_in_training_too() -> None:
    for name in ("parameters of their own", "tied", "weight norm", "LSTM", "attention"):
        model, inputs = every_layer()[name]
        targets = normal(*model(inputs).shape, seed=9)
        expected = one_at_a_time(model, F.mse_loss, inputs, targets)
        lens = Keeps()
        inspect(model, F.mse_loss, inputs, targets, [lens])
        names, squares, products, unseen = lens.seen[0]
        assert unseen == {}
        assert set(names) == set(expected)
        for parameter, square, product in zip(names, squares, products, strict=True):
            flat = expected[parameter].flatten(1)
            torch.testing.assert_close(square, flat.square().sum(1))
            torch.testing.assert_close(product, flat @ flat.mean(0))


def test_of_a_closure_that_is_called_again_the_first_evaluation_is_read() -> None:
    model, lens = network(), Keeps()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(model(INPUTS), TARGETS)
        loss.backward()
        return loss

    with watch(model, optimizer, [lens], every=1) as watching, watching.step():
        optimizer.step(closure)
    assert_same_as_one_at_a_time(lens)


def test_frozen_parameters_are_left_out() -> None:
    model = network()
    model[2].weight.requires_grad_(False)
    lens = watched(plain, model)
    assert lens.seen[0][0] == ("0.weight", "0.bias", "2.bias", "4.weight", "4.bias")
    assert lens.seen[0][3] == {}


def test_dropout_is_that_of_the_step() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5, batch_first=True).double()
    inputs, targets = normal(6, 3, 4), normal(6, 3, 4)
    found = per_sample(Probe(layer, F.mse_loss, inputs, targets))
    assert found.why_not_seen() == {}
    for name in found.parameters:
        torch.testing.assert_close(found.gradients(name).mean(0), found.mean[name])


def test_through_batch_norm_contributions_average_to_the_gradient_of_the_batch() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2)).double()
    inputs, targets = normal(6, 2, 4, 4), normal(6, 2)
    found = per_sample(Probe(model, F.mse_loss, inputs, targets))
    assert found.why_not_seen() == {}
    for name in found.parameters:
        torch.testing.assert_close(found.gradients(name).mean(0), found.mean[name])
    # The scale of the normalisation: x̂ by hand, and the gradient of its output.
    hidden = model[0](inputs).detach()
    mean, variance = hidden.mean((0, 2, 3), keepdim=True), hidden.var((0, 2, 3), correction=0, keepdim=True)
    normalized = (hidden - mean) / (variance + 1e-5).sqrt()
    output = (normalized * model[1].weight[:, None, None] + model[1].bias[:, None, None]).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(F.mse_loss(model[2:](output), targets), output)
    torch.testing.assert_close(found.gradients("1.weight"), 6 * (gradient * normalized).sum((2, 3)))


class Doubled(torch.autograd.Function):
    """A function of a parameter that torch functions know nothing of."""

    @staticmethod
    def forward(ctx: object, inputs: Tensor, weight: Tensor) -> Tensor:
        return inputs * 2 * weight

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return gradient, gradient.sum(0)


class OwnFunction(nn.Module):
    """A layer of the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.weight = nn.Linear(3, 2).double(), nn.Parameter(normal(2))

    def forward(self, inputs: Tensor) -> Tensor:
        return Doubled.apply(self.layer(inputs), self.weight)


class UsedElsewhereToo(OwnFunction):
    """Uses the bias of its layer where nobody sees."""

    def forward(self, inputs: Tensor) -> Tensor:
        return Doubled.apply(self.layer(inputs), self.layer.bias)


def test_what_is_seen_in_part_is_not_taken_for_the_whole() -> None:
    for found in (
        per_sample(Probe(UsedElsewhereToo(), F.mse_loss, INPUTS, TARGETS)).why_not_seen(),
        watched(plain, UsedElsewhereToo()).seen[0][3],
    ):
        assert list(found) == ["layer.bias"]
        assert "do not add up to its gradient" in found["layer.bias"]


def test_what_nobody_sees_is_said() -> None:
    found = per_sample(Probe(OwnFunction(), F.mse_loss, INPUTS, TARGETS))
    assert list(found.why_not_seen()) == ["weight"]
    assert "do not add up to its gradient" in found.why_not_seen()["weight"]
    assert found.squared_norms[found.parameters.index("weight")].isnan().all()
    assert not found.squared_norms[found.parameters.index("layer.weight")].isnan().any()
    with pytest.raises(KeyError, match="not at hand for 'weight'"):
        found.gradients("weight")


UNSEEN = {
    "dropout between recurrent layers": (nn.LSTM(3, 2, 2, dropout=0.5, batch_first=True), "use dropout=0"),
    "a table divided by counts": (nn.Embedding(9, 2, scale_grad_by_freq=True), "counts of the whole batch"),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_why_gradients_are_not_seen(name: str) -> None:
    layer, reason = UNSEEN[name]

    def loss(outputs: Tensor | tuple[Tensor, ...], targets: Tensor) -> Tensor:
        return (outputs[0] if isinstance(outputs, tuple) else outputs).square().mean()

    inputs = torch.randint(9, (4, 5)) if isinstance(layer, nn.Embedding) else torch.randn(4, 5, 3)
    reasons = per_sample(Probe(layer, loss, inputs, torch.zeros(4))).why_not_seen()
    assert set(reasons) == {n for n, _ in layer.named_parameters()}
    assert all(reason in given for given in reasons.values())


def test_packed_sequences_are_not_seen() -> None:
    layer = nn.GRU(2, 3)
    packed = nn.utils.rnn.pack_sequence([torch.ones(3, 2), torch.ones(1, 2)])
    found = per_sample(Probe(layer, lambda outputs, _: outputs[0].data.mean(), [packed], None))
    assert all("packed sequences" in reason for reason in found.why_not_seen().values())


class Scalar(nn.Module):
    """Works on a single number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, number: Tensor) -> Tensor:
        return number * self.weight


def test_a_batch_without_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="need a batch: a tensor whose first axis"):
        per_sample(Probe(Scalar(), lambda outputs, _: outputs, torch.ones(()), None))


def test_no_gradient_is_said() -> None:
    lens = Keeps()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watching = watch(model, optimizer, [lens], every=1)
    with pytest.raises(ValueError, match="no parameter received a gradient"), watching.step():
        model(INPUTS)


def test_in_half_precision_norms_are_those_of_single_precision() -> None:
    model = network().float()
    inputs, targets = INPUTS.float(), TARGETS.float()
    lens = Keeps()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, [lens], every=1) as watching, watching.step():
        with torch.autocast("cpu", torch.bfloat16):
            outputs = model(inputs)
        F.mse_loss(outputs.float(), targets).backward()
        optimizer.step()
    exact = per_sample(Probe(network().float(), F.mse_loss, inputs, targets))
    assert lens.seen[0][1].dtype == torch.float32
    torch.testing.assert_close(lens.seen[0][1], exact.squared_norms, rtol=0.1, atol=1e-3)


class Mixes(nn.Module):
    """Under autocast what goes into its second layer is in half precision, and the weights there are not."""

    def __init__(self, layer: nn.Module | None) -> None:
        super().__init__()
        self.first, self.layer = nn.Linear(3, 4), layer
        self.matrix = nn.Parameter(normal(4, 4).float())

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.first(inputs) @ self.matrix
        if isinstance(self.layer, nn.MultiheadAttention):
            return self.layer(hidden, hidden, hidden, need_weights=False)[0]
        outputs = hidden if self.layer is None else self.layer(hidden)
        return outputs[0] if isinstance(outputs, tuple) else outputs


MIXED: dict[str, Callable[[], nn.Module]] = {
    "LSTM": lambda: nn.LSTM(4, 4, batch_first=True),
    "GRU": lambda: nn.GRU(4, 4, batch_first=True),
    "attention": lambda: nn.MultiheadAttention(4, 2, batch_first=True),
    "PReLU": lambda: nn.PReLU(),
    "weight norm": lambda: parametrizations.weight_norm(nn.Linear(4, 4)),
}


@pytest.mark.parametrize("half_throughout", [False, True])
@pytest.mark.parametrize("name", MIXED)
def test_layers_that_are_run_again_are_seen_in_half_precision(name: str, half_throughout: bool) -> None:
    torch.manual_seed(0)
    model = Mixes(MIXED[name]())
    inputs, targets = normal(6, 5, 3).float(), normal(6, 5, 4).float()
    exact = per_sample(Probe(model, F.mse_loss, inputs, targets))
    model, inputs = (model.bfloat16(), inputs.bfloat16()) if half_throughout else (model, inputs)
    lens = Keeps()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, [lens], every=1) as watching, watching.step():
        with torch.autocast("cpu", torch.bfloat16, enabled=not half_throughout):
            outputs = model(inputs)
        F.mse_loss(outputs.float(), targets).backward()
        optimizer.step()
    names, squares, _, unseen = lens.seen[0]
    assert unseen == {}
    assert names == exact.parameters
    torch.testing.assert_close(squares.sum(1), exact.squared_norms.sum(1), rtol=0.1, atol=1e-3)


def test_attention_whose_weights_are_in_the_loss_is_not_seen() -> None:
    layer = nn.MultiheadAttention(4, 2, batch_first=True)

    def loss(outputs: Tensor, targets: None) -> Tensor:
        return outputs[1].square().mean()

    inputs = torch.randn(6, 3, 4)
    found = per_sample(Probe(layer, loss, (inputs, inputs, inputs), None)).why_not_seen()
    assert set(found) == {"in_proj_weight", "in_proj_bias"}
    assert all("weights of an attention layer, which it also returned" in reason for reason in found.values())


def test_a_function_that_cannot_be_run_again_is_said() -> None:
    class Once(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(2))

        def forward(self, inputs: Tensor) -> Tensor:
            return once(inputs, self.scale)

    times = []

    @wrap_torch_function(lambda inputs, scale: (inputs, scale))
    def once(inputs: Tensor, scale: Tensor) -> Tensor:
        times.append(1)
        if len(times) > 1:
            raise RuntimeError("only once")
        return inputs * scale

    found = per_sample(Probe(Once(), F.mse_loss, torch.randn(3, 2), torch.randn(3, 2))).why_not_seen()
    assert found == {"scale": "once could not be run again: only once"}


def test_a_dictionary_of_inputs() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2).double()

        def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
            return {"sum": self.layer(left) + self.layer(right)}

    model = Named()
    other = normal(6, 3, seed=5)
    found = per_sample(Probe(model, lambda o, t: F.mse_loss(o["sum"], t), {"left": INPUTS, "right": other}, TARGETS))
    residual = (model.layer(INPUTS) + model.layer(other) - TARGETS).detach()
    torch.testing.assert_close(found.gradients("layer.weight"), residual[:, :, None] * (INPUTS + other)[:, None])

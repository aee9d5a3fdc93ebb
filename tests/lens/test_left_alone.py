"""What a training loop does besides plain steps goes on as if nobody looked."""

import copy
import gc
import io
import weakref
from pathlib import Path

import pytest
import torch
from lens_cases import CASES, Case, cross_entropy
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD, Adam

import shinso
from shinso.lens import ActivationHealth, GradientFlow, Need, Reading, Step, UpdateRatio
from shinso.run import RunError


def hooks_on(model: nn.Module) -> int:
    """How many hooks there are on the modules of a model and on torch's functions."""
    kinds = [kind for kind in vars(nn.Module()) if "hooks" in kind]
    return sum(len(vars(m)[kind]) for m in model.modules() for kind in kinds) + torch._C._len_torch_function_stack()


class Greedy:
    """A lens that asks for everything, so that everything is held during the step."""

    name = "greedy"
    needs = frozenset(Need)

    def read(self, step: Step) -> dict[str, Reading]:
        return {"outputs": Reading(next(iter(step.activations.values()))[0].sum() + step.probe.loss())}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_tensor_of_the_graph_outlives_the_step(case: Case) -> None:
    model = case.build()
    optimizer = SGD(model.parameters(), lr=0.1)
    kept: list[weakref.ref[Tensor]] = []

    def remember(module: nn.Module, args: object, output: object) -> None:
        kept.extend(weakref.ref(tensor) for tensor in (output, *args) if isinstance(tensor, Tensor))

    for module in model.modules():
        module.register_forward_hook(remember)
    lenses = [GradientFlow(), ActivationHealth(), UpdateRatio(), Greedy()]
    watch = shinso.watch(model, optimizer, lenses, loss=F.cross_entropy)
    gc.collect()
    gc.disable()
    try:
        inputs = case.inputs()
        with watch.step(inputs, torch.zeros(len(inputs), dtype=torch.long)):
            loss = cross_entropy(model, inputs)
            kept.append(weakref.ref(loss))
            loss.backward()
            optimizer.step()
        del inputs, loss
        assert len(kept) >= 8
        assert [reference() for reference in kept] == [None] * len(kept)
    finally:
        gc.enable()


class Interrupted(nn.Module):
    """Is interrupted in the middle of its forward pass."""

    def forward(self, inputs: Tensor) -> Tensor:
        raise KeyboardInterrupt


def test_an_interrupted_forward_pass_leaves_no_hook_and_no_mode() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU(), Interrupted()))
    before = hooks_on(model)
    with pytest.raises(KeyboardInterrupt), shinso.watch(model).step():
        model(torch.ones(2, 3))
    assert hooks_on(model) == before


def fail(module: nn.Module, args: object) -> None:
    raise LookupError("from a hook of the user")


def test_a_hook_of_the_user_that_fails_is_told_as_it_is() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    model[1].register_forward_pre_hook(fail)
    before = hooks_on(model)
    with pytest.raises(LookupError, match="from a hook of the user"), shinso.watch(model).step():
        model(torch.ones(2, 3))
    assert hooks_on(model) == before


def test_a_copy_or_pickle_made_within_a_step_is_not_watched() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    saved = io.BytesIO()
    with shinso.watch(model, None, [ActivationHealth()]).step():
        copied = copy.deepcopy(model)
        torch.save(model, saved)
    loaded = torch.load(io.BytesIO(saved.getvalue()), weights_only=False)
    for other in (copied, loaded):
        assert torch.equal(other(torch.ones(2, 3)), model(torch.ones(2, 3)))
        left = [hook for module in other.modules() for hook in module._forward_hooks.values()]
        assert all(vars(hook)["_function"] is None for hook in left)


# Of torch.compile itself, which looks at all attributes of a tensor.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_functions_compiled_as_one_graph_stay_one() -> None:
    graphs: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> object:
        graphs.append(graph)
        return graph.forward

    class Inside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3)
            self.function = torch.compile(lambda hidden: F.relu(hidden) * 2, backend=backend, fullgraph=True)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.function(self.layer(inputs))

    @torch.compile(backend=backend, fullgraph=True)
    def whole(inputs: Tensor) -> Tensor:
        return plain(inputs)

    def operations(graph: torch.fx.GraphModule) -> list[str]:
        called = [node.target for node in graph.graph.nodes if node.op.startswith("call")]
        return [target if isinstance(target, str) else target.__name__ for target in called]

    inside, plain = Inside(), nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    inputs = torch.ones(2, 3)
    for function, watched in ((inside, inside), (whole, plain)):
        graphs.clear()
        with shinso.watch(watched).step():
            seen = function(inputs)
        alone = function(inputs)
        assert torch.equal(seen, alone)
        assert len(graphs) == 2, "the hooks are not there to change what is compiled"
        assert operations(graphs[0]) == operations(graphs[1])


class Frozen(nn.Module):
    """A trained head on an encoder that is not trained and takes torch's fused path."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1).requires_grad_(False).eval()
        self.head = nn.Linear(8, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.encoder(inputs))


def test_a_frozen_encoder_keeps_its_fused_path() -> None:
    torch.manual_seed(0)
    model, inputs = Frozen(), torch.randn(4, 5, 8)
    alone = model(inputs)
    with shinso.watch(model) as watch, watch.step():
        seen = model(inputs)
        seen.sum().backward()
    assert torch.equal(seen, alone)
    assert "gradient_norm" in watch.record.names()
    with pytest.raises(ValueError, match="needs activations, which a frozen TransformerEncoderLayer does not show"):
        shinso.watch(model, None, [ActivationHealth()])


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_scripted_part_is_left_closed() -> None:
    model = nn.Sequential(torch.jit.script(nn.Linear(3, 3)), nn.ReLU())
    with shinso.watch(model) as watch, watch.step():
        model(torch.ones(2, 3)).sum().backward()
    assert watch.record.names() == ("gradient_norm", "update_ratio")
    with pytest.raises(ValueError, match="'activation_health' needs activations, which a scripted model does not show"):
        shinso.watch(model, None, [ActivationHealth()])


def test_gradients_of_mixed_precision_are_read_without_their_scale() -> None:
    for fused in (False, True):
        layer = nn.Linear(1, 1, bias=False)
        optimizer = Adam(layer.parameters(), fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        with shinso.watch(layer, optimizer, [GradientFlow()]) as watch, watch.step():
            scaler.scale(layer(torch.full((1, 1), 3.0)).sum()).backward()
            scaler.unscale_(optimizer) if not fused else None
            scaler.step(optimizer)
        assert watch.readings("gradient_norm").values.tolist() == [[3.0]]


def test_parameters_that_are_no_real_numbers() -> None:
    model = nn.Linear(2, 1, bias=False)
    model.register_parameter("codes", nn.Parameter(torch.ones(3, dtype=torch.int8), requires_grad=False))
    model.register_parameter("phases", nn.Parameter(torch.tensor([3 + 4j, 0j])))
    optimizer = SGD([model.weight, model.phases], lr=0.1)
    with shinso.watch(model, optimizer) as watch, watch.step():
        (model(torch.ones(1, 2)).sum() + model.phases.abs().square().sum()).backward()
        optimizer.step()
    # The gradient of |z|² is 2z.
    assert watch.readings("gradient_norm").labels == ("weight", "phases")
    assert watch.readings("gradient_norm").values[0, 1] == pytest.approx(10)
    assert watch.readings("update_ratio").values[0, 1] == pytest.approx(0.2)


def test_one_watch_writes_to_a_directory_at_a_time(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    with (
        shinso.watch(model, to=tmp_path, every=2),
        pytest.raises(RunError, match="another process is writing"),
    ):
        shinso.watch(model, to=tmp_path, start=1)
    with shinso.watch(model, to=tmp_path, start=1):
        pass


def test_steps_lost_with_a_crash_are_forgotten(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    for start in (0, 3):
        with shinso.watch(model, to=tmp_path, every=2, start=start) as watch:
            for _ in range(5 if start == 0 else 0):
                with watch.step():
                    model(torch.ones(1, 2)).sum().backward()
    assert watch.readings("gradient_norm").steps.tolist() == [1, 3]


def test_an_error_of_the_loop_is_not_hidden_by_one_of_the_record(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    watch = shinso.watch(model, to=tmp_path)
    with watch.step():
        model(torch.ones(1, 2)).sum().backward()
    watch.record.close()
    with pytest.raises(OSError, match="the data went away"), watch:
        raise OSError("the data went away")


def test_channels_come_last_where_the_layers_before_have_them_last() -> None:
    tokens = nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 5), nn.GELU())
    images = nn.Sequential(nn.Conv2d(6, 5, 1), nn.LayerNorm((5, 4, 4)), nn.ReLU())
    for model, shape in ((tokens, (2, 4, 4, 6)), (images, (2, 6, 4, 4))):
        with shinso.watch(model, None, [ActivationHealth()]) as watch, watch.step():
            model(torch.ones(shape))
        units = [watch.readings(f"activation/{layer}/mean").values.shape[1] for layer in range(3)]
        assert units in ([6, 5, 5], [5, 5, 5])

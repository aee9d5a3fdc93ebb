"""The gradients of single examples of torch's fused recurrent layers, which are run again step by step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens._call import Call
from shinso.lens.per_sample._example_gradients import ExampleGradients, WrittenOut
from shinso.lens.per_sample._outer_products import OuterProducts
from shinso.lens.per_sample._rows import NotByExample, wide
from shinso.lens.per_sample._run_again import run_again

_State = tuple[Tensor, ...]
_Cell = Callable[[Tensor, Tensor, _State], _State]
"""From the two linear maps, of the input and of the state, and the state to the next state."""


def _lstm(from_input: Tensor, from_state: Tensor, state: _State) -> _State:
    enter, forget, candidate, leave = (from_input + from_state).chunk(4, -1)
    cell = forget.sigmoid() * state[1] + enter.sigmoid() * candidate.tanh()
    return leave.sigmoid() * cell.tanh(), cell


def _gru(from_input: Tensor, from_state: Tensor, state: _State) -> _State:
    (reset, update, candidate), (to_reset, to_update, to_candidate) = from_input.chunk(3, -1), from_state.chunk(3, -1)
    update = (update + to_update).sigmoid()
    candidate = (candidate + (reset + to_reset).sigmoid() * to_candidate).tanh()
    return (candidate + update * (state[0] - candidate),)


def _tanh(from_input: Tensor, from_state: Tensor, state: _State) -> _State:
    return ((from_input + from_state).tanh(),)


def _relu(from_input: Tensor, from_state: Tensor, state: _State) -> _State:
    return ((from_input + from_state).relu(),)


_LAYERS: dict[Callable[..., object], _Cell] = {
    torch.lstm: _lstm,
    torch.gru: _gru,
    torch.rnn_tanh: _tanh,
    torch.rnn_relu: _relu,
}
_CELLS: dict[Callable[..., object], _Cell] = {
    torch.lstm_cell: _lstm,
    torch.gru_cell: _gru,
    torch.rnn_tanh_cell: _tanh,
    torch.rnn_relu_cell: _relu,
}
RECURRENT = frozenset(_LAYERS)
RECURRENT_CELLS = frozenset(_CELLS)


@dataclass
class _Uses:
    """Each use of a weight matrix: the weight, what went into it, and what came out, by time."""

    weights: list[tuple[Tensor, Tensor | None]] = field(default_factory=list)
    inputs: list[list[Tensor]] = field(default_factory=list)
    outputs: list[list[Tensor]] = field(default_factory=list)

    def linear(self, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
        """The linear map; every use of it is noted."""
        inputs: list[Tensor] = []
        outputs: list[Tensor] = []
        self.weights.append((weight, bias))
        self.inputs.append(inputs)
        self.outputs.append(outputs)

        def apply(x: Tensor) -> Tensor:
            inputs.append(x.detach())
            outputs.append(F.linear(x, weight, bias).requires_grad_())
            return outputs[-1]

        return apply


def recurrent(call: Call, batch_size: int) -> list[tuple[Tensor | None, ExampleGradients]]:
    """Of all weights and biases of an LSTM, GRU or RNN of one or several layers, in one or both directions."""
    if isinstance(call.args[3], list | tuple):
        raise NotByExample("a recurrent layer saw packed sequences, whose rows are not one example each")
    input, state, flat, has_biases, num_layers, dropout, training, bidirectional, batch_first = call.args
    if dropout and training and num_layers > 1:
        raise NotByExample("a recurrent layer drew dropout between its layers where nobody sees it: use dropout=0")
    initial = state if isinstance(state, tuple | list) else (state,)
    inputs = input if batch_first else input.transpose(0, 1)
    if inputs.dim() != 3 or len(inputs) != batch_size:
        raise NotByExample(
            f"a recurrent layer saw a tensor of shape {tuple(input.shape)}, which is not one sequence for each of the "
            f"{batch_size} examples of the batch"
        )
    uses, directions = _Uses(), 2 if bidirectional else 1
    weights = _by_direction(flat, has_biases, num_layers * directions)
    with torch.enable_grad():
        outputs = _unrolled(_LAYERS[call.function], uses, inputs, initial, weights, directions)
        outputs[0] = outputs[0] if batch_first else outputs[0].transpose(0, 1)
    return _gathered(uses, _gradients(call, outputs, uses))


def recurrent_cell(call: Call, batch_size: int) -> list[tuple[Tensor | None, ExampleGradients]]:
    """Of all weights and biases of one step of an LSTM, GRU or RNN cell."""
    input, state, of_input, of_state, *biases = call.args
    initial = tuple(state) if isinstance(state, tuple | list) else (state,)
    if input.dim() != 2 or len(input) != batch_size:
        raise NotByExample(
            f"a recurrent cell saw a tensor of shape {tuple(input.shape)}, which is not one row for each of the "
            f"{batch_size} examples of the batch"
        )
    uses = _Uses()
    input_bias, state_bias = biases or (None, None)
    cell = _lstm_in_two if _gives_its_state_twice(call) else _CELLS[call.function]
    with torch.enable_grad():
        from_input = uses.linear(of_input, input_bias)(input)
        state = cell(from_input, uses.linear(of_state, state_bias)(initial[0]), initial)
    return _gathered(uses, _gradients(call, state, uses))


def _gives_its_state_twice(call: Call) -> bool:
    """Whether an LSTM cell computes its output from its other output, whose gradient then holds that path as well."""
    if call.function is not torch.lstm_cell:
        return False
    with torch.enable_grad():
        output, cell = run_again(call, lambda t: t.clone().requires_grad_() if t.is_floating_point() else t)
    assert output.grad_fn is not None
    assert cell.grad_fn is not None
    return output.grad_fn.name() != cell.grad_fn.name()


def _lstm_in_two(from_input: Tensor, from_state: Tensor, state: _State) -> _State:
    enter, forget, candidate, leave = (from_input + from_state).chunk(4, -1)
    cell = forget.sigmoid() * state[1] + enter.sigmoid() * candidate.tanh()
    return leave.sigmoid() * cell.detach().tanh(), cell


def _gradients(call: Call, outputs: Sequence[Tensor], uses: _Uses) -> list[Tensor]:
    """Of what each use of a weight gave, in the order of the uses."""
    given = {place: gradient.to(outputs[place].dtype) for place, gradient in call.gradients.items()}
    of_uses = [output for by_time in uses.outputs for output in by_time]
    reached = [outputs[place] for place in given]
    return list(torch.autograd.grad(reached, of_uses, list(given.values()), materialize_grads=True))


def _by_direction(flat: Sequence[Tensor], has_biases: bool, count: int) -> list[list[Tensor | None]]:
    """Weights of input and state, their biases, and the projection, None where there is no such part."""
    size = len(flat) // count
    groups = [list(flat[start : start + size]) for start in range(0, len(flat), size)]
    if has_biases:
        return [[*group[:4], group[4] if size == 5 else None] for group in groups]
    return [[*group[:2], None, None, group[2] if size == 3 else None] for group in groups]


def _unrolled(
    cell: _Cell,
    uses: _Uses,
    inputs: Tensor,
    initial: Sequence[Tensor],
    weights: list[list[Tensor | None]],
    directions: int,
) -> list[Tensor]:
    """The outputs and the last states, as torch gives them, with the sequences of a batch first."""
    final: list[list[Tensor]] = [[] for _ in initial]
    for layer in range(len(weights) // directions):
        both = []
        for direction in range(directions):
            place = layer * directions + direction
            state = tuple(part[place] for part in initial)
            outputs, state = _one_way(cell, uses, inputs.flip(1) if direction else inputs, state, weights[place])
            both.append(outputs.flip(1) if direction else outputs)
            for kept, part in zip(final, state, strict=True):
                kept.append(part)
        inputs = torch.cat(both, dim=-1)
    return [inputs, *(torch.stack(parts) for parts in final)]


def _one_way(
    cell: _Cell, uses: _Uses, inputs: Tensor, state: _State, weights: list[Tensor | None]
) -> tuple[Tensor, _State]:
    of_input, of_state, input_bias, state_bias, projection = weights
    assert of_input is not None
    assert of_state is not None
    from_inputs = uses.linear(of_input, input_bias)(inputs)
    from_state = uses.linear(of_state, state_bias)
    project = None if projection is None else uses.linear(projection, None)
    outputs = []
    for from_input in from_inputs.unbind(1):
        state = cell(from_input, from_state(state[0]), state)
        if project is not None:
            state = (project(state[0]), *state[1:])
        outputs.append(state[0])
    return torch.stack(outputs, dim=1), state


def _gathered(uses: _Uses, gradients: list[Tensor]) -> list[tuple[Tensor | None, ExampleGradients]]:
    found: list[tuple[Tensor | None, ExampleGradients]] = []
    for (weight, bias), inputs in zip(uses.weights, uses.inputs, strict=True):
        at_outputs, gradients = gradients[: len(inputs)], gradients[len(inputs) :]
        # The map of the inputs is used once, at all times together.
        whole = inputs[0].dim() == 3
        by_time = inputs[0] if whole else torch.stack(inputs, dim=1)
        output_gradients = at_outputs[0] if whole else torch.stack(at_outputs, dim=1)
        found.append((weight, OuterProducts(wide(by_time), wide(output_gradients))))
        found.append((bias, WrittenOut(wide(output_gradients).sum(1))))
    return found

"""The gradients of single examples of torch's multi-head attention."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens._call import Call
from shinso.lens.per_sample._example_gradients import ExampleGradients, WrittenOut
from shinso.lens.per_sample._outer_products import OuterProducts, one_after_another
from shinso.lens.per_sample._rows import NotByExample, wide
from shinso.lens.per_sample._run_again import drawing_the_same

_NAMES = (
    "query", "key", "value", "embed_dim_to_check", "num_heads", "in_proj_weight", "in_proj_bias", "bias_k", "bias_v",
    "add_zero_attn", "dropout_p", "out_proj_weight", "out_proj_bias",
)  # fmt: skip


def attention(call: Call, batch_size: int) -> list[tuple[Tensor | None, ExampleGradients]]:
    """Of the projections into and out of the attention.

    The attention between the projections is run again with the same masks and the same dropout.
    """
    given: dict[str, Any] = {**dict(zip(_NAMES, call.args, strict=False)), **call.kwargs}
    query, key, value = given["query"], given["key"], given["value"]
    if query.dim() != 3 or query.shape[1] != batch_size:
        raise NotByExample(
            f"an attention layer saw queries of shape {tuple(query.shape)} (time, examples, features), which are not "
            f"those of the {batch_size} examples of the batch"
        )
    if list(call.gradients) != [0]:
        raise NotByExample("the weights of an attention layer, which it also returned, take part in the loss")
    weights, biases = _projections(given)
    pairs = zip((query, key, value), weights, biases, strict=True)
    projected = [F.linear(x, w, b).requires_grad_() for x, w, b in pairs]
    at_outputs = call.gradients[0].to(projected[0].dtype)
    with torch.enable_grad(), drawing_the_same(call):
        attended = _attended(projected, given)
        at_projected = torch.autograd.grad(attended, projected, at_outputs @ given["out_proj_weight"])
    of_inputs = _of_inputs([query, key, value], at_projected, given)
    return [
        (given["out_proj_weight"], OuterProducts(_batch_first(attended.detach()), _batch_first(at_outputs))),
        (given["out_proj_bias"], WrittenOut(wide(at_outputs).sum(0))),
        *of_inputs,
    ]


def _projections(given: dict[str, Any]) -> tuple[list[Tensor], list[Tensor | None]]:
    bias = given["in_proj_bias"]
    biases = [None] * 3 if bias is None else list(bias.chunk(3))
    if given.get("use_separate_proj_weight"):
        return [given[f"{name}_proj_weight"] for name in "qkv"], biases
    return list(given["in_proj_weight"].chunk(3)), biases


def _attended(projected: list[Tensor], given: dict[str, Any]) -> Float[Tensor, "time batch features"]:
    """What the last projection is given: torch's own function, with projections that change nothing."""
    features = projected[0].shape[-1]
    unchanged = torch.eye(features, dtype=projected[0].dtype, device=projected[0].device)
    replaced = {
        **dict(zip(("query", "key", "value"), projected, strict=True)),
        "in_proj_weight": unchanged.repeat(3, 1),
        "in_proj_bias": None,
        "out_proj_weight": unchanged,
        "out_proj_bias": None,
        "use_separate_proj_weight": False,
    }
    attended: Tensor = F.multi_head_attention_forward(**{**given, **replaced})[0]
    return attended


def _of_inputs(
    inputs: list[Tensor], at_projected: tuple[Tensor, ...], given: dict[str, Any]
) -> list[tuple[Tensor | None, ExampleGradients]]:
    gradients = [_batch_first(gradient) for gradient in at_projected]
    bias = (given["in_proj_bias"], WrittenOut(torch.cat([gradient.sum(1) for gradient in gradients], dim=1)))
    firsts = [_batch_first(x) for x in inputs]
    if given.get("use_separate_proj_weight"):
        weights = [given[f"{name}_proj_weight"] for name in "qkv"]
        uses = [OuterProducts(x, gradient) for x, gradient in zip(firsts, gradients, strict=True)]
        return [*zip(weights, uses, strict=True), bias]
    if inputs[0] is inputs[1] is inputs[2]:
        return [(given["in_proj_weight"], OuterProducts(firsts[0], torch.cat(gradients, dim=-1))), bias]
    # Each third of the weight has inputs of its own; its gradient is zero at the outputs of the others.
    widened = []
    for place, gradient in enumerate(gradients):
        thirds = [torch.zeros_like(gradient)] * 3
        thirds[place] = gradient
        widened.append(torch.cat(thirds, dim=-1))
    uses = [OuterProducts(x, gradient) for x, gradient in zip(firsts, widened, strict=True)]
    return [(given["in_proj_weight"], one_after_another(uses)), bias]


def _batch_first(tensor: Float[Tensor, "time batch features"]) -> Float[Tensor, "batch time features"]:
    return wide(tensor).transpose(0, 1).contiguous()

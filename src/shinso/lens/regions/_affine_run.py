"""Running a model on whole polygons at once: every tensor is an affine function of the plane's coordinates."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from shinso.lens.regions._piecewise_functions import IN_PLACE, Choice, choice_of

FRAME = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.37, 0.59]], dtype=torch.float64)
"""The points of the plane at which each polygon's affine functions are known; the last one checks that they are affine.

They need not lie in the polygon: what is computed there is the affine function that holds inside it, continued.
"""
_ROUNDING = 1e-8


class Reached(Exception):
    """The piecewise-linear call that was asked for, with the pieces between which it chooses."""

    def __init__(self, layer: str, choice: Choice) -> None:
        super().__init__(layer)
        self.layer = layer
        self.choice = choice


class OnPlane(Tensor):
    """A tensor that depends on the coordinates; torch's functions hand the mark on to their results."""


class AffineRun(TorchFunctionMode):
    """While it is active, functions choose one piece for each polygon, namely the one at its centre.

    At the call of a piecewise-linear function with the number ``stop_at``, counted from 0, it raises Reached.
    """

    def __init__(self, centres: Float[Tensor, "polygon 2"], stop_at: int) -> None:
        super().__init__()
        self._centres = centres
        self._stop_at = stop_at
        self._calls = 0
        self._paths: list[str] = []
        self._names: Counter[str] = Counter()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not any(isinstance(leaf, OnPlane) for leaf in pytree.tree_leaves((args, kwargs))):
            return func(*args, **kwargs)
        choice = choice_of(func, args, kwargs)
        if choice is None:
            result = func(*args, **kwargs)
            self._check(result, func)
            return result
        layer = self._name(func.__name__)
        self._check_batch(choice.scores, layer)
        if self._calls == self._stop_at:
            raise Reached(layer, choice)
        self._calls += 1
        chosen = self._chosen(choice)
        if func in IN_PLACE or kwargs.get("inplace"):
            overwritten: Tensor = args[0] if args else kwargs["input"]
            return overwritten.copy_(chosen)
        return chosen

    def _chosen(self, choice: Choice) -> Tensor:
        scores = at_points(_by_polygon(choice.scores)[:, :3], self._centres)
        piece = scores.argmax(dim=-1, keepdim=True).repeat_interleave(len(FRAME), dim=0)
        return choice.values.gather(-1, piece).squeeze(-1)

    def _name(self, function: str) -> str:
        path = self._paths[-1] if self._paths else ""
        name = f"{path}.{function.strip('_')}" if path else function.strip("_")
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}_{self._names[name]}"

    def _check_batch(self, scores: Tensor, layer: str) -> None:
        if len(scores) != len(FRAME) * len(self._centres):
            raise ValueError(
                f"{layer} sees a tensor of shape {tuple(scores.shape[:-1])}, whose first axis is not that of the "
                "examples; regions are found only where it is: use grid_regions"
            )

    def _check(self, result: Any, func: Callable[..., Any]) -> None:
        leaves = [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, OnPlane)]
        where = f"{getattr(func, '__name__', func)} in {(self._paths and self._paths[-1]) or 'the model'}"
        for leaf in leaves:
            if leaf.is_floating_point() and not self.is_affine(leaf):
                if not leaf.isfinite().all():
                    raise ValueError(f"{where} gives values that are not finite: the parameters or the plane are not")
                raise ValueError(
                    f"{where} is neither "
                    "affine nor a piecewise-linear function that is known here (ReLU and its kin, clamp, abs, maximum, "
                    "max pooling): leave it out, as a softmax at the end, or take grid_regions for an estimate"
                )

    def is_affine(self, values: Tensor) -> bool:
        """Whether a tensor at the frame's points is affine, as far as its first axis is that of the points."""
        if values.dim() == 0 or len(values) != len(FRAME) * len(self._centres) or values.numel() == 0:
            return True
        plain = values.as_subclass(Tensor)
        corner, first, second, check = _by_polygon(plain).unbind(dim=1)
        s, t = FRAME[-1].tolist()
        apart = check - ((1 - s - t) * corner + s * first + t * second)
        return bool(apart.abs().max() <= _ROUNDING * plain.abs().max())

    @contextmanager
    def knowing_where(self, model: nn.Module) -> Iterator[None]:
        """While the context lasts, know which module is running, to name the calls by."""
        handles = []
        try:
            for path, module in model.named_modules():
                enter, leave = partial(self._enter, path), partial(self._leave, path)
                handles += [
                    module.register_forward_pre_hook(enter),
                    module.register_forward_hook(leave, always_call=True),
                ]
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, path: str, *_: Any) -> None:
        self._paths.append(path)

    def _leave(self, path: str, *_: Any) -> None:
        self._paths.pop()


def _by_polygon(values: Shaped[Tensor, "row *places"]) -> Shaped[Tensor, "polygon point *places"]:
    return values.reshape(-1, len(FRAME), *values.shape[1:])


def at_points(
    frame: Float[Tensor, "polygon 3 *places"], points: Float[Tensor, "polygon 2"]
) -> Float[Tensor, "polygon *places"]:
    """Affine functions, given at (0, 0), (1, 0) and (0, 1), at one point for each polygon."""
    corner, first, second = frame.unbind(dim=1)
    s, t = points.to(frame.device).reshape(-1, 2, *(1 for _ in corner.shape[1:])).unbind(dim=1)
    return corner + s * (first - corner) + t * (second - corner)

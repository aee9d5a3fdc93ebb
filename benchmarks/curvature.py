"""What curvature costs on W2 after 80 steps and 1,000 examples: top-5 eigenvalues, trace and spectral density, against
PyHessian and curvlinops where they are installed (``pip install pyhessian curvlinops-for-pytorch``).

python benchmarks/curvature.py [--rounds 3] [--threads 2] [eigenvalues] [trace] [density]

All sides take turns in one process; errors are against float64: our own products, which the tests
compare with dense matrices, and an exact trace. Peers get the same batch at once, and as many draws as we took.
"""

import argparse
import copy
import importlib
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Probe
from shinso.lens.curvature import Eigenpairs, hessian, spectral_density, top_eigenpairs, trace
from workloads import workloads

EXAMPLES, STEPS = 1000, 80


class Work(NamedTuple):
    model: nn.Module
    inputs: Tensor
    targets: Tensor

    @property
    def probe(self) -> Probe:
        return Probe(self.model, F.cross_entropy, self.inputs, self.targets)


def trained() -> Work:
    work = workloads()["W2"]
    torch.manual_seed(0)
    model = work.build()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, nesterov=True)
    for step in range(STEPS):
        batch = slice(step * work.batch_size, (step + 1) * work.batch_size)
        optimizer.zero_grad()
        F.cross_entropy(model(work.inputs[batch]), work.targets[batch]).backward()
        optimizer.step()
    return Work(model.eval(), work.inputs[:EXAMPLES], work.targets[:EXAMPLES])


def in_double(work: Work) -> Work:
    return Work(copy.deepcopy(work.model).double(), work.inputs.double(), work.targets)


def exact_trace(work: Work) -> float:
    """The trace of the Gauss-Newton matrix, which is the Hessian's for a network of ReLU, without a random number.

    The Hessian of cross entropy in the logits is LLᵀ with L = diag(√p) - p√pᵀ, so that the trace is the mean of the
    squared gradients of the logits weighted by its columns.
    """
    parameters = {name: p.detach() for name, p in work.model.named_parameters()}

    def weighted(values: dict[str, Tensor], image: Tensor, weights: Tensor) -> Tensor:
        return (torch.func.functional_call(work.model, values, (image.unsqueeze(0),))[0] * weights).sum()

    gradients = torch.func.vmap(torch.func.grad(weighted), in_dims=(None, 0, 0))
    total = 0.0
    for images in work.inputs.split(50):
        with torch.no_grad():
            chances = work.model(images).softmax(dim=1)
            factors = torch.diag_embed(chances.sqrt()) - chances[:, :, None] * chances.sqrt()[:, None, :]
            for column in factors.unbind(dim=2):
                total += sum(float(g.square().sum()) for g in gradients(parameters, images, column).values())
    return total / len(work.inputs)


class Taken(NamedTuple):
    """Medians of one side, and its last result."""

    seconds: float
    processor_seconds: float
    result: Any


def in_turn(rounds: int, sides: dict[str, Callable[[], Any]]) -> dict[str, Taken]:
    times: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    results: dict[str, Any] = {}
    for _ in range(rounds):
        for side, call in sides.items():
            started = time.perf_counter(), time.process_time()
            results[side] = call()
            times[side].append((time.perf_counter() - started[0], time.process_time() - started[1]))
    medians = {side: [statistics.median(column) for column in zip(*times[side], strict=True)] for side in sides}
    return {side: Taken(*medians[side], results[side]) for side in sides}


def with_scipy(multiply: Callable[[Tensor], Tensor], size: int) -> tuple[np.ndarray, int]:
    products = 0

    def counted(vector: np.ndarray) -> np.ndarray:
        nonlocal products
        products += 1
        return multiply(torch.from_numpy(vector.reshape(-1)).float()).detach().double().numpy()

    operator = LinearOperator((size, size), matvec=counted, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(size)
    values = eigsh(operator, k=5, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)
    return np.sort(values)[::-1], products


def curvlinops_hessian(work: Work) -> Any:
    from curvlinops import HessianLinearOperator

    parameters = {name: p for name, p in work.model.named_parameters() if p.requires_grad}
    data = [(work.inputs, work.targets)]
    try:
        return HessianLinearOperator(work.model, nn.CrossEntropyLoss(), parameters, data, check_deterministic=False)
    except (TypeError, AttributeError, ValueError):  # before version 4 parameters were a list
        return HessianLinearOperator(
            work.model, nn.CrossEntropyLoss(), list(parameters.values()), data, check_deterministic=False
        )


def pyhessian_hessian(work: Work) -> Any:
    from pyhessian import hessian as of_peer

    return of_peer(work.model, nn.CrossEntropyLoss(), data=(work.inputs, work.targets), cuda=False)


def eigenvalues(work: Work, rounds: int, peers: frozenset[str]) -> None:
    exact = top_eigenpairs(hessian(in_double(work).probe), 5, relative_error=1e-7)
    reference, narrow = exact.values.numpy(), hessian(work.probe)
    quotients = [float(vector @ (narrow @ vector.float()).double()) for vector in exact.vectors]
    floor = np.abs(np.array(quotients) / reference - 1).max()
    sides: dict[str, Callable[[], tuple[Any, Any]]] = {
        "shinso": lambda: _with_products(top_eigenpairs(hessian(work.probe), 5)),
        "shinso's products in eigsh": lambda: _scipy_on_ours(work),
    }
    if "curvlinops" in peers:
        sides["curvlinops in eigsh"] = lambda: _scipy_on_curvlinops(work)
    if "pyhessian" in peers:
        sides["PyHessian, as it comes"] = lambda: _counted(
            lambda: np.array(pyhessian_hessian(work).eigenvalues(top_n=5)[0])
        )
    print(f"top five eigenvalues {reference.round(5)}; eigsh is given tol=1e-3")
    print(
        f"  in float32 the exact eigenvectors give values that are off by {floor:.1e}, whoever multiplies", flush=True
    )
    report(in_turn(rounds, sides), lambda found: np.abs(np.sort(found[0])[::-1] / reference - 1).max())


def _with_products(pairs: Eigenpairs) -> tuple[Any, int]:
    return pairs.values.numpy(), pairs.products


def _counted(call: Callable[[], Any]) -> tuple[Any, int]:
    """What PyHessian found, and by how many products."""
    # The package has a class of the module's name, which hides it.
    peer = importlib.import_module("pyhessian.hessian")
    products, multiply = 0, peer.hessian_vector_product

    def counting(*arguments: Any) -> Any:
        nonlocal products
        products += 1
        return multiply(*arguments)

    peer.hessian_vector_product = counting
    try:
        return call(), products
    finally:
        peer.hessian_vector_product = multiply


def _scipy_on_ours(work: Work) -> tuple[Any, int]:
    matrix = hessian(work.probe)
    return with_scipy(lambda vector: matrix @ vector, matrix.size)


def _scipy_on_curvlinops(work: Work) -> tuple[Any, int]:
    operator = curvlinops_hessian(work)
    return with_scipy(lambda vector: operator @ vector, sum(p.numel() for p in work.model.parameters()))


def traces(work: Work, rounds: int, peers: frozenset[str]) -> None:
    reference = exact_trace(in_double(work))
    found = trace(hessian(work.probe))
    draws = found.draws
    sides: dict[str, Callable[[], Any]] = {"shinso, to 5 %": lambda: (trace(hessian(work.probe)).value, draws)}
    if "pyhessian" in peers:
        sides["PyHessian, as many draws"] = lambda: _counted(
            lambda: float(np.mean(pyhessian_hessian(work).trace(maxIter=draws, tol=0)))
        )
    if "curvlinops" in peers:
        sides["curvlinops, as many draws"] = lambda: (_curvlinops_trace(work, draws), draws)
    print(f"trace {reference:.4g}, exactly, in float64")
    print(f"  shinso says {found.value:.4g}, 95 % from {found.low:.4g} to {found.high:.4g}; peers give no interval")
    report(in_turn(rounds, sides), lambda result: abs(result[0] / reference - 1))


def _curvlinops_trace(work: Work, draws: int) -> float:
    """In fours: it multiplies all vectors at once, and seventy take more than 20 GB."""
    from curvlinops import hutchinson_trace

    operator = curvlinops_hessian(work)
    parts = [min(4, draws - done) for done in range(0, draws, 4)]
    return sum(float(hutchinson_trace(operator, num_matvecs=part)) * part for part in parts) / draws


def densities(work: Work, rounds: int, peers: frozenset[str]) -> None:
    """One draw of 30 products; the error is that of the outermost point, the largest eigenvalue.

    Within a draw all are Gauss quadratures of as many points; between draws chance is the same for all.
    """
    reference = float(top_eigenpairs(hessian(in_double(work).probe)).values)
    sides: dict[str, Callable[[], Any]] = {
        "shinso": lambda: (float(spectral_density(hessian(work.probe), products=30, draws=1).points.max()), 30)
    }
    if "pyhessian" in peers:
        sides["PyHessian"] = lambda: _counted(lambda: _pyhessian_largest_point(work))
    if "curvlinops" in peers:
        sides["curvlinops"] = lambda: (_curvlinops_largest_point(work), 30)
    print(f"spectral density; largest eigenvalue {reference:.5g}", flush=True)
    report(in_turn(rounds, sides), lambda result: abs(result[0] / reference - 1))


def _pyhessian_largest_point(work: Work) -> float:
    def eig(matrix: Tensor, eigenvectors: bool) -> tuple[Tensor, Tensor]:
        values, vectors = torch.linalg.eigh(matrix)
        return torch.stack([values, torch.zeros_like(values)], dim=1), vectors

    # It calls a function that torch no longer has; on a matrix of 30 by 30 it takes no time.
    removed, torch.eig = torch.eig, eig
    try:
        return float(np.max(pyhessian_hessian(work).density(iter=30, n_v=1)[0]))
    finally:
        torch.eig = removed


def _curvlinops_largest_point(work: Work) -> float:
    """Its Lanczos alone, which is all of the time: the density on a grid needs bounds of the spectrum besides."""
    from curvlinops.papyan2020traces.spectrum import fast_lanczos

    return float(fast_lanczos(curvlinops_hessian(work), 30)[0].max())


def report(sides: dict[str, Taken], error: Callable[[Any], float]) -> None:
    """On a busy machine the ratio of processor time is the one to trust."""
    ours = next(iter(sides.values()))
    for side, (seconds, processor, found) in sides.items():
        times = f"{seconds:7.2f} s, processor {processor:7.2f} s"
        ratios = f"ours / it {ours.seconds / seconds:.2f}, processor {ours.processor_seconds / processor:.2f}"
        print(f"  {side:<26} {found[1]:>4} products {times}, error {error(found):.1e}; {ratios}", flush=True)


def main() -> None:
    sections = {"eigenvalues": eigenvalues, "trace": traces, "density": densities}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", default=list(sections))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    peers = frozenset(name for name in ("pyhessian", "curvlinops") if find_spec(name))
    for name in sorted({"pyhessian", "curvlinops"} - peers):
        print(f"{name} is not installed: left out")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, medians of {given.rounds} rounds")
    work = trained()
    for name in given.sections:
        sections[name](work, given.rounds, peers)


if __name__ == "__main__":
    main()

"""Local Lipschitz bounds of networks on digits: `python analyses/benchmarks/lipschitz.py [--repeats N] [--part PART ...]`.

Parts, all but the last by default:
tightness: the bound of the network (the largest over outputs) relative to the exact constant, which branch and bound finds; on
    20 test inputs that are stored with the weights, at radii 0.01, 0.05 and 0.1.
rungs: other methods relative to "lirpa".
seconds: of one input, and per input of a batch of 64, all ten outputs, compiled; of compilation.
branching: parts and seconds until the largest output is known, certified, and trusting linear programs.
large: 110,592 hidden units in 24 convolutions with residuals: wall seconds and memory, on all cores.

Calls take turns, figures are medians. Seconds are CPU seconds, so pin one core: `OPENBLAS_NUM_THREADS=1 taskset -c 0`.
The exit status is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ntkit.data import digits
from ntkit.lipschitz import (
    AvgPool,
    Bound,
    Conv,
    Dense,
    Flatten,
    Network,
    Relu,
    Residual,
    bounds,
    expected_memory,
    local_lipschitz,
)

WEIGHTS = Path(__file__).with_name("digits_networks.npz")
NAMES = {
    "mlp16": "64-16-16-10",
    "mlp32": "64-32-32-10",
    "deep64": "64-64-64-64-10",
    "conv": "conv 4, 8",
    "tanh32": "64-32-32-10 tanh",
}
RADII = (0.01, 0.05, 0.1)
MEDIANS = (1.10, 1.25, 1.40)  # at these radii, of linear bounds over exact constants
REFERENCE = {"mlp32": 1.7e-3, "deep64": 11e-3, "conv": 20e-3}  # seconds of a prototype in NumPy for one input
EXACT = {"mlp16": RADII, "mlp32": RADII[:2], "conv": RADII[:2], "deep64": RADII[:1]}
LIMIT = 20.0  # seconds for one exact constant


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = {"tightness": tightness, "rungs": rungs, "seconds": times, "branching": branching, "large": large}
    parser.add_argument(
        "--part", action="append", choices=list(known), help="one of them, repeatable; all but large by default"
    )
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    met = [known[part](options.repeats) for part in options.part or [name for name in known if name != "large"]]
    sys.exit(not all(met))


def network(name: str) -> Network:
    """A trained network, in double precision."""
    stored = np.load(WEIGHTS)
    count = sum(key.startswith(f"{name}/W") for key in stored.files)
    layers = [(stored[f"{name}/W{i}"].astype(float), stored[f"{name}/b{i}"].astype(float)) for i in range(1, count + 1)]
    if name != "conv":
        return Network.sequential(layers, activation="tanh" if name == "tanh32" else "relu")
    (first, second, last) = layers
    return Network.from_layers([Conv(*first), Conv(*second), Flatten(), Dense(*last)], input_shape=(1, 8, 8), activation="relu")


def inputs(count: int = 20) -> np.ndarray:
    """Test inputs, pixels in [0, 1]; more than 20 are other digits."""
    images = np.asarray(digits()[0], dtype=float).reshape(-1, 64)
    chosen: np.ndarray = images[np.load(WEIGHTS)["test"]]
    return chosen if count <= len(chosen) else np.concatenate([chosen, images[: count - len(chosen)]])


def tightness(_: int) -> bool:
    """Medians and worst cases of linear bounds over exact constants; those that were not closed count with their lower end."""
    print(f"{'lirpa / exact':18s} {'radius':>7s} {'closed':>7s} {'median':>7s} {'worst':>7s} {'target':>7s}")
    met = True
    for name, radii in EXACT.items():
        net = network(name)
        for radius, target in zip(radii, MEDIANS, strict=False):
            linear = [float(local_lipschitz(net, x, radius, forward="crown").value) for x in inputs()]
            exact = [solved(net, x, radius) for x in inputs()]
            ratios = np.array(linear) / [float(bound.lower.max()) for bound in exact]
            closed, median = sum(bound.closed for bound in exact), float(np.median(ratios))
            row = f"{NAMES[name]:18s} {radius:7g} {closed:4d}/{len(exact)} {median:7.3f} {ratios.max():7.3f} {target:7.2f}"
            print(row, flush=True)
            met &= median <= target
    return met


def solved(net: Network, x: np.ndarray, radius: float, **options: Any) -> Bound:
    """The largest output's constant by branch and bound."""
    return local_lipschitz(net, x, radius, method="bab", closing="value", deadline=LIMIT, key=jax.random.key(0), **options)


def rungs(_: int) -> bool:
    """Medians of other methods over "lirpa"; nothing below 1."""
    methods: list[tuple[Any, Any]] = [
        ("best", "crown"),
        ("recurjac", "crown"),
        ("ibp", "crown"),
        ("ibp", "ibp"),
        ("product", "ibp"),
    ]
    print(f"\n{'over lirpa, crown':18s} {'radius':>7s}" + "".join(f" {f'{m}, {f}':>15s}" for m, f in methods))
    for name in NAMES:
        net = network(name)
        for radius in (*RADII, 0.25):
            own = local_lipschitz(net, inputs(), radius, forward="crown").value
            found = [local_lipschitz(net, inputs(), radius, method=m, forward=f).value / own for m, f in methods]
            print(f"{NAMES[name]:18s} {radius:7g}" + "".join(f" {np.median(ratio):15.3f}" for ratio in found), flush=True)
    return True


def times(repeats: int) -> bool:
    """All ten outputs of one input, and of 64 at once."""
    print(f"\n{'lirpa, crown':18s} {'compile':>8s} {'single':>9s} {'prototype':>10s} {'batch of 64, each':>18s} {'target':>9s}")
    met = True
    for name in NAMES:
        net, x = network(name), jnp.asarray(inputs(64))
        for outward in (False, True):
            single = jax.jit(partial(norms, outward=outward))
            begun = time.perf_counter()
            wait(single(net, x[0]))
            compiled = time.perf_counter() - begun
            options = {"forward": "crown", "arithmetic": "float64+outward" if outward else "float64"}
            alone, many = in_turns(
                repeats,
                partial(each, single, net, x[:8]),
                partial(local_lipschitz, net, x, 0.05, **options),  # type: ignore[arg-type]
            )
            alone, many, reference = alone / 8, many / len(x), REFERENCE.get(name)
            row = f"{NAMES[name] + (' outward' if outward else ''):18s} {compiled:7.1f}s {alone * 1e3:6.2f} ms"
            if reference:
                row += f" {reference * 1e3:7.1f} ms {many * 1e3:15.2f} ms {reference / 5 * 1e3:6.2f} ms"
                met &= outward or (alone <= 3 * reference and many <= reference / 5 and many <= alone)
            else:
                row += f" {'':10s} {many * 1e3:15.2f} ms"
            print(row, flush=True)
    return met


def norms(net: Network, x: jax.Array, outward: bool) -> jax.Array:
    """All outputs of one input."""
    return bounds(net, x, 0.05, forward="crown", outward=outward).norm


def each(function: Callable[[Network, jax.Array], jax.Array], net: Network, inputs: jax.Array) -> None:
    """One input after another."""
    for x in inputs:
        wait(function(net, x))


def wait(result: jax.Array) -> None:
    """Until it is there."""
    result.block_until_ready()


def branching(_: int) -> bool:
    """Parts that were bounded, and wall seconds once compiled: the most over cases."""
    print(f"\n{'branch and bound':22s} {'radius':>7s} {'closed':>7s} {'parts (proved)':>20s} {'seconds':>16s} {'target':>7s}")
    met = True
    for widths, radii, target in (((2, 20, 20, 2), (0.05, 0.1, 0.25), 750), ((10, 20, 20, 20, 3), (0.05, 0.1), 960)):
        cases = [(random_network(widths, seed), np.random.default_rng(seed).normal(size=widths[0])) for seed in range(8)]
        for radius in radii:
            met &= branched("-".join(map(str, widths)), cases, radius, target)
    cases = [(network("mlp16"), x) for x in inputs()]
    for radius in RADII:
        met &= branched("64-16-16-10, digits", cases, radius, 1950)
    return met


def branched(name: str, cases: list[tuple[Network, np.ndarray]], radius: float, target: int) -> bool:
    """One row of the table."""
    arithmetics = ("float64", "float64+outward")
    for arithmetic in arithmetics:
        solved(*cases[0], radius, arithmetic=arithmetic, slopes="optimised")
    found = [
        [solved(net, x, radius, arithmetic=arithmetic, slopes="optimised") for net, x in cases] for arithmetic in arithmetics
    ]
    closed = [sum(bound.closed for bound in column) for column in found]
    parts = [max(bound.nodes for bound in column) for column in found]
    taken = [max(bound.seconds for bound in column) for column in found]
    row = f"{name:22s} {radius:7g} {min(closed):4d}/{len(cases)} {parts[0]:11d} {parts[1]:8d} {taken[0]:7.2f} {taken[1]:8.2f}"
    print(f"{row} {target:7d}", flush=True)
    return min(closed) == len(cases) and parts[0] <= target


def large(_: int) -> bool:
    """Single precision: one output with every interval pulled back; all outputs from intervals by interval arithmetic."""
    met = []
    for name, row_sum, target, options in (
        ("one output, forward='crown', random weights", None, 300, {"forward": "crown", "outputs": [0]}),
        ("ten outputs, forward='ibp', absolute values of weights with the sum 1", 1.0, 120, {"forward": "ibp"}),
    ):
        net, x = deep_network(row_sum)
        expected = expected_memory(net, np.float32) / 2**20
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        bound = local_lipschitz(net, x, 1e-3, arithmetic="float32+outward", **options)
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10 - before
        print(f"\n24 convolutions, 110,592 units, {name}: {bound.seconds:.0f} s (aimed at {target})")
        print(f"{more:.0f} MiB above the {before:.0f} of what went before; {expected:.0f} expected, where that is libraries")
        print(f"largest row {bound.rows.max():.4g}, attained {bound.lower.max():.4g}", flush=True)
        met.append(bound.seconds <= target)
    return all(met)


def deep_network(row_sum: float | None) -> tuple[Network, np.ndarray]:
    """24 convolutions of 32 channels at 12 x 12 with residuals, and an input.

    Args:
        row_sum: of the absolute values of the weights of a unit; None for a variance of 1 / fan_in.
    """
    rng, channels, size = np.random.default_rng(0), 32, 12

    def conv(before: int) -> Conv:
        weights = rng.normal(size=(channels, before, 3, 3))
        sums = np.abs(weights).sum(axis=(1, 2, 3), keepdims=True)
        weights = weights / np.sqrt(9 * before) if row_sum is None else weights * row_sum / sums
        return Conv(weights.astype(np.float32), np.full(channels, 0.05, np.float32), padding=1)

    layers: list[Any] = [conv(3), Relu()]
    for _block in range(11):
        layers += [Residual([conv(channels), Relu(), conv(channels)]), Relu()]
    last = rng.normal(size=(10, channels)).astype(np.float32)
    layers += [conv(channels), Relu(), AvgPool(size), Flatten(), Dense(last)]
    net = Network.from_layers(layers, input_shape=(3, size, size))
    return net, rng.uniform(size=net.input_shape).astype(np.float32)


def random_network(widths: tuple[int, ...], seed: int) -> Network:
    """Gaussian weights of variance 1 / fan_in, biases of 0.3."""
    rng = np.random.default_rng(100 + seed)
    return Network.sequential([(rng.normal(size=(m, n)) / np.sqrt(n), 0.3 * rng.normal(size=m)) for n, m in pairwise(widths)])


def in_turns(repeats: int, *calls: Callable[[], object]) -> list[float]:
    """Median CPU seconds of each, after one call that is not counted."""
    for call in calls:
        call()
    taken = [[seconds(call) for call in calls] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def seconds(call: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()

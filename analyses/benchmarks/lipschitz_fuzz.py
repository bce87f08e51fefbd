"""Local Lipschitz bounds of random networks against NumPy: `python analyses/benchmarks/lipschitz_fuzz.py [COUNT] [--exact N]`.

COUNT networks of 2 to 5 layers, widths 1 to 12, 1 to 8 inputs and 1 to 4 outputs, with radii from 0.01 to 1: "lirpa",
"recurjac" and "ibp" with forward="crown" must be the formulas' to 1e-10, and no less than what is sampled on the ball. N tiny
networks more: "bab" in both arithmetics and "exact" must be the constant over all patterns to 1e-6, where they say they are.

The exit status is 1 if anything is unsound or off.
"""

from __future__ import annotations

import argparse
import sys
import time
import types
from functools import partial
from importlib import import_module
from pathlib import Path

import jax

LARGEST, TINY = (8, 12, 12, 12, 12, 4), (2, 4, 3, 2)


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=5000)
    parser.add_argument("--exact", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    tests = types.ModuleType("tests")  # by hand, as installed packages may bring one of this name
    tests.__path__ = [str(Path(__file__).resolve().parents[2] / "tests")]
    sys.modules["tests"] = tests
    fuzz = import_module("tests.lipschitz.fuzz")
    wrong = 0
    for run in (
        partial(fuzz.fuzz, options.count, LARGEST, "crown", seed=options.seed),
        partial(fuzz.fuzz_exact, options.exact, TINY, seed=options.seed),
    ):
        begun = time.perf_counter()
        found = run()
        wrong += len(found.messages)
        print("\n".join(found.messages[:10]))
        print(
            f"{found.networks} networks, {found.unstable} with an open unit: {found.unsound} unsound bounds, "
            f"{len(found.messages)} messages, {time.perf_counter() - begun:.0f} s"
        )
        for name, off in (found.disagreement | found.against_exact).items():
            left = f", bounds not met for {found.open_ends[name]} networks" if name in found.open_ends else ""
            print(f"  {name}: off by {off:.1e} at most{left}")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()

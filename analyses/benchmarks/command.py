"""How fast does the command answer? Run with `python analyses/benchmarks/command.py [--runs N]` where a catalogue is verified.

Times whole processes, interleaved over rounds, beside the bare interpreter as the peer: the ratio says what ntkit adds.
Targets: help, list and show under 0.3 s on an idle machine; a second verify of an unchanged catalogue under 3 s.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

CALL = "import sys; from ntkit.cli import main; sys.exit(main())"
COMMANDS: dict[str, tuple[list[str], float]] = {
    "python -c pass": (["pass"], float("inf")),
    "python -c 'import numpy'": (["import numpy"], float("inf")),
    "ntkit --help": ([CALL, "--help"], 0.3),
    "ntkit list": ([CALL, "list"], 0.3),
    "ntkit show CLAIM": ([CALL, "show", "CLAIM"], 0.3),
    "ntkit verify (second run)": ([CALL, "verify"], 3.0),
}


def main() -> int:
    """Print the table; the exit status is 1 if a target is missed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=11, help="rounds over all commands (default: 11)")
    options.add_argument("--claim", default="achour2022/frobenius-identity", help="what to show")
    chosen = options.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for name, (arguments, _) in COMMANDS.items():
        _time(arguments, chosen.claim)  # fills caches
        assert seconds[name] == []
    for _ in range(chosen.runs):
        for name, (arguments, _) in COMMANDS.items():
            seconds[name].append(_time(arguments, chosen.claim))
    bare = statistics.median(seconds["python -c pass"])
    print(f"{'command':<28} {'median s':>9} {'min':>7} {'max':>7} {'ratio to bare':>14} {'target s':>9}")
    missed = False
    for name, (_, target) in COMMANDS.items():
        times = seconds[name]
        median = statistics.median(times)
        missed |= median > target
        print(f"{name:<28} {median:9.3f} {min(times):7.3f} {max(times):7.3f} {median / bare:14.1f} {target:9.1f}")
    return 1 if missed else 0


def _time(arguments: list[str], claim: str) -> float:
    command = [sys.executable, "-P", "-c", *(claim if word == "CLAIM" else word for word in arguments)]
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())

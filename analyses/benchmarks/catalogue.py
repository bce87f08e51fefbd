"""What does the catalogue cost? Reads `ntkit verify --json FILE`: `python analyses/benchmarks/catalogue.py FILE`.

Judges the quick tier: at most 20 CPU seconds a claim on one core, compilation and controls included, and 5 on average.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

MOST, AVERAGE = 20.0, 5.0


def main() -> int:
    """Print the costs, dearest first; the exit status is 1 if a claim or the average costs too much."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("verdicts", type=Path, help="what `ntkit verify --json` wrote")
    records = [r for r in json.loads(options.parse_args().verdicts.read_text()) if r["tier"] == "quick"]
    for record in sorted(records, key=lambda r: -r["cpu_seconds"]):
        mark = "  over the target" if record["cpu_seconds"] > MOST else ""
        print(f"{record['cpu_seconds']:8.2f} s  {record['peak_mb']:8.0f} MB  {record['claim']}{mark}")
    mean = statistics.mean(r["cpu_seconds"] for r in records)
    print(f"{mean:8.2f} s  on average over {len(records)} claims (target {AVERAGE:g} s, {MOST:g} s each)")
    return 1 if mean > AVERAGE or any(r["cpu_seconds"] > MOST for r in records) else 0


if __name__ == "__main__":
    sys.exit(main())

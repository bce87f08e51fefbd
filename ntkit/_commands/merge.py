"""`ntkit merge`: join the stores of several shards."""

from __future__ import annotations

import argparse
from pathlib import Path

from ntkit.claims._store import Store


def run(options: argparse.Namespace) -> int:
    """Take over what each store has and the target lacks; 1 if two stores disagree about one trial."""
    sources = [Store(Path(folder), write=False) for folder in options.stores]
    target = Store(Path(options.store))
    disagreeing = 0
    for source in sources:
        added, differing = target.merge(source)
        disagreeing += differing
        doubt = f", {differing} disagree with what was there" if differing else ""
        print(f"{source.folder}: {added} outcomes taken over{doubt}")
        source.close()
    target.close()
    if disagreeing:
        print(f"{disagreeing} trials gave other bytes in another store (another machine or a flaky claim); the first were kept")
    return 1 if disagreeing else 0

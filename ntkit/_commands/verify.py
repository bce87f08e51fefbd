"""`ntkit verify`: measure what is missing, judge, and say what came of it."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from ntkit._commands._display import Display
from ntkit.claims._claim import TIERS, Claim
from ntkit.claims._derive import Record, exit_status
from ntkit.claims._engine_choice import check_dask, choose_engine
from ntkit.claims._errors import UsageError
from ntkit.claims._index import read_catalogue
from ntkit.claims._places import catalogue_folder, write_atomically
from ntkit.claims._store import Store
from ntkit.claims._verify import Verification, in_shard, why
from ntkit.cli import EXIT_INTERRUPTED

EXIT_TERMINATED = 143


def run(options: argparse.Namespace) -> int:
    """Verify the chosen claims; the exit status says whether everything is as recorded."""
    check_tier(options.tier)
    check_dask(options.dask)
    catalogue = read_catalogue(catalogue_folder(options.path))
    if options.why:
        return _explain(catalogue.one(options.why), options)
    claims = catalogue.select(options.names)
    if options.shard:
        claims = [claim for claim in claims if in_shard(claim, options.seed, options.shard)]
    if options.json:
        _check_writable(Path(options.json))
    store = Store(Path(options.store))
    display = Display()
    signal.signal(signal.SIGTERM, _terminate)
    verification = Verification(
        store,
        lambda: choose_engine(options.jobs or cores(), options.dask),
        tier=options.tier,
        seed=options.seed,
        fresh=options.fresh,
        listener=display,
    )
    try:
        with display:
            records = verification.run(claims)
    except KeyboardInterrupt as interrupt:
        display.interrupted(f"ntkit verify {_again(options)}".strip(), options.store)
        return int(interrupt.args[0]) if interrupt.args else EXIT_INTERRUPTED
    finally:
        store.close()
    if options.json:
        _write_json(Path(options.json), records, store)
    display.summary(records, catalogue.errors)
    return exit_status(records, collection_errors=bool(catalogue.errors))


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_tier(tier: str) -> None:
    """Refuse a tier that does not exist."""
    if tier not in TIERS:
        raise UsageError(f"--tier {tier}: there is no such tier; use {' or '.join(TIERS)}")


def json_records(records: Sequence[Record], store: Store) -> list[dict[str, Any]]:
    """The verdicts as `--json` writes them: the evidence is the path of its arrays."""

    def path(digest: str) -> str | None:
        return str(store.evidence_path(digest)) if digest else None

    shown = []
    for record in records:
        digests = record["evidence"]
        controls = {name: {**control, "evidence": path(digests.get(name, ""))} for name, control in record["controls"].items()}
        shown.append({**record, "controls": controls, "evidence": path(digests.get("claim", ""))})
    return shown


def _explain(claim: Claim, options: argparse.Namespace) -> int:
    folder = Path(options.store)
    store = Store(folder, write=False) if (folder / "results.sqlite").is_file() else None
    print(claim.name)
    for line in why(claim, store, tier=options.tier, seed=options.seed):
        print(f"  {line}")
    return 0


def _check_writable(path: Path) -> None:
    """Find out before hours of measuring, not after."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(f"--json {path}: cannot be written; give a file in a folder that exists and can be written")


def _write_json(path: Path, records: Sequence[Record], store: Store) -> None:
    text = f"{json.dumps(json_records(records, store), indent=2, allow_nan=False)}\n"
    try:
        if path.exists() and (path.is_symlink() or not path.is_file()):  # a pipe, a device, a link: write through it
            path.write_text(text)
        else:
            write_atomically(path, text.encode())
    except OSError as error:
        raise UsageError(f"--json {path}: cannot be written ({error.strerror})") from None


def _again(options: argparse.Namespace) -> str:
    """The options with which the same run goes on."""
    words = list(options.names)
    for name, default in (
        ("tier", "quick"),
        ("seed", 1000),
        ("path", None),
        ("store", ".ntkit"),
        ("jobs", None),
        ("dask", None),
        ("json", None),
    ):
        value = getattr(options, name)
        if value != default:
            words += [f"--{name}", str(value)]
    if options.shard:
        words += ["--shard", "/".join(map(str, options.shard))]
    return shlex.join(words)


def _terminate(number: int, frame: FrameType | None) -> None:
    sys.stdout.flush()
    raise KeyboardInterrupt(EXIT_TERMINATED)

"""`ntkit init`: a first claim to start from."""

from __future__ import annotations

import argparse
from pathlib import Path

from ntkit.claims._errors import UsageError

FIRST_CLAIM = r'''"""Doe (2024). A first claim: replace it by your own paper."""

import jax
import numpy as np

from ntkit.claims import Paper, Series, Slope, Trial

paper = Paper(key="doe2024", title="The error of a mean", authors="Jane Doe", year=2024)


@paper.claim(
    "root-n",
    where="Theorem 1",
    kind="theorem",
    checked="text",
    statement=r"\sqrt{\mathbb{E} \, \bar{x}_n^2} = \sigma n^{-1/2}",
    rule=Slope(tol=0.05),
    controls={"exponent-one-third": "the prediction n^{-1/3} in place of n^{-1/2}"},
)
def root_n(trial: Trial) -> Series:
    """The mean of n independent normal numbers; assumes finite variance."""
    n = np.array([16, 64, 256, 1024])
    repeats = trial.repeats(quick=1000, full=10000)
    keys = jax.random.split(trial.key, len(n))
    means = [np.asarray(jax.random.normal(key, (repeats, size)).mean(axis=1)) for key, size in zip(keys, n, strict=True)]
    expected = -1 / 3 if trial.control == "exponent-one-third" else -1 / 2
    return Series(n, np.stack(means, axis=1), expected=expected, reduce="rms", x_label="n", y_label="error of the mean")
'''


def run(options: argparse.Namespace) -> int:
    """Write ./paper_checks/doe2024.py; nothing that is there already is touched."""
    file = Path("paper_checks") / "doe2024.py"
    if file.exists():
        raise UsageError(f"{file} is there already; `ntkit verify` runs it")
    if file.parent.exists() and not file.parent.is_dir():
        raise UsageError(f"{file.parent} is a file; a folder of that name is needed")
    file.parent.mkdir(exist_ok=True)
    file.write_text(FIRST_CLAIM)
    print(f"wrote {file}; now run: ntkit verify")
    return 0

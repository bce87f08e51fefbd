"""What studies say of memory and time before long work."""

import re
from pathlib import Path

import numpy as np
import pytest

from ntkit.cli import main
from ntkit.studies import _estimates

NETWORK = {"W1": np.ones((6, 3)), "W2": np.ones((2, 6)), "act": np.array("relu")}
GIVEN = {
    "orthoconv": ("--in-channels", 2, "--out-channels", 2, "--kernel", 2, "--size", 4),
    "lipschitz": ("--weights", "net.npz", "--data", "x.npy", "--radius", 0.1),
    "landscape": ("--net", "dense4 relu dense1", "--count", 20, "--labels-are", "numbers", "--steps", 2, "--points", 3),
}
SAID = {
    "orthoconv": "memory   L_orth of the largest layer: about",
    "lipschitz": "memory   bounds, most of it to compile them: about",
    "landscape": "memory   the Hessian's spectrum: about",
}


@pytest.mark.parametrize("study", GIVEN)
def test_memory_is_said_where_it_is_much(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], study: str
) -> None:
    """Before the work, which an interrupt ends here."""
    np.savez("net.npz", **NETWORK)
    np.save("x.npy", np.ones((2, 3)))

    def stop(what: str, seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_estimates, "MUCH", 0)
    monkeypatch.setattr(f"analyses.{study}.announce", stop)
    monkeypatch.setattr("ntkit._commands.analyze._load", lambda file: __import__(f"analyses.{study}", fromlist=["run"]))
    if study == "lipschitz":
        monkeypatch.setattr("analyses.lipschitz.MANY", 2)
        monkeypatch.setattr("analyses.lipschitz.FEW", 1)
        monkeypatch.setattr("analyses.lipschitz.timed_twice", lambda work: (0.0, 0.0))
    assert main(["analyze", study, *map(str, GIVEN[study])]) == 130
    assert re.search(f"^{SAID[study]} [0-9.e+]+ [kMG]B$", capsys.readouterr().out, re.MULTILINE)

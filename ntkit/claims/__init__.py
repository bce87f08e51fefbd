"""Claims: what a paper says, how it is measured, and the rule that judges it.

A claim file declares one `Paper` and decorates one function per claim; `ntkit verify` runs them. See the README.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ntkit.claims._claim import Citation, Claim, Control
    from ntkit.claims._engine_choice import check_dask
    from ntkit.claims._errors import ClaimError, EvidenceError, NtkitError, StoreError, UsageError, UserCodeError
    from ntkit.claims._evidence import Bounds, Counts, Crossings, Estimates, Integers, Pairs, Series, Sides
    from ntkit.claims._paper import Paper
    from ntkit.claims._record import Record
    from ntkit.claims._sweep import Swept, scatter, sweep
    from ntkit.claims._trial import Trial
    from ntkit.claims._users_code import users_code
    from ntkit.claims.rules import Agreement, All, Exact, Identity, Inequality, Ordering, Proportion, Slope

# Names are imported when they are asked for: `ntkit list` and `ntkit show` answer before numpy would have started.
_HOMES = {
    "_claim": ("Citation", "Claim", "Control"),
    "_engine_choice": ("check_dask",),
    "_errors": ("ClaimError", "EvidenceError", "NtkitError", "StoreError", "UsageError", "UserCodeError"),
    "_evidence": ("Bounds", "Counts", "Crossings", "Estimates", "Integers", "Pairs", "Series", "Sides"),
    "_paper": ("Paper",),
    "_record": ("Record",),
    "_sweep": ("Swept", "scatter", "sweep"),
    "_trial": ("Trial",),
    "_users_code": ("users_code",),
    "rules": ("Agreement", "All", "Exact", "Identity", "Inequality", "Ordering", "Proportion", "Slope"),
}

__all__ = [
    "Agreement",
    "All",
    "Bounds",
    "Citation",
    "Claim",
    "ClaimError",
    "Control",
    "Counts",
    "Crossings",
    "Estimates",
    "EvidenceError",
    "Exact",
    "Identity",
    "Inequality",
    "Integers",
    "NtkitError",
    "Ordering",
    "Pairs",
    "Paper",
    "Proportion",
    "Record",
    "Series",
    "Sides",
    "Slope",
    "StoreError",
    "Swept",
    "Trial",
    "UsageError",
    "UserCodeError",
    "check_dask",
    "scatter",
    "sweep",
    "users_code",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"ntkit.claims.{home}"), name)
    raise AttributeError(f"module 'ntkit.claims' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""A simulated catalogue of true claims, for the question how often `verify` ends with a surprise although every claim is true.

Every claim has a control that is wrong. Windows and controls are calibrated on pilot draws, so that a given share of first
blocks supports the claim and the same share refutes the control: a control is as near as that allows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator
from scipy.optimize import brentq
from scipy.stats import binom

from analyses.coverage import STUDIES, Study, supporting
from ntkit.claims import Agreement, All, Claim, Counts, Estimates, Ordering, Pairs, Paper, Proportion
from ntkit.claims._derive import is_surprise, judge
from ntkit.claims._encoding import encode
from ntkit.claims._outcome import Outcome
from ntkit.claims._trial import REPEAT_FACTOR
from ntkit.claims.rules import Rule

CLAIMS = 150
PILOTS = 400

MIXTURE = (
    ("Slope geometric", "normal", 5),
    ("Slope geometric", "uneven", 10),
    ("Slope mean, loglog", "exponential", 20),
    ("Slope mean, semilogy", "normal", 20),
    ("Slope rms, loglog", "normal", 20),
    ("Crossings", "normal", 20),
    ("Agreement, 1 cell", "student3", 10),
    ("Agreement, 10 cells", "normal", 20),
    ("Ordering, 1 cell", "normal", 5),
    ("Ordering, 1 cell", "exponential", 20),
)


@dataclass(frozen=True)
class Kind:
    """A kind of claim: its rule, and what it measures, truly or as the control, from that many repeats."""

    rule: Rule
    returns: str
    measure: Callable[[bool, int, Generator], object]
    repeats: int


def kinds(*shares: float, seed: int = 0) -> list[list[Kind]]:
    """For each share of first blocks that come out as they should: one kind of each rule."""
    rng = np.random.default_rng(seed)
    found: list[list[Kind]] = [[] for _ in shares]
    for name, data, repeats in MIXTURE:
        study = next(study for study in STUDIES if study.name == name)
        drawn = np.array([_furthest(study, study.evidence(data, repeats, rng)) for _ in range(PILOTS)])
        for kind, share in zip(found, shares, strict=True):
            kind.append(_calibrated(study, data, repeats, drawn, share))
    for kind, share in zip(found, shares, strict=True):
        kind.append(_proportion(share))
        kind.append(_parts(kind[0], kind[8]))
    return found


def _furthest(study: Study, evidence: object) -> tuple[float, float]:
    """The interval, relative to the truth, that decides whether all cells are supported."""
    if isinstance(evidence, Estimates):
        interval = Agreement(atol=1e-9, refute=1e300).judge(evidence).interval
        assert interval is not None
        return interval[0] * 1e-9, interval[1] * 1e-9
    if isinstance(evidence, Pairs):
        interval = Ordering(refute=-1e300).judge(evidence).interval
        assert interval is not None
        return interval
    return study.interval(evidence)  # type: ignore[arg-type]


def _calibrated(study: Study, data: str, repeats: int, drawn: np.ndarray, share: float) -> Kind:
    one_sided = "Ordering" in study.name
    half = supporting(drawn, share, one_sided=one_sided)
    off = half + np.quantile(drawn[:, 1], share) if one_sided else 2 * half - np.quantile(drawn[:, 0], 1 - share)

    def measure(wrong: bool, repeats: int, rng: Generator) -> object:
        return study.evidence(data, repeats, rng, float(off) if wrong else 0.0)

    returns = type(measure(False, repeats, np.random.default_rng(0))).__name__
    return Kind(study.rule(half), returns, measure, repeats)


def _proportion(share: float, trials: int = 60) -> Kind:
    rule = Proportion(at_least=0.8)
    words = [rule.judge(Counts(k, trials)).verdict for k in range(trials + 1)]
    fewest, most = words.index("supported"), trials - words[::-1].index("refuted")
    true = brentq(lambda p: binom.sf(fewest - 1, trials, p) - share, 0.5, 1 - 1e-9)
    wrong = brentq(lambda p: binom.cdf(most, trials, p) - share, 1e-9, 0.9)
    return Kind(rule, "Counts", lambda off, n, rng: Counts(int(rng.binomial(n, wrong if off else true)), n), trials)


def _parts(slope: Kind, order: Kind) -> Kind:
    def measure(wrong: bool, repeats: int, rng: Generator) -> object:
        return {"slope": slope.measure(wrong, repeats, rng), "order": order.measure(False, repeats, rng)}

    return Kind(All(slope=slope.rule, order=order.rule), "dict", measure, slope.repeats)


def declare(number: int, kind: Kind, paper: Paper) -> Claim:
    """The claim as a claim file would declare it."""

    def measured() -> None: ...

    measured.__annotations__["return"] = kind.returns
    rule, controls = kind.rule, {"off": "the truth lies elsewhere"}
    paper.claim(f"claim-{number}", where="Theorem 1", statement="a = b", rule=rule, controls=controls)(measured)  # type: ignore[arg-type]
    return paper.declared[f"claim-{number}"][0]


def catalogue(of: list[Kind]) -> list[tuple[Claim, Kind]]:
    """150 true claims, of every kind in turn."""
    paper = Paper(key="true2024", title="True", authors="Doe", year=2024)
    return [(declare(i, of[i % len(of)], paper), of[i % len(of)]) for i in range(CLAIMS)]


def surprises(claim: Claim, kind: Kind, block: int, rng: Generator) -> bool:
    """Whether one block of a claim and its control comes out otherwise than recorded."""
    repeats = kind.repeats * (REPEAT_FACTOR if block else 1)
    judged = {}
    for control in claim.variants:
        measured = encode(kind.measure(control is not None, repeats, rng))  # type: ignore[arg-type]
        outcome = Outcome("key", "measured", evidence=measured)
        judged[control] = judge(claim, control, outcome, partial(_missing))
    return is_surprise(claim, "quick", judged)


def _missing(digest: str) -> bytes:
    raise AssertionError(f"{digest}: the evidence is at hand")


def run(claims: list[tuple[Claim, Kind]], rng: Generator) -> tuple[int, int]:
    """One run of the catalogue: how many claims surprise at first, and how many still do after their repeat."""
    first = [(claim, kind) for claim, kind in claims if surprises(claim, kind, 0, rng)]
    return len(first), sum(surprises(claim, kind, 1, rng) for claim, kind in first)

"""Claims with every kind of evidence, measured in this process: results as figures and reports find them in a store."""

from pathlib import Path

from ntkit.claims import Claim, Record
from ntkit.claims._collect import load
from ntkit.claims._record import latest_record
from ntkit.claims._store import Store
from ntkit.claims._verify import Verification
from tests.support import DirectEngine, Recorder, write_claims

HEAD = "def noise(trial):\n    return np.random.default_rng([trial.seed, len(trial.control or '')])\n"
CLAIM = """
@paper.claim({slug!r}, where="Theorem 1", statement={statement!r}, rule={rule}, controls={controls}, {options})
def {function}(trial: Trial) -> {returns}:
    \"\"\"Measured for a test.\"\"\"
    g, wrong = noise(trial), bool(trial.control and trial.control != "repaired")
    {body}
"""


def claim(
    slug: str, rule: str, returns: str, body: str, *, statement: str = "a = b", controls: str = "", options: str = ""
) -> str:
    """The source of a claim; `body` returns evidence, wrong where `wrong` is true."""
    controls = controls or '{"wrong": "something is wrong"}'
    function = slug.replace("-", "_")
    body = body if "return " in body else f"return {body}"
    return CLAIM.format(**{**locals(), "body": body})


GRID = "np.array([4.0, 8, 16, 32])[:, None] ** (1 if wrong else 2) * np.geomspace(0.25, 4, 7)"
ERRORS = "0.5 / (1 + np.geomspace(0.25, 4, 7) ** 2) + 0.01 * g.normal(size=(20, 4, 7))"
SLOPE = "expected=-1.0 if wrong else -0.5"
NEVER = f"Crossings([4.0, 8, 16, 32], {GRID}, {ERRORS} + (0 if wrong else 1), target=0.25, expected=2.0)"
CLAIMS = (  # slug, rule, evidence, what is measured
    ("series", "Slope(tol=0.1)", "Series", "Series(n := np.array([16, 64, 256]), np.abs(g.normal(size=(200, 3))) / np.sqrt(n), "
     f"{SLOPE}, reduce='rms', x_label='width $n$', y_label='error')"),
    ("semilogy", "Slope(tol=0.1, axes='semilogy')", "Series",
     "Series(k := np.arange(4.0), np.exp(-(2 if wrong else 1) * k + 0.1 * g.normal(size=(5, 4))), -1, reduce='geometric')"),
    ("linear", "Slope(tol=(-0.2, None), axes='linear')", "Series",
     "Series([1, 2, 3], [0, 0, 0] if wrong else [3, 6, 9], expected=3)"),
    ("crossings", "Slope(tol=0.2)", "Crossings",
     f"Crossings([4.0, 8, 16, 32], {GRID}, {ERRORS}, target=0.25, expected=2.0, x_label='dimension', y_label='samples')"),
    ("sides", "Identity(rtol=1e-9)", "Sides",
     "Sides(a := g.random(500) + 1, a * (1 + 1e-15) + (g.random(500) if wrong else 0))"),
    ("upper", "Inequality()", "Bounds", "Bounds(v := g.lognormal(size=50, sigma=3), upper=v * (0.5 if wrong else 2))"),
    ("between", "Inequality()", "Bounds", "Bounds((v := np.linspace(-1, 1, 9)) + wrong, lower=v - 0.1, upper=v + 0.1)"),
    ("estimates", "Agreement(atol=0.5)", "Estimates",
     "Estimates.from_samples(g.normal(size=(400, 3)), 99.0 if wrong else 0.0)"),
    ("counts", "Proportion(at_least=0.9)", "Counts", "Counts([10, 20] if wrong else [99, 199], [100, 200])"),
    ("pairs", "Ordering()", "Pairs", "Pairs(g.normal(size=(30, 2)) + (-5 if wrong else 5), np.zeros((30, 2)))"),
    ("integers", "Exact()", "Integers", "Integers([1, 2, 3], [1, 2, 4] if wrong else [1, 2, 3])"),
)  # fmt: skip
TROUBLED = (
    ("raises", "Exact()", "Integers", "raise RuntimeError('cannot <i>allocate</i>'); return None"),
    ("control-raises", "Exact()", "Integers", "Integers([1], [1 if not wrong else 1 / 0])"),
    ("wrong-kind", "Exact()", "Integers", "Sides([1.0], [1.0])"),
    ("toothless", "Exact()", "Integers", "Integers([1], [1])"),
    ("unmet", "Slope(tol=0.1)", "Series",
     "Series([1, 2, 4], [1, 2, 4], -1) if wrong else Series([1, 2, 4], [1, np.nan, np.inf], -1, unmet='it never trained')"),
    ("unmet-trial", "Exact()", "Integers", "wrong or trial.unmet('too small'); return Integers([1], [1 + wrong])"),
    ("nothing-finite", "Identity(rtol=1e-9)", "Sides",
     "Sides([1.0], [2.0]) if wrong else Sides([np.nan], [np.inf], unmet='it diverged')"),
    ("pairs-unmet", "Ordering()", "Pairs",
     "Pairs([0.0] * 30, [1.0] * 30) if wrong else Pairs([np.nan] * 30, [1.0] * 30, unmet='it diverged')"),
    ("estimates-unmet", "Agreement(atol=1)", "Estimates",
     "Estimates([9.0], [0.1], 0.0) if wrong else Estimates([np.nan], [np.nan], 0.0, unmet='it diverged')"),
    ("never", "Slope(tol=0.2)", "Crossings", NEVER),
)  # fmt: skip
REFUTED = "kind='theorem', checked='text', recorded='refuted', because='a counterexample', repaired='for small values'"
PARTS = claim(
    "parts",
    "All(equal=Identity(rtol=1e-9), rank=Exact())",
    "dict[str, Sides | Integers]",
    "{'equal': Sides([1.0, 2.0], [1.0, 2.0]), 'rank': Integers([3], [4 if wrong else 3])}",
    controls='{"wrong": Control("rank", parts=("rank",))}',
)
KINDS = {one[0]: claim(*one) for one in CLAIMS} | {"parts": PARTS}
TROUBLE = {one[0]: claim(*one) for one in TROUBLED} | {
    "refuted": claim(
        "refuted",
        "Inequality()",
        "Bounds",
        "Bounds([0.5] if trial.control == 'repaired' else [2.0 + wrong], upper=1.0)",
        options=REFUTED,
    )
}


def declare(folder: Path, key: str, *sources: str) -> list[Claim]:
    """Write a claim file and collect it."""
    file = write_claims(folder, key, HEAD, *sources)
    return [declared for declared, _ in load(file).values()]


def measure(claims: list[Claim], store: Store, tier: str = "quick") -> None:
    """Verify claims in this process."""
    Verification(store, DirectEngine, tier=tier, seed=1000, listener=Recorder()).run(claims)


def measured(folder: Path, source: str, key: str = "doe2024") -> Record:
    """The result on one claim."""
    claims = declare(folder / "paper_checks", key, source)
    store = Store(folder / "store")
    measure(claims, store)
    return latest_record(claims[0], store)

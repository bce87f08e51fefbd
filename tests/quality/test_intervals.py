"""Intervals and verdicts against the truth, by simulation: `analyses/coverage.py` with fewer draws.

Every count is compared with a binomial quantile, so that a rule which is as good as it claims fails a comparison with
probability at most FALSE_ALARM over random seeds (they are fixed: one that passes, passes always). Fewer than 250
comparisons are made, so that a change of seeds or of the random stream would fail a sound rule with probability below 0.3 %.
"""

import re

import numpy as np
import pytest
from scipy.stats import binom, norm

from analyses.coverage import DATA, STUDIES, Study, binomial, coverage, intervals, pairs, refuted, supporting
from ntkit.claims import Agreement, Ordering, Slope

FALSE_ALARM = 1e-5
SEED = 1  # the committed tables are drawn with seed 0
DRAWS = {5: 2000, 20: 1000, 100: 400}
COSTLY = 3  # times fewer draws for crossings
QUICK = [study for study in STUDIES if study.name not in ("Slope mean, semilogy", "Crossings")]


def cases(repeats: tuple[int, ...], studies: list[Study] | tuple[Study, ...] = STUDIES) -> list[object]:
    allowed = [(study, n) for n in repeats for study in studies if n >= study.fewest]
    return [pytest.param(study, n, id=f"{study.name}-{n}") for study, n in allowed]


@pytest.mark.parametrize(("study", "repeats"), [*cases((5, 20)), *cases((100,), QUICK)])
def test_intervals_reach_their_level_for_normal_data(study: Study, repeats: int) -> None:
    """Sound if 95 % are covered; one that covers 90 % passes with less than 3 % (but 75 % at the fewest draws)."""
    draws = DRAWS[repeats] // (COSTLY if study.name == "Crossings" else 1)
    drawn = intervals(study, "normal", repeats, draws, SEED)
    covered = round(coverage(drawn)[0] * len(drawn))
    assert covered >= binom.ppf(FALSE_ALARM, len(drawn), 0.95)


@pytest.mark.parametrize("repeats", [1, 2, 5, 20, 100])
@pytest.mark.parametrize("probability", [0.01, 0.1, 0.37, 0.5, 0.9, 0.999])
def test_binomial_intervals_reach_their_level_exactly(probability: float, repeats: int) -> None:
    covered, below, above = binomial(probability, repeats)
    assert covered >= 0.95 - 1e-12
    assert max(below, above) <= 0.025 + 1e-12


@pytest.mark.parametrize(("study", "repeats"), cases((5, 20)))
def test_a_false_claim_at_the_edge_is_rarely_supported(study: Study, repeats: int) -> None:
    """Sound if 2.5 % are supported; a rule with 6 % passes with less than 1 % (5 repeats), 8 % (20), 80 % (crossings)."""
    rng = np.random.default_rng([SEED, repeats])
    pilot = intervals(study, "normal", repeats, 200, SEED + 1)
    half = 2 * supporting(pilot, one_sided=study.evidence is pairs)
    rule, draws = study.rule(half), DRAWS[repeats] // (COSTLY if study.name == "Crossings" else 1)
    words = [rule.judge(study.evidence("normal", repeats, rng, half)).verdict for _ in range(draws)]
    assert words.count("supported") <= binom.isf(FALSE_ALARM, draws, 0.025)


@pytest.mark.parametrize(("study", "repeats"), cases((5, 20), [s for s in STUDIES if "10 cells" not in s.name]))
def test_a_wrong_claim_is_refuted(study: Study, repeats: int) -> None:
    """Three half-widths off, where the window supports 98 % of true claims: 95 % or more are refuted."""
    pilot = intervals(study, "normal", repeats, 400, SEED + 2)
    half = supporting(pilot, one_sided=study.evidence is pairs)
    draws = 100
    assert refuted(study, half, 3, repeats, draws, SEED) * draws >= binom.ppf(FALSE_ALARM, draws, 0.95)


def tables(rule: type) -> dict[tuple[str, int], list[float]]:
    """The coverages in a rule's docstring: (interval, repeats) -> one number per kind of data."""
    rows = re.findall(r"^ *(\w[\w, ]*?) +(\d+)((?: +\d+\.\d){6})$", rule.__doc__ or "", re.MULTILINE)
    return {(name, int(n)): [float(number) for number in numbers.split()] for name, n, numbers in rows}


@pytest.mark.parametrize("rule", [Slope, Agreement, Ordering])
def test_docstrings_print_every_coverage(rule: type) -> None:
    names = {name for name, _ in tables(rule)}
    wanted = {s.name.split(rule.__name__)[-1].strip(", ") for s in STUDIES if s.name.startswith(rule.__name__)}
    assert names == wanted | ({"Crossings"} if rule is Slope else set())
    for (name, n), printed in tables(rule).items():
        assert len(printed) == len(DATA)
        assert printed[0] >= 93.0, f"{name} at {n}: below 93 % for normal data"
        assert n in (5, 20, 100)


@pytest.mark.parametrize("rule", [Slope, Agreement, Ordering])
def test_printed_coverages_are_measured_ones(rule: type) -> None:
    """Two independent simulations, 4000 draws and 150 to 400: their difference stays within its own error."""
    for (name, n), printed in tables(rule).items():
        if n == 100:
            continue  # costs too much here
        study = next(s for s in STUDIES if s.name.endswith(name) and s.name.startswith((rule.__name__, name)))
        for data, percent in zip(DATA, printed, strict=True):
            if data in ("exponential", "uneven"):
                continue  # others show more
            draws = 150 if rule is Slope else 400
            measured = coverage(intervals(study, data, n, draws, SEED))[0]
            share = min(percent / 100, 0.99)
            error = np.sqrt(share * (1 - share) * (1 / draws + 1 / 4000)) + 0.5 / draws
            assert abs(measured - percent / 100) <= norm.isf(FALSE_ALARM / 2) * error, (study.name, n, data)

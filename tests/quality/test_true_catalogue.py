"""How often a run over 150 true claims ends with a surprise, with the real repeat logic: below 5 %, as asked.

Both blocks are independent, so the chance that a claim surprises twice is the product of two chances, each measured on many
claims: that takes far fewer runs than waiting for a rare event.

Nearly all final surprises are heavy-tailed estimates (Student's t with 3 degrees of freedom), repeated 10 times at first and
40 times then: there the bootstrap-t takes one huge value for a sign of skewness, and its interval becomes very wide. In 4000
draws each, 3.0 % of them surprise at first and 0.75 % in the repeat where 98 % of true claims are supported, 6.3 % and 1.3 %
where 96 % are. They are 12 of 150 claims, so 0.3 % and 1.0 % of runs end with a surprise.
"""

import numpy as np
import pytest
from scipy.stats import binom

from tests.quality.catalogue import CLAIMS, MIXTURE, Kind, catalogue, kinds, run, surprises

WORST_ALLOWED = 0.96  # 48 of 50 seeds, below which a claim is redesigned
ORDINARY = 0.98
RUNS = 5
REPEATED = 20  # catalogues whose every claim is judged as if it were repeated
FALSE_ALARM = 1e-5
HEAVY = next(i for i, (_, data, _) in enumerate(MIXTURE) if data == "student3")  # its place among the kinds of claims


@pytest.fixture(scope="module")
def calibrated() -> dict[float, list[Kind]]:
    shares = (ORDINARY, WORST_ALLOWED)
    return dict(zip(shares, kinds(*shares), strict=True))


@pytest.mark.parametrize("share", [ORDINARY, WORST_ALLOWED])
def test_runs_of_true_claims_hardly_ever_end_with_a_surprise(share: float, calibrated: dict[float, list[Kind]]) -> None:
    """If 1 % of runs end so, two or more of five do with probability 0.1 %."""
    claims = catalogue(calibrated[share])
    rng = np.random.default_rng(0)
    first, last = np.sum([run(claims, rng) for _ in range(RUNS)], axis=0)
    assert first > 0  # or nothing was repeated
    assert last <= 1


def test_fewer_than_5_percent_of_runs_end_with_a_surprise(calibrated: dict[float, list[Kind]]) -> None:
    """Where 48 of 50 come out right, a tenth of all claims is repeated; one repeat in 75 surprises for heavy tails, 5000 else.

    With these rates each assertion fails with probability FALSE_ALARM. A catalogue of which 5 % of runs end with a surprise
    would pass with probability 28 % if it is due to heavy tails (16 surprises of 240 repeats expected), with 13 %
    otherwise (10 of 2760).
    """
    claims = catalogue(calibrated[WORST_ALLOWED])
    rng = np.random.default_rng(1)
    first = sum(surprises(claim, kind, 0, rng) for _ in range(RUNS) for claim, kind in claims)
    again = np.sum([[surprises(claim, kind, 1, rng) for claim, kind in claims] for _ in range(REPEATED)], axis=0)
    heavy = np.arange(CLAIMS) % len(calibrated[WORST_ALLOWED]) == HEAVY
    assert first <= binom.isf(FALSE_ALARM, RUNS * CLAIMS, 0.1)
    assert again[heavy].sum() <= binom.isf(FALSE_ALARM, REPEATED * heavy.sum(), 1 / 75)
    assert again[~heavy].sum() <= binom.isf(FALSE_ALARM, REPEATED * (~heavy).sum(), 1 / 5000)

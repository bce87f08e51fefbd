"""How often do the intervals of the rules cover the truth, and how often do the rules decide rightly?

Draws evidence whose true value is known, lets the rules judge it, and counts. Two tables:

- coverage: the share of intervals that hold the truth, and beside it the shares that lie wholly below and wholly above it. The
  larger of the two is the chance of a false `supported` when the truth sits exactly on an edge of a wide allowed window.
- power: the window is first made so wide that 98 % of true claims (truth in the middle) are supported; then the share of claims
  refuted when the truth lies 2, 3 and 4 half-widths from what is claimed. By default a window refutes beyond 2 half-widths,
  an order beyond its edge, which here lies one half-width below the truth.

    python analyses/coverage.py --draws 400
    python analyses/coverage.py --only Ordering --repeats 5 20 --draws 4000
"""

from __future__ import annotations

import argparse
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ntkit.claims import Agreement, Counts, Crossings, Estimates, Ordering, Pairs, Proportion, Series, Slope
from ntkit.claims.rules import Rule

Floats = NDArray[np.float64]
Interval = tuple[float, float]
Evidence = Series | Crossings | Estimates | Pairs

TINY = 1e-9  # a tolerance so small that any interval without the truth is refuted
DATA = ("normal", "exponential", "lognormal", "uneven", "uneven lognormal", "student3")
RELATIVE = dict(zip(DATA, (0.3, 1.0, math.sqrt(math.e - 1), 0.5, math.sqrt(math.e - 1), 0.2), strict=True))  # keeps y > 0
POINTS = 2.0 ** np.arange(8)
GRID = np.geomspace(0.25, 4.0, 8)
FALLING = 0.5 - 0.3 * np.tanh(0.8 * np.log(GRID))


def noise(data: str, rng: Generator, shape: tuple[int, ...]) -> Floats:
    """Independent noise of mean 0 and standard deviation 1; "uneven": rising from 0.1 to 1 over cells, or over repeats."""
    kind = "normal" if data == "uneven" else data.rpartition(" ")[2]
    draw: dict[str, Callable[[tuple[int, ...]], Floats]] = {
        "normal": rng.standard_normal,
        "exponential": lambda size: rng.exponential(size=size) - 1,
        "lognormal": lambda size: (rng.lognormal(size=size) - math.sqrt(math.e)) / math.sqrt(math.e * (math.e - 1)),
        "student3": lambda size: rng.standard_t(3, size=size) / math.sqrt(3),
    }
    values = draw[kind](shape)
    if not data.startswith("uneven"):
        return values
    axis = 1 if shape[1] > 1 else 0
    spread = np.geomspace(0.1, 1.0, shape[axis])
    return np.asarray(values * spread.reshape(-1, *([1] * (len(shape) - 1 - axis))))


def geometric(data: str, repeats: int, rng: Generator, off: float = 0.0) -> Series:
    """A geometric mean that falls with slope -1."""
    y = np.exp(0.3 * noise(data, rng, (repeats, 8))) / POINTS
    return Series(POINTS, y, -1.0 - off, reduce="geometric")


def mean(data: str, repeats: int, rng: Generator, off: float = 0.0) -> Series:
    """A mean that falls with slope -1 in log-log axes."""
    y = (1 + RELATIVE[data] * noise(data, rng, (repeats, 8))) / POINTS
    return Series(POINTS, y, -1.0 - off)


def rms(data: str, repeats: int, rng: Generator, off: float = 0.0) -> Series:
    """A root mean square that falls with slope -1; "uneven": the fourth moment rises, as the second moment is the curve."""
    uneven = data.startswith("uneven")
    y = noise("normal" if data == "uneven" else data.rpartition(" ")[2], rng, (repeats, 8))
    if uneven:
        angle = np.linspace(0.1, math.pi / 2, 8)
        y = np.cos(angle) + np.sin(angle) * y
    return Series(POINTS, y / POINTS, -1.0 - off, reduce="rms")


def semilogy(data: str, repeats: int, rng: Generator, off: float = 0.0) -> Series:
    """A mean that falls exponentially."""
    x = np.arange(8.0)
    y = (1 + RELATIVE[data] * noise(data, rng, (repeats, 8))) * np.exp(-0.3 * x)
    return Series(x, y, -0.3 - off)


def linear(data: str, repeats: int, rng: Generator, off: float = 0.0) -> Series:
    """A mean that falls linearly."""
    x = np.arange(8.0)
    return Series(x, noise(data, rng, (repeats, 8)) - 0.5 * x, -0.5 - off)


def crossings(data: str, repeats: int, rng: Generator, off: float = 0.0) -> Crossings:
    """Falling error curves whose crossing grows in proportion to x."""
    x = 2.0 ** np.arange(2, 7)
    errors = FALLING + 0.15 * noise(data, rng, (repeats, 5, 8))
    return Crossings(x, x[:, None] * GRID, errors, 0.4, 1.0 - off)


def estimates(data: str, repeats: int, rng: Generator, off: float = 0.0, cells: int = 1) -> Estimates:
    """Means that are 0, with the samples behind them."""
    return Estimates.from_samples(noise(data, rng, (repeats, cells)), predicted=-off)


def pairs(data: str, repeats: int, rng: Generator, off: float = 0.0, cells: int = 1) -> Pairs:
    """Mean differences that are 0, or `off` too small."""
    first = noise(data, rng, (repeats, cells)) - off
    return Pairs(first, np.zeros_like(first))


@dataclass(frozen=True)
class Study:
    """A rule under test.

    Attributes:
        name: of the interval.
        rule: from the half-width of the allowed window (for an order, how far the edge lies below the truth) to the rule.
        evidence: draws evidence from data, repeats, generator, and how far the truth lies from what is claimed.
        fewest: repeats that the rule allows.
    """

    name: str
    rule: Callable[[float], Rule]
    evidence: Callable[..., Evidence]
    fewest: int = 20

    def interval(self, evidence: Evidence) -> Interval:
        """The rule's interval minus the truth; of several cells the one that misses the truth, if one does."""
        if isinstance(evidence, Pairs):
            return _two_sided(evidence)
        if isinstance(evidence, Estimates):
            return _scaled(Agreement(atol=TINY, refute=1.0).judge(evidence).interval, TINY)
        assert isinstance(evidence, Series | Crossings)
        interval = self.rule(1.0).judge(evidence).interval
        # A mean curve outside the grid has no crossing: the rule says so and decides nothing.
        low, high = interval or (-math.inf, math.inf)
        return low - evidence.expected, high - evidence.expected


def _two_sided(evidence: Pairs) -> Interval:
    """An order is judged from one side: the mirrored evidence shows the other."""
    down, up = Ordering().judge(evidence), Ordering().judge(Pairs(evidence.second, evidence.first))
    return _scaled(up.interval, -1.0) if up.verdict == "refuted" else _scaled(down.interval, 1.0)


def _scaled(interval: Interval | None, factor: float) -> Interval:
    assert interval is not None
    low, high = sorted(end * factor for end in interval)
    return low, high


STUDIES = (
    Study("Slope geometric", lambda half: Slope(tol=half), geometric, fewest=2),
    Study("Slope mean, loglog", lambda half: Slope(tol=half), mean),
    Study("Slope mean, semilogy", lambda half: Slope(tol=half, axes="semilogy"), semilogy),
    Study("Slope mean, linear", lambda half: Slope(tol=half, axes="linear"), linear),
    Study("Slope rms, loglog", lambda half: Slope(tol=half), rms),
    Study("Crossings", lambda half: Slope(tol=half), crossings),
    Study("Agreement, 1 cell", lambda half: Agreement(atol=half), estimates, fewest=2),
    Study("Agreement, 10 cells", lambda half: Agreement(atol=half), partial(estimates, cells=10), fewest=2),
    Study("Ordering, 1 cell", lambda half: Ordering(margin=-half), pairs, fewest=2),
    Study("Ordering, 10 cells", lambda half: Ordering(margin=-half), partial(pairs, cells=10), fewest=2),
)


def intervals(study: Study, data: str, repeats: int, draws: int, seed: int) -> Floats:
    """Shape (draw, 2): intervals relative to the truth, a pure function of the arguments."""
    stream = zlib.crc32(f"{study.name} {data} {repeats}".encode())
    rng = np.random.default_rng([seed, stream])
    return np.array([study.interval(study.evidence(data, repeats, rng)) for _ in range(draws)])


def coverage(drawn: Floats) -> tuple[float, float, float]:
    """The share of intervals that hold 0, that lie wholly below it, and that lie wholly above it."""
    below, above = float((drawn[:, 1] < 0).mean()), float((drawn[:, 0] > 0).mean())
    return 1 - below - above, below, above


def supporting(drawn: Floats, share: float = 0.98, *, one_sided: bool = False) -> float:
    """The half-width of the window that supports this share of true claims, from intervals relative to the truth."""
    return float(np.quantile(-drawn[:, 0] if one_sided else np.abs(drawn).max(1), share))


def refuted(study: Study, half: float, off: float, repeats: int, draws: int, seed: int) -> float:
    """The share of claims that the rule refutes when the truth (normal data) lies `off` half-widths from what is claimed."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{study.name} {repeats} {off}".encode())])
    rule = study.rule(half)
    words = [rule.judge(study.evidence("normal", repeats, rng, off * half)).verdict for _ in range(draws)]
    return words.count("refuted") / draws


def binomial(probability: float, trials: int) -> tuple[float, float, float]:
    """Coverage and misses of the rule's interval for a proportion: a sum over all outcomes, so without sampling error."""
    from scipy.stats import binom

    counts = np.arange(trials + 1)
    ends = [Proportion(at_least=0.5).judge(Counts(int(k), trials)).interval for k in counts]
    low, high = np.array([end for end in ends if end is not None]).T
    weights = binom.pmf(counts, trials, probability)
    below, above = float(weights[high < probability].sum()), float(weights[low > probability].sum())
    return 1 - below - above, below, above


def tables(studies: list[Study], repeats: list[int], draws: int, seed: int) -> Iterator[str]:
    """The lines of both tables, as they are computed."""
    error = 100 * math.sqrt(0.95 * 0.05 / draws)
    yield f"coverage in % (wholly below/above the truth); {draws} draws, Monte-Carlo standard error {error:.1f} at 95 %"
    yield f"{'':22}{'':18}" + "".join(f"{f'n = {n}':>20}" for n in repeats)
    strength: list[str] = []
    for study in studies:
        for data in DATA:
            cells = []
            for n in repeats:
                if n < study.fewest:
                    cells.append("-")
                    continue
                drawn = intervals(study, data, n, draws, seed)
                cells.append(_shown(*coverage(drawn)))
                if data == "normal" and "10 cells" not in study.name:
                    half = supporting(drawn, one_sided=study.evidence is pairs)
                    shares = [100 * refuted(study, half, off, n, draws, seed) for off in (2, 3, 4)]
                    strength.append(f"{study.name:22}{n:5}{half:12.3g}" + "".join(f"{share:8.1f}" for share in shares))
            yield f"{study.name:22}{data:18}" + "".join(f"{cell:>20}" for cell in cells)
    for p in (0.5, 0.9, 0.99):
        yield f"{'Proportion':22}{f'p = {p:g} (exact)':18}" + "".join(f"{_shown(*binomial(p, n)):>20}" for n in repeats)
    yield ""
    yield "normal data: half-width of the window that supports 98 % of true claims; refuted in % at 2, 3, 4 half-widths"
    yield f"{'':22}{'n':>5}{'half-width':>12}{'2':>8}{'3':>8}{'4':>8}"
    yield from strength


def _shown(covered: float, below: float, above: float) -> str:
    return f"{100 * covered:.1f} ({100 * below:.1f}/{100 * above:.1f})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Coverage and power of the rules' intervals, by simulation.")
    parser.add_argument(
        "--draws", type=int, default=400, help="simulated measurements per entry (default 400, about 3 minutes)"
    )
    parser.add_argument("--repeats", type=int, nargs="+", default=[5, 20, 100], help="repeats per measurement")
    parser.add_argument("--only", default="", help="only intervals whose name contains this")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = [study for study in STUDIES if options.only.lower() in study.name.lower()]
    if options.draws < 1 or min(options.repeats) < 2 or not chosen:
        parser.error(
            f"--draws must be positive, --repeats at least 2, and --only part of: {', '.join(s.name for s in STUDIES)}"
        )
    for line in tables(chosen, options.repeats, options.draws, options.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()

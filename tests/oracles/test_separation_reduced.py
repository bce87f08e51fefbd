"""The reduced sampler of two gradient steps against two gradient steps on whole data sets, in law.

The comparisons see a wrong joint law and the mistakes that are easily made: fresh noise in a second step on the same data, a
forgotten factor 1 - c / M, a degree of freedom too many. The marginals alone would not always: with n >> d the mean of the data
says little of each datum, and fresh noise passes for right. For lcn, k = 4, d = 24, n = 60, noise = threshold = 0.25, 600 runs
gave 0.12 as the smallest p of the marginals; but 5e-37 of the products, as only on the same data are the two steps correlated.
"""

from itertools import combinations_with_replacement
from typing import NamedTuple

import jax
import numpy as np
import pytest
import scipy.stats

import ntkit.separation._gate
from ntkit.separation import DynamicSignal, ProjectedGradient, StaticSignal, TwoStep
from ntkit.separation._two_step import error_of_overlaps
from tests.oracles.separation_full import draw, gradient, train, two_steps, unit

CASES = 20
FAMILY = 1e-4  # chance that any of a test's comparisons fails for a right sampler, all of them together; seeds are fixed


class Case(NamedTuple):
    """One setting, in the names of `separation_full.train`."""

    architecture: str
    samples: int
    patches: int
    dimension: int
    noise: float
    threshold: float
    rate: float = np.inf
    fresh: bool = False
    static: bool = False


def random_case(seed):
    """Small shapes, noise at which overlaps are neither 0 nor 1, thresholds from 0 to 3 noise terms."""
    rng = np.random.default_rng(seed)
    samples, patches = int(np.exp(rng.uniform(0, np.log(60)))), int(rng.integers(1, 7))
    dimension = int(rng.choice([1, 2, 3, 4, 10, 40, 200]))
    noise = float(np.exp(rng.uniform(np.log(0.05), np.log(1.0))))
    threshold = noise * float(rng.choice([0.0, rng.uniform(0, 3)], p=[0.15, 0.85]))
    rate = float(rng.choice([np.inf, np.exp(rng.uniform(-2, 4))]))
    architecture = ("fcn", "lcn", "cnn")[seed % 3]
    return Case(architecture, samples, patches, dimension, noise, threshold, rate, bool(rng.integers(2)), rng.random() < 0.3)


def full(case, replicates, seed):
    """Rows: a run's overlaps after the first step and after the second."""
    trained = train(**case._asdict(), replicates=replicates, seed=seed)
    return np.hstack([trained.first, trained.second])


def reduced(case, replicates, seed, sizes=None):
    """The same from the package; with `sizes`, whose last or other entries are `case.samples`, the rows of that point."""
    task = (StaticSignal if case.static else DynamicSignal)(case.patches, case.dimension, case.noise)
    learner = TwoStep(case.architecture, threshold=case.threshold, rate=case.rate, fresh=case.fresh)
    sizes = [case.samples] if sizes is None else sizes
    point = list(sizes).index(case.samples)
    steps = (learner.overlaps(task, sizes, rng) for rng in np.random.default_rng(seed).spawn(replicates))
    return np.array([np.concatenate([first[point].ravel(), second[point].ravel()]) for first, second in steps])


def p_values(one, two):
    """Kolmogorov-Smirnov for each marginal and, for the joint law, for each product of two of them, centred.

    Ties are conservative. Rounding to 10 digits keeps one atom one atom where the two add in different orders.
    """
    center = np.vstack([one, two]).mean(axis=0)
    one, two = np.hstack([one, products(one - center)]).round(10), np.hstack([two, products(two - center)]).round(10)
    return scipy.stats.ks_2samp(one, two, axis=0, method="asymp").pvalue


def products(rows):
    left, right = zip(*combinations_with_replacement(range(rows.shape[1]), 2), strict=True)
    return rows[:, left] * rows[:, right]


def sketched(case, replicates, seed, residual=lambda share: 1 - share, hidden=2):
    """The reduced sampler where a filter sees one signal ("lcn", "cnn"), written a second time and open to mistakes.

    Args:
        residual: variance of the gated noise beside u for each gated vector, of their share in all.
        hidden: dimensions that two steps see; the rest is a chi variable.
    """
    rng, k = np.random.default_rng(seed), case.patches
    rows = []
    for _ in range(replicates):
        carrying = rng.multinomial(case.samples, np.full(k, 1 / k)) if case.architecture == "lcn" else [case.samples]
        M = case.samples * (k if case.architecture == "cnn" else 1)
        filters = [_sketch(rng, case, M, S, residual, hidden) for S in carrying]
        rows.append([steps[step] for step in (0, 1) for steps in filters])
    return np.array(rows)


def _sketch(rng, case, M, S, residual, hidden):
    sigma, d = case.noise, case.dimension
    a, r = rng.normal(), np.sqrt(rng.chisquare(d - 1))
    u = np.array([S / M + sigma * a / M**0.5, sigma * r / M**0.5])
    u /= np.linalg.norm(u)
    z = rng.normal(size=M)
    p = sigma * (z - z.mean() + (u[0] * a + u[1] * r) / M**0.5) + u[0] * (np.arange(M) < S)
    passed = np.abs(p) > case.threshold
    c, signals, spread = passed.sum(), passed[:S].sum(), np.sqrt(passed.sum() * residual(passed.mean()))
    along = p[passed].sum()
    beside = -signals * u[1] + sigma * (c * (u[0] * r - u[1] * a) / M**0.5 + spread * rng.normal())
    beyond = sigma * spread * np.sqrt(rng.chisquare(d - hidden))
    size = np.sqrt(along**2 + beside**2 + beyond**2)
    return u[0], (along * u[0] - beside * u[1]) / size if c else u[0]


@pytest.mark.parametrize("seed", range(CASES))
def test_the_law_is_that_of_whole_data(seed):
    case = random_case(seed)
    p = p_values(full(case, 600, 100 + seed), reduced(case, 600, 200 + seed))
    assert p.min() > FAMILY / CASES / len(p), case


def test_the_cases_are_of_all_kinds():
    cases = [random_case(seed) for seed in range(CASES)]
    kinds = (
        {(case.architecture, case.fresh) for case in cases}
        | {case.static for case in cases}
        | {case.rate < np.inf for case in cases}
    )
    assert kinds == {(a, fresh) for a in ("fcn", "lcn", "cnn") for fresh in (False, True)} | {False, True}
    shares = []
    for case in cases:
        seen = case.samples * (case.patches if case.architecture == "cnn" else 1)
        shares.append(train(**case._asdict(), replicates=20, seed=0).passed.mean() / seen)
    assert sum(0.02 < share < 0.98 for share in shares) >= CASES // 2, shares


HARD = {a: Case(a, samples=40, patches=3, dimension=120, noise=0.3, threshold=0.3) for a in ("fcn", "lcn", "cnn")}
FLAT = Case("cnn", samples=40, patches=3, dimension=3, noise=0.3, threshold=0.3)  # where one dimension is many


@pytest.mark.parametrize("architecture", HARD)
def test_fresh_noise_on_the_same_data_is_another_law(architecture):
    case = HARD[architecture]
    truth = full(case, 600, 1)
    assert p_values(truth, reduced(case, 600, 2)).min() > 1e-4
    assert p_values(truth, reduced(case._replace(fresh=True), 600, 3)).min() < 1e-6


@pytest.mark.parametrize(
    ("case", "replicates", "wrong"),
    [
        (HARD["lcn"], 600, {"residual": lambda share: 1.0}),
        (HARD["cnn"], 600, {"residual": lambda share: 1.0}),
        (FLAT, 2500, {"hidden": 1}),
    ],
    ids=["lcn without 1 - c/M", "cnn without 1 - c/M", "d - 1 degrees"],
)
def test_mistakes_in_the_sampler_are_seen(case, replicates, wrong):
    truth = full(case, replicates, 4)
    assert p_values(truth, sketched(case, replicates, 5)).min() > 1e-4
    assert p_values(truth, sketched(case, replicates, 5, **wrong)).min() < 1e-6


SEVERAL = [5, 12, 30]


@pytest.mark.parametrize(
    "case",
    [
        Case("lcn", 12, 3, 40, 0.3, 0.3),
        Case("cnn", 30, 2, 40, 0.4, 0.5, fresh=True),
        Case("fcn", 12, 3, 10, 0.3, 0.2, rate=3.0, fresh=True),
        Case("lcn", 30, 4, 10, 0.3, 0.0),
    ],
    ids=str,
)
def test_each_of_several_sizes_has_the_law_that_it_has_alone(case):
    p = p_values(reduced(case, 600, 6), reduced(case, 600, 7, sizes=SEVERAL))
    assert p.min() > 1e-4 / len(p)


@pytest.mark.parametrize("architecture", ["fcn", "lcn", "cnn"])
def test_samples_of_fewer_are_the_first_ones_of_more(architecture):
    """So that, with a gate, what is found at one n does not depend on the other n that are asked for."""
    learner, task = TwoStep(architecture, threshold=0.3), DynamicSignal(3, 50, 0.25)
    together = learner.overlaps(task, SEVERAL, np.random.default_rng(0))
    for point, n in enumerate(SEVERAL):
        alone = learner.overlaps(task, [n], np.random.default_rng(0))
        for step in (0, 1):
            np.testing.assert_allclose(together[step][point], alone[step][0], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    "slack", [0.01, 1.0, 1e9], ids=["too little, so that draws are repeated", "at times too little", "all are kept"]
)
def test_what_is_left_out_early_could_not_pass(monkeypatch, slack):
    learner, task, sizes = TwoStep("lcn", threshold=0.2), DynamicSignal(5, 60, 0.1), [20, 50, 160]

    def overlaps():
        return np.array([learner.overlaps(task, sizes, np.random.default_rng(seed)) for seed in range(20)])

    kept = overlaps()
    monkeypatch.setattr(ntkit.separation._gate, "_SLACK", slack)
    np.testing.assert_array_equal(overlaps(), kept)


def test_portions_change_nothing(monkeypatch):
    learner, task = TwoStep("cnn", threshold=0.2), DynamicSignal(5, 60, 0.1)
    whole = learner.overlaps(task, [20, 50], np.random.default_rng(0))
    monkeypatch.setattr(ntkit.separation._gate, "_CHUNK", 7)
    np.testing.assert_allclose(learner.overlaps(task, [20, 50], np.random.default_rng(0)), whole, rtol=1e-12)


@pytest.mark.parametrize("architecture", ["lcn", "cnn"])
def test_the_first_step_has_its_moments(architecture):
    """E m = w / k, E |m|^2 = 1/k^2 + (1 - 1/k) / (k n) + noise^2 d / n for "lcn", w and 1 + noise^2 k d / n for "cnn"."""
    n, k, d, noise, runs = 6, 3, 4, 0.7, 20_000
    signal = unit(np.arange(1.0, d + 1))
    inputs, labels = draw(np.random.default_rng(0), runs, n, k, d, signal, noise)
    mean = gradient(architecture, np.zeros((1, 1, d)), inputs, labels, 0.0)[0][:, 0]
    along, square = mean @ signal, (mean**2).sum(axis=1)
    size, squared = (
        (1 / k, 1 / k**2 + (1 - 1 / k) / (k * n) + noise**2 * d / n) if architecture == "lcn" else (1, 1 + noise**2 * k * d / n)
    )
    for values, expected in ((along, size), (square, squared), (mean @ unit(np.r_[2.0, -1, 0, 0]), 0.0)):
        assert abs(values.mean() - expected) < 5 * values.std() / runs**0.5


@pytest.mark.parametrize("rate", [np.inf, 2.5])
@pytest.mark.parametrize("architecture", ["fcn", "lcn", "cnn"])
def test_fit_takes_these_steps(architecture, rate):
    x, y = DynamicSignal(3, 5, 0.4).sample(jax.random.key(0), 25)
    scores = TwoStep(architecture, threshold=0.3, rate=rate).fit(x, y)(x)
    filters = two_steps(architecture, x[None], y[None], 0.3, rate)[1]
    expected = np.einsum("nkd,kd->n", x, np.broadcast_to(filters.reshape(-1, 5), (3, 5)))
    np.testing.assert_allclose(unit(scores), unit(expected), atol=1e-12)  # an fcn may count one unit or k equal ones


@pytest.mark.parametrize("task", [DynamicSignal(3, 4, 0.5), StaticSignal(3, 4, 0.5)], ids=["dynamic", "static"])
@pytest.mark.parametrize("architecture", ["fcn", "lcn", "cnn"])
def test_closed_form_errors_are_those_of_sampled_inputs(architecture, task):
    """By the exact binomial interval of 100000 inputs."""
    train_on, test_on = (task.sample(jax.random.key(seed), n) for seed, n in ((0, 12), (1, 100_000)))
    score = ProjectedGradient(architecture, thresholds=(0.0, 0.4)).fit(*train_on)
    wrong = int((np.sign(score(test_on.x)) != test_on.y).sum())
    low, high = scipy.stats.binomtest(wrong, len(test_on.y)).proportion_ci(1 - FAMILY / 6)
    weights = np.broadcast_to(np.reshape(score.weights, (-1, 4)), (3, 4))
    overlaps = {"fcn": weights[None, None, :, 0], "lcn": weights[None, :, :1], "cnn": weights[None, :1, :1]}[architecture]
    assert low < task.linear_error(weights) < high
    np.testing.assert_allclose(error_of_overlaps(architecture, task, overlaps), [task.linear_error(weights)], rtol=1e-12)
    assert task.least_error < low

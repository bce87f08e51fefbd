"""Boopathy et al. (2024): the bits of inductive bias that a task takes, where they have a closed form."""

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln, hyp1f1, logsumexp

from ntkit.claims import Agreement, All, Bounds, Control, Estimates, Inequality, Paper, Series, Slope, Trial

paper = Paper(
    key="boopathy2024",
    title="Towards Exact Computation of Inductive Bias",
    authors="Akhilan Boopathy, William Yue, Jaedong Hwang, Abhiram Iyer, Ila Fiete",
    year=2024,
    arxiv="2406.15941",
)

Floats = Float[np.ndarray, "..."]

CASES = ((12, 2, 2.5), (20, 10, 5.0), (40, 34, 1.5), (40, 34, 3.0), (30, 18, 3.5), (30, 18, 6.0))  # d, n, eps
HYPOTHESES = 20_000  # that fit one data set; all cases have about 100 or more among them that generalise
FREE = (10, 25, 50, 100, 200)  # d - n, with n = d - n, where no sampling sees that few
EPSILON = 0.1
WHOLE = 40  # dimension in which n runs from 0 to all but one


@paper.claim(
    "linear-closed-form",
    where="definition of the information that specifies hypotheses which generalise; the closed form for linear models is ours",
    kind="derived",
    checked="memory",
    statement=r"b(\epsilon) = -\log_2 P(\text{test error} \le \epsilon \mid \theta \text{ fits the data}),\ "
    r"\theta \sim N(0, I_d), \text{ a linear teacher } |\theta_*| = 1,\ n < d \text{ inputs}: "
    r"\text{ the test error is } \chi^2_{d - n}(|P_\perp \theta_*|^2), "
    r"\text{ so } b(\epsilon) \sim \frac{d - n}{2} \log_2 \frac{d - n}{e \epsilon}, "
    r"\text{ and it falls to } 0 \text{ as } n \to d",
    # 0.2 bits: a standard error of 0.03 in the rarest case. The slope's window is that of the next order at these d - n.
    rule=All(
        sampled=Agreement(atol=0.2, refute=1.0),
        leading=Slope(tol=(-0.01, 0.02), axes="linear"),
        falls=Inequality(),
    ),
    controls={
        "prior": Control("hypotheses that need not fit the data", parts=("sampled",)),
        "one-sample-less": Control("d - n + 1 degrees of freedom", parts=("sampled",)),
        "no-teacher": Control("a central chi-squared law, as if the teacher were 0", parts=("sampled",)),
        "no-epsilon": Control("bits over (d - n) log2(d - n), the first term alone", parts=("leading",)),
        "exchanged": Control("n in place of d - n", parts=("falls",)),
    },
)
def linear_closed_form(trial: Trial) -> dict[str, Estimates | Series | Bounds]:
    """Isotropic inputs; the test error of a hypothesis is |theta - theta_*|^2. Repeats are data sets, 20000 hypotheses each.

    `sampled`: hypotheses drawn from the prior and corrected by the data, theta = z + X^+ (y - X z), which is the law given that
    they fit; bits found minus bits by the closed form, with that data set's part of the teacher outside of its span. `leading`:
    bits at eps = 0.1 over (d - n) log2((d - n) / (e eps)), for d - n = 10 to 200 and the average part, (d - n) / d: slope 1/2.
    These are 29 to 958 bits, and no sampling sees one hypothesis that generalises; methods that extrapolate from samples, as
    the paper's does as far as we remember, can be tested against this. `falls`: bits of n + 1 samples are fewer than those of
    n, down to 0 at n = d, and those of a larger eps than those of a smaller one.
    """
    random = trial.rng()
    repeats = trial.repeats(quick=24, full=200) // (2 if trial.control else 1)
    sampled = [[_difference(case, random, trial.control) for case in CASES] for _ in trial.progress(range(repeats))]
    free = np.array(FREE, dtype=np.float64)
    terms = free * np.log2(free if trial.control == "no-epsilon" else free / (np.e * EPSILON))
    many = [float(_bits(EPSILON, count, 0.5)) for count in FREE]
    steps = np.arange(1, WHOLE + 1) if trial.control == "exchanged" else np.arange(WHOLE, 0, -1)
    bits = np.array([[float(_bits(epsilon, int(count), count / WHOLE)) for count in steps] for epsilon in (0.1, 0.3, 1.0)])
    less = np.concatenate([bits[:, 1:].ravel(), bits[1:].ravel(), bits[:, -1] * 0])
    more = np.concatenate([bits[:, :-1].ravel(), bits[:-1].ravel(), bits[:, -1]])
    return {
        "sampled": Estimates.from_samples(sampled, 0.0, x_label="(d, n, eps)", y_label="bits sampled minus closed form"),
        "leading": Series(terms, many, 0.5, x_label="(d - n) log2((d - n) / (e eps))", y_label="bits"),
        "falls": Bounds(less, upper=more, x_label="n", y_label="bits"),
    }


def _difference(case: tuple[int, int, float], random: np.random.Generator, control: str | None) -> float:
    """Bits of one data set, sampled, minus those of the closed form."""
    d, n, epsilon = case
    teacher, x = random.normal(size=d), random.normal(size=(n, d))
    teacher /= np.linalg.norm(teacher)
    inverse = np.linalg.pinv(x)
    drawn = random.normal(size=(HYPOTHESES, d))
    fitting = drawn + (x @ teacher - drawn @ x.T) @ inverse.T
    share = (((fitting - teacher) ** 2).sum(axis=1) <= epsilon).mean()
    outside = float(((teacher - inverse @ (x @ teacher)) ** 2).sum())
    freedom, mass = d - n, outside
    if control == "prior":
        freedom, mass = d, 1.0
    elif control == "one-sample-less":
        freedom += 1
    elif control == "no-teacher":
        mass = 0.0
    return float(-np.log2(share) - _bits(epsilon, freedom, mass))


def _bits(epsilon: float, freedom: int, mass: float) -> Floats:
    """-log2 of the distribution function of a non-central chi-squared variable, where it may be far below 2^-1000.

    A Poisson mixture of central ones, whose functions are their first terms times a confluent hypergeometric series.
    """
    more = np.arange(60)
    half, x = freedom / 2 + more, epsilon / 2
    weight = more * np.log(mass / 2) - gammaln(more + 1) if mass else np.where(more, -np.inf, 0.0)
    central = half * np.log(x) - x - gammaln(half + 1) + np.log(hyp1f1(1, half + 1, x))
    return np.asarray(-(logsumexp(weight - mass / 2 + central)) / np.log(2))

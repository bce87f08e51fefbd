"""Cederberg, Boyd (2025): a matrix is projected onto the cone of the nuclear norm by its singular values."""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import All, Bounds, Control, Identity, Inequality, Paper, Sides, Trial

paper = Paper(
    key="spectralcones2025",
    title="Projections onto Spectral Matrix Cones",
    authors="Daniel Cederberg, Stephen Boyd",
    year=2025,
    arxiv="2511.01089",
)

Floats = NDArray[np.float64]


@paper.claim(
    "nuclear-cone",
    where="projection onto spectral matrix cones, for the nuclear norm (theorem number unconfirmed)",
    kind="theorem",
    checked="memory",
    statement=r"\text{The projection of } (t, U \mathrm{diag}(\sigma) V^\top) \text{ onto } \{\|P\|_* \le s\} \text{ is } "
    r"(s, U \mathrm{diag}(x) V^\top), \text{ where } (s, x) \text{ is that of } (t, \sigma) \text{ onto } \{\|x\|_1 \le s\}",
    # Everything is scaled to norm 1; at most 8 x 8 entries: rounding of a few 1e-15.
    rule=All(
        feasible=Inequality(rtol=0.0, atol=1e-13, tight=1 - 1e-9),
        polar=Inequality(rtol=0.0, atol=1e-13, tight=1 - 1e-9),
        orthogonal=Identity(rtol=0.0, atol=1e-13),
    ),
    controls={
        "t-kept": Control("singular values shrunk until their sum is t, which stays as it is", parts=("polar",)),
        "share-forgotten": Control(
            "the shift divided among the singular values alone, none of it for t", parts=("orthogonal",)
        ),
        "largest-kept": Control("as if it were the cone of the largest singular value", parts=("feasible",)),
        "other-vectors": Control("left singular vectors of another matrix", parts=("orthogonal",)),
    },
)
def nuclear_cone(trial: Trial) -> dict[str, Bounds | Sides]:
    """Moreau's conditions, which hold for the projection and for nothing else, on random pairs (t, X).

    The projection (s, P) is in the cone (`feasible`), the rest (t - s, X - P) is in the polar cone, where the largest singular
    value of X - P is at most s - t (`polar`), and the two are orthogonal (`orthogonal`). 300 (6000) matrices, 1 x 1 to 8 x 8,
    of all ranks from 0 on; |t| from 1/100 to 10 of the nuclear norm, with both signs, so that pairs lie inside the cone, inside
    the polar one, and between. The pair (t, X) is scaled to norm 1.
    """
    rng, control = trial.rng(), trial.control
    rows: list[tuple[float, float, float, float, float]] = []
    for _ in trial.progress(range(trial.scale(quick=300, full=6000))):
        t, x = random_pair(rng)
        if control == "t-kept":
            left, sigma, right = np.linalg.svd(x, full_matrices=False)
            s, p = t, left * shrunk(sigma, t) @ right
        elif control == "largest-kept":
            s, p = largest_cone(t, x)
        else:
            s, p = projected(t, x, forgotten=control == "share-forgotten")
        if control == "other-vectors":
            turn = np.linalg.qr(rng.normal(size=(x.shape[0], x.shape[0])))[0]
            p = turn @ p
        rest = x - p
        rows.append((_nuclear(p), s, float(np.linalg.norm(rest, 2)), s - t, (t - s) * s + float((rest * p).sum())))
    nuclear, bound, largest, allowed, product = np.asarray(rows).T
    return {
        "feasible": Bounds(nuclear, upper=bound, x_label="s", y_label="nuclear norm of P"),
        "polar": Bounds(largest, upper=allowed, x_label="s - t", y_label="largest singular value of X - P"),
        "orthogonal": Sides(product, np.zeros_like(product), x_label="case", y_label="<rest, projection>"),
    }


def random_pair(rng: np.random.Generator) -> tuple[float, Floats]:
    """A number t and a matrix X of any rank, together of norm 1."""
    n, m = rng.integers(1, 9, 2)
    rank = int(rng.integers(0, min(n, m) + 1))
    x = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, m))
    t = float(rng.choice((-1.0, 1.0)) * 10 ** rng.uniform(-2, 1) * (_nuclear(x) or 1.0))
    size = float(np.hypot(t, np.linalg.norm(x)))
    return t / size, x / size


def projected(t: float, x: Floats, forgotten: bool = False) -> tuple[float, Floats]:
    """The projection of (t, X) onto the cone of the nuclear norm, by the singular values of X."""
    left, sigma, right = np.linalg.svd(x, full_matrices=False)
    s, values = l1_cone(t, sigma, forgotten)
    return s, left * values @ right


def l1_cone(t: float, sigma: Floats, forgotten: bool = False) -> tuple[float, Floats]:
    """The projection of (t, sigma), sigma >= 0 and falling, onto the cone of the l1 norm.

    Between the cone and its polar it is (t + a, max(sigma - a, 0)) with a such that both are equal: for the k values above a,
    k a + a = their sum - t. `forgotten`: k a in place of (k + 1) a, a mistake.
    """
    if sigma.sum() <= t:
        return t, sigma
    if sigma[0] <= -t:
        return 0.0, np.zeros_like(sigma)
    count = np.arange(1, sigma.size + 1)
    shifts = (np.cumsum(sigma) - t) / (count if forgotten else count + 1)
    a = float(shifts[np.flatnonzero(sigma > shifts)[-1]]) if (sigma > shifts).any() else float(sigma[0])
    return t + a, np.maximum(sigma - a, 0.0)


def shrunk(sigma: Floats, total: float) -> Floats:
    """The closest values >= 0 to sigma of at most this sum; 0 if there are none."""
    if sigma.sum() <= total:
        return sigma
    if total <= 0:
        return np.zeros_like(sigma)
    shifts = (np.cumsum(sigma) - total) / np.arange(1, sigma.size + 1)
    return np.asarray(np.maximum(sigma - shifts[np.flatnonzero(sigma > shifts)[-1]], 0.0))


def largest_cone(t: float, x: Floats) -> tuple[float, Floats]:
    """The projection onto the cone of the largest singular value: by Moreau, what the one onto the dual cone leaves."""
    s, p = projected(-t, x)
    return t + s, x - p


def _nuclear(x: Floats) -> float:
    return float(np.linalg.svd(x, compute_uv=False).sum())

"""Zheng, Zhang, Mao (2021): the worst loss within a distance of the weights prefers wide minima to deep ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ntkit.claims import All, Bounds, Control, Exact, Identity, Inequality, Integers, Paper, Sides, Trial

paper = Paper(
    key="zheng2021",
    title="Regularizing Neural Networks via Adversarial Model Perturbation",
    authors="Yaowei Zheng, Richong Zhang, Yongyi Mao",
    year=2021,
    arxiv="2010.04925",
)

Floats = NDArray[np.float64]

RINGS, ANGLES = np.linspace(0, 1, 6)[1:], np.linspace(0, 2 * np.pi, 48, endpoint=False)
DISC = np.concatenate([[[0.0, 0.0]], *(ring * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1) for ring in RINGS)])
APART = 20.0  # distance of two wells
SHARES = (0.4, 0.7, 0.95, 1.05, 1.4, 2.0)  # of the critical radius


@paper.claim(
    "amp-gaussian-well",
    where="theory of minima of Gaussian shape (theorem number unconfirmed); the critical radius is ours",
    kind="theorem",
    checked="memory",
    statement=r"L(\theta) = C - A e^{-\|\theta - \mu\|^2 / 2\kappa^2}: \quad"
    r" \min_\theta \max_{\|e\| \le \epsilon} L(\theta + e) = C - A e^{-\epsilon^2 / 2\kappa^2} \text{ at } \theta = \mu; \quad"
    r" \text{of two wells with } A_1 > A_2,\ \kappa_1 < \kappa_2 \text{ it takes the wide one iff }"
    r" \epsilon^2 > \frac{2 \log(A_1 / A_2)}{\kappa_1^{-2} - \kappa_2^{-2}}",
    # The minimum is a cone of slope at most A / kappa < 7: where the search stops, 1e-9 away, its value is off by 1e-8.
    rule=All(
        minimum=Identity(rtol=0, atol=1e-7),
        place=Identity(rtol=0, atol=1e-7),
        above=Inequality(rtol=1e-12, tight=1 - 1e-9),
        choice=Exact(),
    ),
    controls={
        "radius-squared": Control("eps^4 in place of eps^2, as if the perturbation were eps^2", parts=("minimum",)),
        "no-half": Control("kappa^2 in place of 2 kappa^2", parts=("minimum",)),
        "unequal-axes": Control("a well that is 5 % narrower along one axis", parts=("minimum",)),
        "shifted": Control("the centre of the well taken to be 0.01 kappa away", parts=("place",)),
        "half-radius": Control("at random weights, the worst loss within half the distance", parts=("above",)),
        "deepest": Control("the deeper well predicted at every radius", parts=("choice",)),
        "curvature": Control("the well of smaller curvature A / kappa^2 predicted at every radius", parts=("choice",)),
    },
)
def amp_gaussian_well(trial: Trial) -> dict[str, Sides | Bounds | Integers]:
    """Wells in two dimensions, C = 0: the largest of 241 points of the disc, and Nelder-Mead over weights.

    12 wells (full: 200; controls: 3) of depths 0.5 to 2 and widths 0.3 to 1.5, radii 0.1 to 1, from starts up to 1 away. The
    disc's points lie on 5 rings, the outermost being its edge, at 48 angles; at mu all angles are alike. `above`: the worst
    loss at 50 random weights and at the centre.

    `choice`: 12 landscapes of two wells, the first deeper and narrower, 20 apart; which of the two minima of the worst loss is
    lower, at 0.4, 0.7, 0.95, 1.05, 1.4 and 2 times the critical radius.
    """
    rng, control = trial.rng(), trial.control
    count = 3 if control else trial.scale(quick=12, full=200)
    minima, expected, places, centres, values, lower, taken, predicted = ([] for _ in range(8))
    for _ in trial.progress(range(count)):
        depth, width, radius = rng.uniform(0.5, 2), rng.uniform(0.3, 1.5), rng.uniform(0.1, 1)
        centre = rng.normal(size=2)
        well = Wells(centre[None], np.array([depth]), np.array([width]), 0.95 if control == "unequal-axes" else 1.0)
        place, value = least_worst(well, radius, centre + rng.uniform(-0.7, 0.7, size=2))
        minima.append(value)
        squared = radius**4 if control == "radius-squared" else radius**2
        expected.append(-depth * np.exp(-squared / ((1 if control == "no-half" else 2) * width**2)))
        places.append(place)
        centres.append(centre + (0.01 * width if control == "shifted" else 0.0))
        points = centre + np.concatenate([np.zeros((1, 2)), rng.normal(size=(50, 2))])
        values.append([well.worst(point, radius / 2 if control == "half-radius" else radius) for point in points])
        lower.append([-depth * np.exp(-(radius**2) / (2 * width**2))])
        widths = rng.uniform(0.3, 0.6) * np.array([1.0, rng.uniform(1.2, 2)])
        depths = np.array([1.0, rng.uniform(0.5, 0.95)])
        wells = Wells(np.array([[0.0, 0.0], [APART, 0.0]]), depths, widths)
        for share in SHARES:
            radius = share * (2 * np.log(depths[0] / depths[1]) / (widths[0] ** -2 - widths[1] ** -2)) ** 0.5
            taken.append(int(np.argmin([least_worst(wells, radius, start)[1] for start in wells.centres])))
            flatter = int(np.argmin(depths / widths**2))
            predicted.append({"deepest": 0, "curvature": flatter}.get(control or "", int(share > 1)))
    return {
        "minimum": Sides(minima, expected, x_label="predicted", y_label="minimum of the worst loss"),
        "place": Sides(places, centres, x_label="centre", y_label="weights at the minimum"),
        "above": Bounds(values, lower=lower, x_label="minimum", y_label="worst loss"),
        "choice": Integers(taken, predicted, x_label="predicted", y_label="well taken, 1 is the wide one"),
    }


@dataclass(frozen=True)
class Wells:
    """Minus a sum of Gaussian bumps in the plane: centres (well, 2), depths and widths (well,), second axis over the first."""

    centres: Floats
    depths: Floats
    widths: Floats
    axes: float = 1.0

    def loss(self, points: Floats) -> Floats:
        """At points (count, 2)."""
        off = (points[:, None] - self.centres) / (self.widths[:, None] * np.array([1.0, self.axes]))
        return np.asarray(-(np.exp(-(off**2).sum(axis=2) / 2) @ self.depths))

    def worst(self, point: Floats, radius: float) -> float:
        """The largest loss within a distance of a point."""
        return float(self.loss(point + radius * DISC).max())


def least_worst(wells: Wells, radius: float, start: Floats) -> tuple[Floats, float]:
    """Where the worst loss is least, from a start, and how large it is there."""
    simplex = start + np.array([[0.0, 0.0], [0.1, 0.03], [-0.04, 0.1]])
    options = {"initial_simplex": simplex, "xatol": 1e-9, "fatol": 1e-14, "maxiter": 2000}
    end = minimize(wells.worst, start, (radius,), method="Nelder-Mead", options=options)
    return np.asarray(end.x), float(end.fun)

"""D'Ascoli, Touvron, Leavitt, Morcos, Biroli, Sagun (2021): attention by position becomes a convolution, and how fast."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int

from ntkit.claims import All, Control, Identity, Paper, Series, Sides, Slope, Trial

paper = Paper(
    key="dascoli2021",
    title="ConViT: Improving Vision Transformers with Soft Convolutional Inductive Biases",
    authors="Stéphane d'Ascoli, Hugo Touvron, Matthew L. Leavitt, Ari S. Morcos, Giulio Biroli, Levent Sagun",
    year=2021,
    arxiv="2103.10697",
)

Floats = Float[np.ndarray, "..."]
Offsets = Int[np.ndarray, "heads 2"]

STRENGTHS = np.arange(6.0, 21.0, 2.0)
CHANNELS, OUTPUTS = 3, 4


@paper.claim(
    "gpsa-becomes-convolution",
    where="section 2, equation 5, and equation 7 for the gate; the rate and its constant are ours",
    kind="derived",
    checked="text",
    statement=r"k^2 \text{ heads, logits } -\alpha |\delta - \Delta_h|^2 \text{, gates } 1: \text{ where its window lies in "
    r"the image, the layer is a } k \times k \text{ convolution up to an error} \sim e^{-\alpha}; "
    r"\ 1 - A_{i, i + \Delta_h} = 4 e^{-\alpha} (1 + O(e^{-\alpha}))",
    # With t = exp(-alpha) the missing mass is 1 - (1 + 2 t + 2 t^4 + ..)^-2 = 4 t (1 - 3 t + ..), and 3 t is at most 0.0075.
    # It changes the slope by less than 0.001; the rest of that window allows for the scatter of largest entries.
    rule=All(rate=Slope(tol=0.03, axes="semilogy", refute=0.09), mass=Identity(rtol=0.01, refute=3)),
    controls={
        "one-head-less": Control("k^2 - 1 heads", parts=("rate",)),
        "border": Control("positions at the border too, against a convolution with zero padding", parts=("rate",)),
        "initial-gate": Control("gates at lambda = 1, where the paper starts: sigmoid(1) = 0.73", parts=("rate",)),
        "half-strength": Control("logits of half the size, as in a normal density", parts=("rate", "mass")),
        "distance": Control("the distance in place of its square", parts=("mass",)),
        "eight-neighbours": Control("8 nearest neighbours in place of 4", parts=("mass",)),
    },
)
def gpsa_becomes_convolution(trial: Trial) -> dict[str, Series | Sides]:
    """Gaussian images of 3 channels, queries, keys and values, 4 outputs; alpha 6 to 20; k = 3 on 7 by 7, in full 5 on 9 by 9.

    `rate`: largest error over outputs and positions whose window, with one pixel more around it, lies inside the image.
    `mass`: attention that a head of strength alpha does not pay to its own pixel, over 4 exp(-alpha), for all heads and the
    same positions. In single precision the error would end at rounding near alpha = 16.

    The paper learns the gates: at their initial value the layer is not yet a convolution, which a control shows.
    """
    random = trial.rng()
    side, k = trial.scale(quick=(7, 3), full=(9, 5))
    repeats = trial.repeats(quick=20, full=200)
    offsets = centres(k)
    places = np.indices((side, side)).reshape(2, -1).T
    margin = k // 2 + 1
    inside = np.asarray(((places >= margin) & (places < side - margin)).all(axis=1))
    judged: Bool[np.ndarray, " pixels"] = np.ones(len(inside), bool) if trial.control == "border" else inside
    gate = 1 / (1 + math.exp(-1)) if trial.control == "initial-gate" else 1.0
    used = len(offsets) - (1 if trial.control == "one-head-less" else 0)
    distances = squared_distances(side, offsets)
    if trial.control == "distance":
        distances = distances**0.5
    strengths = STRENGTHS / 2 if trial.control == "half-strength" else STRENGTHS
    positional = [softmax(-alpha * distances) for alpha in strengths]
    errors = np.empty((repeats, len(STRENGTHS)))
    for row in trial.progress(errors):
        x = random.normal(size=(side**2, CHANNELS))
        values = random.normal(size=(len(offsets), CHANNELS, OUTPUTS))
        queries, keys = random.normal(size=(2, len(offsets), CHANNELS, CHANNELS))
        content = content_attention(x, queries, keys)
        expected = convolution(x, values, offsets)
        for i, by_place in enumerate(positional):
            attention = (1 - gate) * content + gate * by_place
            got = (attention @ x @ values)[:used].sum(axis=0)
            row[i] = np.abs(got - expected)[judged].max()
    missing = np.array([_missing(by_place, distances, inside) for by_place in positional])
    neighbours = 8 if trial.control == "eight-neighbours" else 4
    predicted = np.broadcast_to(neighbours * np.exp(-STRENGTHS)[:, None], missing.shape)
    return {
        "rate": Series(STRENGTHS, errors, -1.0, reduce="geometric", x_label="alpha", y_label="largest error"),
        "mass": Sides(missing, predicted, x_label="missing attention", y_label="4 exp(-alpha)"),
    }


def centres(k: int) -> Offsets:
    """The offsets of a k by k window, one for each head."""
    return np.asarray(np.indices((k, k)).reshape(2, -1).T - k // 2)


def squared_distances(side: int, offsets: Offsets) -> Float[np.ndarray, "heads pixels pixels"]:
    """|delta - Delta_h|^2 for every head, query pixel and key pixel of an image of side by side."""
    places = np.indices((side, side)).reshape(2, -1).T
    delta = places[None, :] - places[:, None]
    return np.asarray(((delta - offsets[:, None, None]) ** 2).sum(axis=-1), dtype=np.float64)


def softmax(logits: Floats) -> Floats:
    """Over the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def content_attention(x: Floats, queries: Floats, keys: Floats) -> Float[np.ndarray, "heads pixels pixels"]:
    """Attention of x, shape (pixels, channels), by queries and keys of shape (heads, channels, features)."""
    logits = (x @ queries) @ (x @ keys).transpose(0, 2, 1)
    return softmax(logits / queries.shape[-1] ** 0.5)


def convolution(x: Floats, values: Floats, offsets: Offsets) -> Float[np.ndarray, "pixels outputs"]:
    """The sum over offsets of x there times their matrix, with zeros around the image."""
    side = math.isqrt(len(x))
    margin = int(offsets.max())
    padded = np.pad(x.reshape(side, side, -1), ((margin, margin), (margin, margin), (0, 0)))
    rows, columns = (offsets + margin).T
    parts = [padded[i : i + side, j : j + side] @ value for i, j, value in zip(rows, columns, values, strict=True)]
    return np.asarray(np.sum(parts, axis=0).reshape(side**2, -1))


def _missing(attention: Floats, distances: Floats, inside: Bool[np.ndarray, " pixels"]) -> Float[np.ndarray, " n"]:
    """Attention outside of the target; a sum, since 1 less the target's share would be rounded away."""
    return np.asarray(np.where(distances > 0, attention, 0.0).sum(axis=-1)[:, inside].ravel())

"""Kumano et al. (2024): adversarial perturbations of noise carry what the network had learnt, labels and all."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from ntkit.claims import Agreement, All, Control, Counts, Estimates, Paper, Proportion, Trial

paper = Paper(
    key="kumano2024",
    title="Theoretical Understanding of Learning from Adversarial Perturbations",
    authors="Soichiro Kumano, Hiroshi Kera, Toshihiko Yamasaki",
    year=2024,
    arxiv="2402.10470",
)

Floats = Float[np.ndarray, "..."]

DIM, SAMPLES, WIDTH = 600, 30, 32  # as many perturbed inputs as samples
SLOPE = 0.3  # of the leaky ReLU below 0
START, RATE, STEPS = 1e-3, 0.1, 1000
EPSILON = 0.3  # length of a perturbation, over that of an input
PROBES = 4000


@paper.claim(
    "perturbations-carry-labels",
    where="theorems on networks with one hidden layer and orthogonal samples, numbers unconfirmed; the angle is ours",
    kind="reading",
    checked="memory",
    statement=r"\text{One hidden layer, leaky ReLU, trained on orthogonal } x_n,\ |x_n|^2 = d: \operatorname{sign} f(z) = "
    r"\operatorname{sign} \langle \sum_n y_n x_n, z \rangle; \text{ trained on } N \text{ noise inputs, moved by } \epsilon "
    r"\sqrt{d} \text{ along } t \nabla f \text{ and labelled by random } t, \text{ a network classifies the } x_n "
    r"\text{ rightly, and its boundary is at an angle } \arccos (1 + 1 / (N \epsilon^2))^{-1/2} \text{ to that of } f",
    # The angle: boundaries of finite networks are bent a little; pilots: 0.82 of probes against 0.826 predicted.
    rule=All(
        boundary=Proportion(at_least=0.97),
        relabelled=Proportion(at_least=0.95),
        angle=Agreement(atol=0.03),
    ),
    controls={
        "one-sample-less": Control("the sum without one of 30 samples", parts=("boundary",)),
        "random-directions": Control("perturbations of the same length in random directions", parts=("relabelled", "angle")),
        "other-labels": Control("labels drawn anew after the perturbation", parts=("relabelled", "angle")),
        "not-added": Control("an angle as if perturbations did not add up, N = 1", parts=("angle",)),
    },
)
def perturbations_carry_labels(trial: Trial) -> dict[str, Counts | Estimates]:
    """In 600 dimensions, 30 samples and 30 noise inputs, both orthogonal among themselves, |x|^2 = d; 32 units, outputs fixed.

    Full-batch descent on the logistic loss, 1000 steps from weights of size 1e-3; leaky ReLU with slope 0.3, as we remember it.
    `boundary`: of 4000 Gaussian probes, those that f and the sum put on the same side (equal norms make the samples' weights
    in f equal). `relabelled`: of the 30 samples, those that the second network classifies rightly, which has seen none of them.
    `angle`: of the probes, those that both networks put on the same side, 1 - angle / pi: the noise inputs add up to
    sqrt(N d) of nobody's direction, the perturbations to N eps sqrt(d) of the first network's.
    """
    repeats = trial.repeats(quick=12, full=100) // (2 if trial.control else 1)
    runs = [_run(random, trial) for random in trial.progress(trial.rng().spawn(repeats))]
    same, right, both = np.array(runs).T
    many = 1 if trial.control == "not-added" else SAMPLES
    predicted = 1 - np.arccos((1 + 1 / (many * EPSILON**2)) ** -0.5) / np.pi
    return {
        "boundary": Counts(int(same.sum()), PROBES * repeats, y_label="probes"),
        "relabelled": Counts(int(right.sum()), SAMPLES * repeats, y_label="samples"),
        "angle": Estimates.from_samples(both / PROBES, predicted, y_label="probes on the same side of both networks"),
    }


def _run(random: np.random.Generator, trial: Trial) -> tuple[int, int, int]:
    """Probes where f agrees with the sum; samples that the second network gets right; probes where the two networks agree."""
    outputs = np.repeat([1.0, -1.0], WIDTH // 2) / np.sqrt(WIDTH)
    x, noise = _orthogonal(random), _orthogonal(random)
    y, targets = random.choice([-1.0, 1.0], (2, SAMPLES))
    probes = random.normal(size=(PROBES, DIM))
    first = _trained(x, y, outputs, random, trial)
    directions = (_slopes(noise @ first.T) * outputs) @ first  # the gradient of f in its input
    if trial.control == "random-directions":
        directions = random.normal(size=directions.shape)
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    moved = noise + EPSILON * np.sqrt(DIM) * targets[:, None] * unit
    labels = random.choice([-1.0, 1.0], SAMPLES) if trial.control == "other-labels" else targets
    second = _trained(moved, labels, outputs, random, trial)
    seen = slice(1, None) if trial.control == "one-sample-less" else slice(None)
    one, other = _score(probes, first, outputs), _score(probes, second, outputs)
    same = one * (probes @ (y[seen] @ x[seen])) > 0
    right = y * _score(x, second, outputs) > 0
    return int(same.sum()), int(right.sum()), int((one * other > 0).sum())


def _orthogonal(random: np.random.Generator) -> Floats:
    """Inputs that are orthogonal, of norm sqrt(d)."""
    return np.asarray(np.linalg.qr(random.normal(size=(DIM, SAMPLES)))[0].T * np.sqrt(DIM))


def _slopes(before: Floats) -> Floats:
    """The leaky ReLU's derivative."""
    return np.where(before > 0, 1.0, SLOPE)


def _score(x: Floats, weights: Floats, outputs: Floats) -> Floats:
    """The network's output."""
    before = x @ weights.T
    return np.asarray((before * _slopes(before)) @ outputs)


def _trained(x: Floats, y: Floats, outputs: Floats, random: np.random.Generator, trial: Trial) -> Floats:
    """First-layer weights after gradient descent; its loss must have become small."""
    weights = START * random.normal(size=(WIDTH, DIM))
    for _ in range(STEPS):
        before = x @ weights.T
        slopes = _slopes(before)
        pull = y * expit(-y * ((before * slopes) @ outputs)) / len(y)
        weights += RATE * (pull[:, None] * slopes * outputs).T @ x
    loss = float(np.logaddexp(0, -y * _score(x, weights, outputs)).mean())
    if loss > 0.1:
        trial.unmet(f"a training loss of {loss:.2g} is above 0.1")
    return weights

"""How many pairs of Z_M keep a wave: ascent of a hidden unit's energy by sums over the pairs, for one unit."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

Weights = Float[np.ndarray, " twice_order"]

START = 10.0  # n / (1 - n / M^2) over M ln M where the search begins
RUNG = 2**0.25  # of the ladder on which it goes on
STEPS, STILL = 300, 1e-3  # at most so many, and a unit rests where the ascent within a step leads less far out of its frequency
STAYS = 0.5  # share of the weights' square in the frequency where ascent began


def threshold(order: int, random: np.random.Generator) -> float:
    """How many pairs, drawn one after the other without replacement, keep the wave; between two rungs of a ladder.

    The rungs are geometric in n / (1 - n / M^2), so that n is less than M^2 on all of them.
    """
    g, h = np.divmod(random.permutation(order**2), order)

    def pairs(rung: float) -> int:
        worth = START * RUNG**rung * order * np.log(order)
        return int(worth / (1 + worth / order**2))

    def kept(rung: int) -> bool:
        return wave_stays(order, g[: pairs(rung)], h[: pairs(rung)])

    rung = 0
    while kept(rung):
        rung -= 1
    while not kept(rung + 1):
        rung += 1
    return float(pairs(rung + 0.5))


def wave_stays(order: int, g: Int[np.ndarray, " n"], h: Int[np.ndarray, " n"]) -> bool:
    """Whether `NodeEnergy.ascend` on the pairs (g, h) of Z_M, from the wave of frequency 1, stays in that frequency.

    A unit that has lost half of its weights' square is taken not to come back, and one that only turns its phase not to leave.
    """
    angle = 2 * np.pi * np.arange(order) / order
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.sqrt(2 / order)
    w = np.tile(waves[:, 0], 2) / np.sqrt(2)
    gradient = gradient_of(order, g, h)
    for _ in range(STEPS):
        if ((w.reshape(2, order) @ waves) ** 2).sum() < STAYS:
            return False
        ascent = gradient(w)
        ascent /= np.linalg.norm(ascent)
        moved = (ascent - w).reshape(2, order)
        if np.linalg.norm(moved - moved @ waves @ waves.T) < STILL:
            break
        w += ascent
        w /= np.linalg.norm(w)
    return True


def gradient_of(order: int, g: Int[np.ndarray, " n"], h: Int[np.ndarray, " n"]) -> Callable[[Weights], Weights]:
    """Half of `NodeEnergy.gradient` on Z_M as a function of (u, v), by three sums over the pairs."""
    below, product, n = h + order, (g + h) % order, len(g)
    counts = np.bincount(product, minlength=order)

    def gradient(w: Weights) -> Weights:
        activity = w.take(g) + w.take(below)
        pull = np.bincount(product, activity**2, order)
        pull -= counts * (pull.sum() / n)
        force = activity * (pull - counts @ pull / n).take(product)
        return np.asarray(np.bincount(g, force, 2 * order) + np.bincount(below, force, 2 * order))

    return gradient

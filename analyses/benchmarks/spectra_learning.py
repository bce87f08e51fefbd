"""Power laws and learning curves: `python analyses/benchmarks/spectra_learning.py speed|coverage|agreement`.

speed: learning curves from one eigen-system, optimal ridges, fits of exponents.
coverage: how often the interval of `fit_power_law` holds the exponent, and how often the verdict is right.
agreement: eigenframework against brute force, over kernels, random features and parts of the digits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from ntkit.data import digits
from ntkit.kernels import Laplace
from ntkit.spectra import LearningCurve, Modes, PowerLaw, Sample, eigenframework, fit_power_law, learning_curve, optimal_ridge

K = np.arange(1.0, 201)
SEED = 1000  # pilots used seeds below
Spectra = Callable[[np.random.Generator], np.ndarray]


def gram_spectrum(rng: np.random.Generator, exponent: float, n: int = 400, modes: int = 3000) -> np.ndarray:
    """Eigenvalues of the Gram matrix of n points in Gaussian features of variance k^-exponent."""
    x = rng.normal(size=(n, modes)) * np.arange(1.0, modes + 1) ** (-exponent / 2)
    return np.linalg.eigvalsh(x @ x.T / n)[::-1]


def corrected(rng: np.random.Generator, exponent: float, noise: float = 0.0) -> np.ndarray:
    """A power law with corrections of relative order 1/k and 1/k^2, and noise on its logarithm."""
    factor = 1 + rng.uniform(-0.5, 2) / K + rng.uniform(-0.3, 2) / K**2
    return np.asarray(K**-exponent * factor * np.exp(noise * rng.normal(size=K.shape)))


def laws(exponent: float) -> dict[str, Spectra]:
    """Spectra with this exponent."""
    a = exponent
    return {
        "1/k and 1/k^2 corrections": lambda rng: corrected(rng, a),
        "shift in [0, 6]": lambda rng: (K + rng.uniform(0, 6)) ** -a,
        "1/sqrt(k) correction": lambda rng: K**-a * (1 + rng.uniform(-0.5, 1) / K**0.5),
        "corrections, 5 % noise": lambda rng: corrected(rng, a, 0.05),
    }


RIVALS: dict[str, Spectra] = {
    "exponential": lambda rng: np.exp(-rng.uniform(0.03, 0.2) * K + 0.05 * rng.normal(size=200)),
    "stretched exponential": lambda rng: np.exp(-rng.uniform(1, 3) * K ** rng.uniform(0.3, 0.7) + 0.05 * rng.normal(size=200)),
    "log-corrected": lambda rng: 1 / (K * np.log(K + 1.5) ** 2),
    "log-quadratic": lambda rng: np.exp(-rng.uniform(0.3, 0.6) * np.log(K) ** 2),
    "bend inside of the window": lambda rng: 1 / (K + K**3 / rng.uniform(100, 3000)),
}


def coverage() -> None:
    """Coverage of the 95 % interval; verdicts on spectra without a power law."""
    rng = np.random.default_rng(SEED)
    print(f"{'spectra':34s} exponent  coverage      median width  verdict 'power law'")
    for exponent in (1.2, 2.0, 4.0):
        for name, draw in laws(exponent).items():
            _count(name, exponent, [fit_power_law(draw(rng)) for _ in range(200)])
    for exponent in (1.2, 1.5, 2.0, 3.0):
        spectra = [gram_spectrum(rng, exponent) for _ in range(60)]
        _count("Gram, n = 400", exponent, [fit_power_law(s, samples=400) for s in spectra])
        _count("Gram, n = 400, shift = 0", exponent, [fit_power_law(s, samples=400, shift=0.0) for s in spectra])
        tens = [np.stack(spectra[i : i + 10]) for i in range(0, 60, 10)]
        _count("10 Grams, n = 400, shift = 0", exponent, [fit_power_law(t, samples=400, shift=0.0) for t in tens])
    for name, draw in RIVALS.items():
        verdicts = [fit_power_law(draw(rng)).verdict for _ in range(100)]
        print(f"{name:34s} {', '.join(f'{v} {verdicts.count(v)}' for v in sorted(set(verdicts)))} of 100")


def _count(name: str, exponent: float, fits: list[PowerLaw]) -> None:
    good = [f for f in fits if f.verdict == "power law"]
    inside = sum(f.interval[0] <= exponent <= f.interval[1] for f in good)
    width = float(np.median([f.interval[1] - f.interval[0] for f in good])) if good else np.nan
    print(f"{name:34s} {exponent:8g}  {inside:3d} of {len(good):3d}  {width:14.4f}  {len(good)} of {len(fits)}")


def speed() -> None:
    """Wall times in milliseconds on one core."""
    for count in (1000, 20_000, 200_000):
        i = np.arange(1.0, count + 1)
        modes = Modes(i**-1.5, i**-1.3, tail=2 / count**0.5)
        n = np.unique(np.geomspace(1, 1000, 50).astype(int))
        _time(f"eigenframework, {count} modes, {len(n)} n", partial(eigenframework, modes, n, ridge=0.1))
    modes = Modes(np.arange(1.0, 1001) ** -1.5, np.arange(1.0, 1001) ** -1.3)
    grid = np.array([[8], [32], [128]])
    _time("optimal ridge, 1000 modes, 9 (n, k)", lambda: optimal_ridge(modes, grid, features=[16, 64, 256], noise=0.1))
    sample = digits_sample(1000)
    _time("1000 digits, eigendecomposition", lambda: sample.eigenvalues)
    _time("1000 digits, 50 n", lambda: learning_curve(sample, np.arange(10, 510, 10), ridge=0.1))
    _time("power law, 200 eigenvalues", lambda: fit_power_law(K**-2.0 * (1 + 1 / K)))


def _time(name: str, call: Callable[[], object]) -> None:
    start = time.perf_counter()
    call()
    print(f"{(time.perf_counter() - start) * 1e3:10.1f} ms  {name}")


def digits_sample(count: int) -> Sample:
    """Parity of the first digits, with a Laplace kernel on unit vectors."""
    images, labels = digits()
    x = images[:count].reshape(count, -1)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return Sample(np.asarray(Laplace(2.0).gram(x, x)), np.where(labels[:count] % 2 == 0, 1.0, -1.0))


def agreement() -> None:
    """Relative differences of simulated means from predictions, with their standard errors."""
    i = np.arange(1.0, 1001)
    modes = Modes(i**-1.5, i**-1.3 / np.sum(i**-1.3), tail=0.01, outside=0.02)
    n = np.array([32, 64, 128, 256])
    for features in (np.inf, 100, 512):
        for ridge in (0.01, 1.0):
            key = jax.random.key(SEED)
            curve = learning_curve(modes, n, ridge=ridge, noise=0.3, features=features, key=key, repeats=40)
            _compare(f"Gaussian, k = {features}, ridge {ridge:g}", curve)
    sample = digits_sample(800)
    for ridge in (0.0, 0.1, 3.0):
        curve = learning_curve(sample, [25, 100, 400, 700], ridge=ridge, key=jax.random.key(SEED), repeats=40)
        _compare(f"digits, N = 800, ridge {ridge:g}", curve)
        naive = eigenframework(sample.modes, curve.n, ridge=ridge).test / curve.mean() - 1
        print(f"{'':34s} without the finite population: {' '.join(f'{v:+.3f}' for v in naive)}")


def _compare(name: str, curve: LearningCurve) -> None:
    differences, errors = curve.mean() / curve.test - 1, curve.stderr() / curve.test
    cells = (f"{m:g}: {d:+.3f}+-{e:.3f}" for m, d, e in zip(curve.n, differences, errors, strict=True))
    print(f"{name:34s} {'   '.join(cells)}", flush=True)


def main() -> None:
    """Run what was asked for."""
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "coverage", "agreement"])
    {"speed": speed, "coverage": coverage, "agreement": agreement}[parser.parse_args().what]()


if __name__ == "__main__":
    main()

"""The descent of the two-feature model, written out."""

import jax.numpy as jnp
import numpy as np
import pytest

from paper_checks import lu2023


@pytest.mark.parametrize(("rate", "share"), [(0.05, 0.0), (0.6, 0.1894), (0.8, 0.4264)])
def test_it_is_gradient_descent(rate, share):
    a, b, weak, steps = 1e-3, 0.05, 0.1, 20_000
    found = lu2023._descend(jnp.array([a]), jnp.array([b]), jnp.array([weak]), jnp.array([rate]), False)
    for _ in range(steps):
        error = weak * a**2 + b**2 - 1
        a, b = a - 2 * rate * error * weak * a, b - 2 * rate * error * b
    np.testing.assert_allclose([found[0][0], found[1][0]], [weak * a**2, weak * a**2 + b**2], atol=1e-6)
    assert weak * a**2 == pytest.approx(share, abs=1e-4)


def test_the_network_descends_its_loss(monkeypatch):
    """One step, against differences of the loss that it reports."""
    monkeypatch.setattr(lu2023, "NETWORK_STEPS", 1)
    random = np.random.default_rng(0)
    shapes = (2 * lu2023.UNITS,), (2 * lu2023.UNITS,), (lu2023.SAMPLES, 2 * lu2023.UNITS)
    start = [random.normal(size=shape) for shape in shapes]
    train = lu2023._train.__wrapped__

    def loss(noise):
        return float(train(start[0], start[1], noise, 0.0, 0.5)[2])

    step = 1e-5 * random.normal(size=shapes[2])
    change = loss(start[2] + step) - loss(start[2] - step)
    moved = np.asarray(train(*start, 1.0, 0.5)[1]) - start[2]
    assert change == pytest.approx(-2 * float((moved * step).sum()), rel=1e-5)


def test_its_output_and_loss_are_those_of_the_definition():
    random = np.random.default_rng(0)
    units, samples = 2 * lu2023.UNITS, lu2023.SAMPLES
    strong, weak, noise = random.normal(size=units), random.normal(size=units), random.normal(size=(samples, units))
    labels = np.tile([1.0, -1.0], samples // 2)
    outputs = []
    for i, label in enumerate(labels):
        before = [label * weak * 0.1**0.5, 0.5 * noise[i]] + ([label * strong] if i >= lu2023.ALONE else [])
        outputs.append(sum(float(np.maximum(z, 0) ** 2 @ lu2023.SIGNS) for z in before))
    found = lu2023._train(*map(jnp.asarray, (strong, weak, noise)), 0.0, 0.5)
    assert float(found[2]) == pytest.approx(((np.array(outputs) - labels) ** 2).mean() / 2)
    assert float(found[0][1]) == pytest.approx(float(np.maximum(-weak * 0.1**0.5, 0) ** 2 @ lu2023.SIGNS))

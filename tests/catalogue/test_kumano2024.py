"""The network of the claim on perturbations: its output, its gradient, and how it is trained."""

import numpy as np

from ntkit.claims import Trial
from paper_checks import kumano2024


def test_the_direction_of_a_perturbation_is_the_gradient():
    random = np.random.default_rng(0)
    outputs = np.repeat([1.0, -1.0], kumano2024.WIDTH // 2) / np.sqrt(kumano2024.WIDTH)
    weights, x, step = random.normal(size=(kumano2024.WIDTH, 5)), random.normal(size=(3, 5)), 1e-6 * random.normal(size=5)
    change = kumano2024._score(x + step, weights, outputs) - kumano2024._score(x - step, weights, outputs)
    gradient = (kumano2024._slopes(x @ weights.T) * outputs) @ weights
    np.testing.assert_allclose(change, 2 * gradient @ step, rtol=1e-6)


def test_inputs_are_orthogonal_and_learnt(monkeypatch):
    monkeypatch.setattr(kumano2024, "STEPS", 300)
    random, trial = np.random.default_rng(0), Trial("kumano2024/perturbations-carry-labels", seed=1)
    x = kumano2024._orthogonal(random)
    np.testing.assert_allclose(x @ x.T, kumano2024.DIM * np.eye(kumano2024.SAMPLES), atol=1e-9)
    y, outputs = random.choice([-1.0, 1.0], kumano2024.SAMPLES), np.repeat([1.0, -1.0], 16) / 32**0.5
    weights = kumano2024._trained(x, y, outputs, random, trial)
    assert (kumano2024._score(x, weights, outputs) * y > 0).all()
    assert not trial.reasons
    monkeypatch.setattr(kumano2024, "STEPS", 1)
    kumano2024._trained(x, y, outputs, random, trial)
    assert "a training loss of 0.5 is above 0.1" in trial.reasons[0]

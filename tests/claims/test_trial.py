"""A trial is a pure function of claim, tier, seed, control and block."""

import subprocess
import sys

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntkit.claims import Trial


def _words(trial: Trial) -> list[int]:
    return np.asarray(jax.random.key_data(trial.key)).tolist()  # type: ignore[no-any-return]


def test_the_key_is_the_same_everywhere() -> None:
    """Written down once: a change would silently measure everything on other seeds."""
    assert _words(Trial("doe2024/x")) == [2597639204, 4280843736]
    assert _words(Trial("doe2024/x", control="c", block=1, seed=7)) == [1356451911, 3929550561]


@given(st.integers(0, 10**9), st.sampled_from([None, "a", "b"]), st.integers(0, 1))
def test_the_key_ignores_the_tier_and_nothing_else(seed: int, control: str | None, block: int) -> None:
    quick = Trial("doe2024/x", "quick", seed, control, block)
    assert _words(quick) == _words(Trial("doe2024/x", "full", seed, control, block))
    others = [
        Trial("doe2024/y", "quick", seed, control, block),
        Trial("doe2024/x", "quick", seed + 1, control, block),
        Trial("doe2024/x", "quick", seed, "c", block),
        Trial("doe2024/x", "quick", seed, control, 1 - block),
    ]
    assert all(_words(other) != _words(quick) for other in others)


def test_the_generator_is_seeded_by_the_key() -> None:
    trial = Trial("doe2024/x", control="c", block=1, seed=7)
    expected = np.random.default_rng([1356451911, 3929550561]).random(3)
    np.testing.assert_array_equal(trial.rng().random(3), expected)
    np.testing.assert_array_equal(trial.rng().random(3), expected, "a call begins the stream again")
    of_key = np.random.default_rng(np.asarray(jax.random.key_data(trial.key)))
    np.testing.assert_array_equal(of_key.random(3), expected)


def test_the_generator_needs_no_jax() -> None:
    code = "import sys; from ntkit.claims import Trial; Trial('doe2024/x').rng(); assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)


def test_a_repeated_surprise_has_four_times_the_repeats() -> None:
    assert Trial("p/c").repeats(quick=20, full=50) == 20
    assert Trial("p/c", "full", block=1).repeats(quick=20, full=50) == 200
    assert Trial("p/c", block=1).scale(quick=20, full=50) == 20
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        Trial("p/c").repeats(quick=0, full=1)


def test_progress_reports_the_share_that_is_done() -> None:
    shares: list[float] = []
    assert list(Trial("p/c", report=shares.append).progress([1, 2, 3, 4])) == [1, 2, 3, 4]
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert list(Trial("p/c").progress(iter([1]))) == [1]


def test_unmet_needs_a_reason() -> None:
    trial = Trial("p/c")
    trial.unmet("loss above 0.1")
    assert trial.reasons == ["loss above 0.1"]
    with pytest.raises(ValueError, match="unmet needs a reason"):
        trial.unmet(" ")


def test_data_sets_are_recorded_by_content() -> None:
    first, second, third = (Trial("p/c") for _ in range(3))
    first.uses("x", np.arange(3.0))
    second.uses("x", np.arange(3.0))
    third.uses("x", np.arange(3.0)[:, None])
    assert first.datasets == second.datasets != third.datasets

"""A trial: one run of one claim at one tier, seed and control, with everything that a measurement may depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import jax
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")
Tier = Literal["quick", "full"]

PROTOCOL = 1  # raise when keys or repeat counts come to mean something else: stored evidence is then measured again
FIRST_SEED = 1000  # verification starts here; pilots, by which thresholds are chosen, use smaller seeds
REPEAT_FACTOR = 4  # how many times more repeats a surprise is repeated with


@dataclass(frozen=True)
class Trial:
    """One run of one claim. A measurement is a pure function of it: the same trial gives the same bytes.

    Attributes:
        claim: the claim's name, PAPER/SLUG.
        tier: "quick" or "full".
        seed: pilots use seeds below 1000, verification starts at 1000.
        control: None for the claim itself, the name of a control, or "repaired".
        block: 0, or 1 when a surprise is repeated with four times the repeats.
        parameters: of a cell of a sweep; a claim has none.

    Example:
        >>> trial = Trial("doe2024/a-claim", seed=7)
        >>> trial.scale(quick=10, full=100), trial.repeats(quick=20, full=50)
        (10, 20)
    """

    claim: str
    tier: Tier = "quick"
    seed: int = FIRST_SEED
    control: str | None = None
    block: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    report: Callable[[float], None] | None = field(default=None, compare=False, repr=False)
    reasons: list[str] = field(default_factory=list, compare=False, repr=False)
    datasets: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def key(self) -> jax.Array:
        """A typed JAX PRNG key: a pure function of claim, seed, block and control, whatever the tier or the machine."""
        import jax

        key: jax.Array = jax.random.wrap_key_data(jax.numpy.asarray(self._words()), impl="threefry2x32")
        return key

    def rng(self) -> np.random.Generator:
        """A new NumPy generator, seeded by the two words of `key`: every call begins the same stream again.

        For measurements in plain NumPy, and for distributions that JAX would compile for long.
        """
        import numpy as np

        return np.random.default_rng(self._words())

    def _words(self) -> NDArray[np.uint32]:
        import numpy as np

        text = "\0".join((self.claim, str(self.seed), str(self.block), self.control or ""))
        return np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], dtype="<u4").astype(np.uint32)

    def scale(self, *, quick: T, full: T) -> T:
        """The value for this trial's tier."""
        return quick if self.tier == "quick" else full

    def repeats(self, *, quick: int, full: int) -> int:
        """How often to repeat: the tier's number, four times as many when a surprise is repeated."""
        chosen = self.scale(quick=quick, full=full)
        if chosen < 1:
            raise ValueError(f"repeats must be at least 1, got {chosen}")
        return chosen * (REPEAT_FACTOR if self.block else 1)

    def unmet(self, reason: str) -> None:
        """Say that the claim's assumptions were not met in this run; the verdict is then inconclusive with this reason."""
        if not reason.strip():
            raise ValueError("unmet needs a reason, got an empty one")
        self.reasons.append(reason)

    def uses(self, name: str, *arrays: ArrayLike) -> None:
        """Record the SHA-256 of a data set (dtype, shape and bytes of each array), so that the verdict says what it saw."""
        import numpy as np

        digest = hashlib.sha256()
        for array in map(np.ascontiguousarray, arrays):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(array.tobytes())
        self.datasets[name] = digest.hexdigest()

    def progress(self, steps: Iterable[T]) -> Iterator[T]:
        """Iterate over `steps`, reporting how far the measurement is; without a listener it only iterates."""
        total = len(steps) if isinstance(steps, Sized) else None
        for done, step in enumerate(steps):
            yield step
            if self.report is not None and total:
                self.report((done + 1) / total)

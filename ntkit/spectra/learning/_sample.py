"""A data set as its own population: the Gram matrix of N points with their labels, and what n < N of them predict."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ntkit.spectra.learning._modes import Modes, Real, nonnegative


@dataclass(frozen=True, eq=False, init=False)
class Sample:
    """The Gram matrix of a kernel on N data points, and the labels to be learnt from some of them.

    Attributes:
        gram: symmetric positive semi-definite, float64 of shape (N, N).
        targets: shape (N,) or (N, outputs); errors are sums over the outputs.

    Raises:
        ValueError: wrong shapes, values that are not finite, or a gram that is not symmetric or has an eigenvalue below
            minus its rounding error N epsilon |gram| (an indefinite kernel).

    Example:
        >>> sample = Sample(np.diag([4.0, 2.0]), np.array([1.0, 3.0]))
        >>> sample.eigenvalues.tolist(), sample.power.round(12).tolist()
        ([2.0, 1.0], [0.5, 4.5])
    """

    gram: Float[np.ndarray, "N N"]
    targets: Float[np.ndarray, "N ..."]

    def __init__(self, gram: ArrayLike, targets: ArrayLike) -> None:
        gram, targets = np.asarray(gram, dtype=np.float64), np.asarray(targets, dtype=np.float64)
        if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or len(gram) < 2:
            raise ValueError(f"gram must have shape (N, N) with N >= 2, got {gram.shape}")
        if targets.ndim not in (1, 2) or len(targets) != len(gram):
            raise ValueError(f"targets must have shape ({len(gram)},) or ({len(gram)}, outputs), got {targets.shape}")
        for name, array in (("gram", gram), ("targets", targets)):
            if not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
        skew, size = np.abs(gram - gram.T).max(), np.abs(gram).max()
        if skew > 1e-8 * size:
            raise ValueError(f"gram must be symmetric, got entries that differ by {skew:g} from their mirror image")
        object.__setattr__(self, "gram", (gram + gram.T) / 2)
        object.__setattr__(self, "targets", targets)

    def __len__(self) -> int:
        return len(self.gram)

    @cached_property
    def _system(self) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, "N N"]]:
        values, vectors = np.linalg.eigh(self.gram)
        values, vectors = values[::-1], vectors[:, ::-1]
        noise = len(self) * np.finfo(np.float64).eps * np.abs(values).max()
        if values[-1] < -noise:
            raise ValueError(f"gram must be positive semi-definite, got the eigenvalue {values[-1]:g} (an indefinite kernel)")
        return np.where(values > noise, values, 0.0), vectors

    @property
    def eigenvalues(self) -> Float[np.ndarray, " N"]:
        """Of gram / N, falling; those below the rounding error of the largest are 0."""
        return self._system[0] / len(self)

    @property
    def eigenvectors(self) -> Float[np.ndarray, "N N"]:
        """Orthonormal columns; sqrt(N) times them is the empirical eigenbasis on these points."""
        return self._system[1]

    @cached_property
    def coefficients(self) -> Float[np.ndarray, "N ..."]:
        """Of the targets in the empirical eigenbasis, v_i = sum_x phi_i(x) y(x) / N."""
        return np.asarray(self.eigenvectors.T @ self.targets / np.sqrt(len(self)))

    @property
    def power(self) -> Float[np.ndarray, " N"]:
        """v_i^2, summed over outputs; their sum is the mean of targets^2 (Parseval)."""
        return np.asarray((self.coefficients**2).reshape(len(self), -1).sum(axis=1))

    @cached_property
    def modes(self) -> Modes:
        """The empirical eigen-system as that of a population; power at eigenvalue 0 counts as outside of the span.

        For n well below N; it knows no mode beyond the Nth, so that errors at n near N or above come out too small.
        """
        inside = self.eigenvalues > 0
        return Modes(self.eigenvalues, np.where(inside, self.power, 0.0), outside=float(self.power[~inside].sum()))

    def predict(self, cross: ArrayLike, *, ridge: Real = 0.0) -> Float[np.ndarray, "points ..."]:
        """Kernel ridge regression from all N points: cross (gram + ridge)^-1 targets.

        Args:
            cross: kernel between new points and these, shape (points, N).
            ridge: at least 0; at 0 the pseudo-inverse, which leaves out the eigenvalues within rounding of 0.

        Raises:
            ValueError: cross has another shape, or ridge is out of range.

        Example:
            >>> Sample(np.diag([4.0, 2.0]), np.array([1.0, 3.0])).predict(np.array([[4.0, 1.0]]), ridge=2.0).round(6).tolist()
            [1.416667]
        """
        inverse = self._inverse(float(nonnegative("ridge", ridge)))
        return np.asarray(self._read(cross, inverse)[0])

    def _inverse(self, ridge: float) -> Float[np.ndarray, "1 N"]:
        values = self._system[0] + ridge
        return np.divide(1.0, values, out=np.zeros_like(values), where=self._system[0] > 0)[None]

    def _read(self, cross: ArrayLike, filters: Float[np.ndarray, "times N"]) -> Float[np.ndarray, "times points ..."]:
        """Cross @ U diag(filter) U' targets, for each filter of eigenvalues."""
        cross = np.asarray(cross, dtype=np.float64)
        if cross.ndim != 2 or cross.shape[1] != len(self):
            raise ValueError(f"cross must have shape (points, {len(self)}), got {cross.shape}")
        left, right = cross @ self.eigenvectors, self.coefficients.reshape(len(self), -1) * np.sqrt(len(self))
        out = np.stack([(left * row) @ right for row in filters])
        return out.reshape(*out.shape[:2], *self.targets.shape[1:])

"""Kernels in words, for studies that take them in place of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies._finite import FiniteNetwork

if TYPE_CHECKING:
    from ntkit.kernels import Network


class Kernel(Protocol):
    """What is not a network, such as `ntkit.kernels.Laplace(2.0)`: a dataclass of numbers."""

    def gram(self, x1: Any, x2: Any = None) -> Any:
        """The kernel of all pairs of inputs."""


# Names, their classes, and examples.
KERNELS = {
    "laplace": ("Laplace", "laplace 2"),
    "gaussian": ("Gaussian", "gaussian 2"),
    "matern": ("Matern", "matern 1.5 2"),
    "gamma": ("GammaExponential", "gamma 0.5 2"),
    "arccosine": ("ArcCosine", "arccosine 1"),
}


def parsed_kernel(text: str) -> Kernel:
    """The kernel of the words, such as "laplace 2": a name, then its numbers in the order of `ntkit.kernels`.

    Raises:
        UsageError: an unknown name, numbers that are missing, too many or none, or out of their range.

    Example:
        >>> parsed_kernel("matern 1.5 2")
        Matern(nu=1.5, bandwidth=2.0)
    """
    from dataclasses import fields

    import ntkit.kernels

    name, *numbers = text.split() or [""]
    if name not in KERNELS:
        raise UsageError(f"--kernel {text!r}: must begin with {', '.join(KERNELS)}")
    kind: Any = getattr(ntkit.kernels, KERNELS[name][0])
    names = [field.name for field in fields(kind)]
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        values = []
    if len(values) != len(names):
        raise UsageError(f"--kernel {text!r}: {name} takes {' and '.join(names)}, as in {KERNELS[name][1]!r}")
    if name == "arccosine":
        if values[0] % 1 != 0:
            raise UsageError(f"--kernel {text!r}: order must be 0, 1 or 2, got {values[0]:g}")
        values = [int(values[0])]
    try:
        kernel: Kernel = kind(*values)
    except ValueError as error:
        raise UsageError(f"--kernel {text!r}: {error}") from None
    return kernel


def function_of(studied: Network | Kernel) -> Network | Callable[..., Any]:
    """What `gram` and `gram_operator` take."""
    from ntkit.kernels import Network

    return studied if isinstance(studied, Network) else studied.gram


def in_words(studied: Network | Kernel) -> str:
    """The words that give this network or kernel.

    Example:
        >>> from ntkit.kernels import Laplace
        >>> in_words(Laplace(2.0))
        'laplace 2'
    """
    from ntkit.kernels import Network, words

    if isinstance(studied, Network):
        return words(studied)
    if isinstance(studied, FiniteNetwork):
        return studied.words
    (name,) = (name for name, (kind, _) in KERNELS.items() if kind == type(studied).__name__)
    return " ".join([name, *(np.format_float_positional(number, trim="-") for number in vars(studied).values())])

"""Fu, Kumbong, Nguyen, Ré (2023): the Fourier transform as two products of matrices, whose zero blocks may be skipped."""

import numpy as np
from numpy.typing import NDArray

from ntkit.claims import All, Control, Identity, Paper, Sides, Trial

paper = Paper(
    key="fu2023flash",
    title="FlashFFTConv: Efficient Convolutions for Long Sequences with Tensor Cores",
    authors="Daniel Y. Fu, Hermann Kumbong, Eric Nguyen, Christopher Ré",
    year=2023,
    arxiv="2311.05908",
)

Numbers = NDArray[np.complex128]

SHAPES = ((8, 8), (6, 10), (4, 256), (64, 64))  # N1 and N2


@paper.claim(
    "monarch-fft-exact",
    where="abstract: the FFT by a decomposition into matrices; partial and frequency-sparse convolutions skip blocks of it",
    kind="theorem",
    checked="memory",
    statement=r"N = N_1 N_2,\ X_{ab} = x_{N_2 a + b}: \quad"
    r"\hat x_{k_1 + N_1 k_2} = \left((T \odot F_{N_1} X)\, F_{N_2}\right)_{k_1 k_2},"
    r"\quad T_{k b} = e^{-2 \pi i k b / N}; \quad \text{rows of zeros in } X \text{ and zeros of the spectrum may be skipped}",
    # A value is a sum of N terms with rounding of about sqrt(N) epsilon |x|, 1e-14 at the largest N, in units of |x|.
    rule=All(transform=Identity(rtol=0, atol=1e-12), partial=Identity(rtol=0, atol=1e-12), sparse=Identity(rtol=0, atol=1e-12)),
    controls={
        "no-twiddle": Control("without the factors T", parts=("transform", "partial", "sparse")),
        "untransposed": Control("the result read by rows, not by columns", parts=("transform",)),
        "unpadded": Control("a sequence that fills the length: the convolution wraps around", parts=("partial",)),
        "one-more": Control("one column more of the spectrum skipped than is zero", parts=("sparse",)),
    },
)
def monarch_fft_exact(trial: Trial) -> dict[str, Sides]:
    """Gaussian sequences of 64, 60, 1024 and 4096 numbers against `numpy.fft`, and convolutions against their sums.

    `partial`: a filter of length N / 4 on a sequence of length N / 2, of which only the rows that are not zero enter, three
    quarters and half of them being skipped; without room for its whole length the convolution would not be causal. `sparse`: a
    spectrum that is zero but for its first N1 / 2 rows and N2 / 2 columns, transformed back from that block alone. Differences
    are in units of the norms of the inputs. 5 draws each (full: 50).
    """
    rng = trial.rng()
    parts: dict[str, list[tuple[Numbers, Numbers]]] = {"transform": [], "partial": [], "sparse": []}
    twiddled = trial.control != "no-twiddle"
    for _ in trial.progress(range(trial.scale(quick=5, full=50))):
        for n1, n2 in SHAPES:
            n = n1 * n2
            x = rng.normal(size=n) + 1j * rng.normal(size=n)
            grid = _transform(x, n1, n2, twiddled) / np.linalg.norm(x)
            found = grid.ravel() if trial.control == "untransposed" else grid.T.ravel()
            parts["transform"].append((found, np.fft.fft(x) / np.linalg.norm(x)))

            sequence, taps = rng.normal(size=n if trial.control == "unpadded" else n // 2), rng.normal(size=n // 4)
            product = _transform(sequence, n1, n2, twiddled) * _transform(taps, n1, n2, twiddled)
            scale = np.linalg.norm(sequence) * np.linalg.norm(taps)
            whole = np.convolve(sequence, taps)[: len(sequence)].astype(complex)
            parts["partial"].append((_back(product, n1, n2, twiddled)[: len(sequence)] / scale, whole / scale))

            rows, columns = n1 // 2, n2 // 2
            block = grid[:rows, :columns]
            masked = np.zeros_like(grid)
            masked[:rows, :columns] = block
            skipped = block[:, :-1] if trial.control == "one-more" else block
            parts["sparse"].append((_back(skipped, n1, n2, twiddled), np.fft.ifft(masked.T.ravel())))
    return {
        name: Sides(*(_reals(side) for side in zip(*pairs, strict=True)), x_label="by blocks", y_label=against)
        for (name, pairs), against in zip(parts.items(), ("numpy.fft", "sums", "numpy.fft"), strict=True)
    }


def _fourier(n: int) -> Numbers:
    """The matrix e^(-2 pi i j k / n)."""
    powers = np.outer(np.arange(n), np.arange(n)) % n  # angles below 2 pi keep all their digits
    return np.asarray(np.exp(-2j * np.pi * powers / n))


def _twiddle(n1: int, n2: int) -> Numbers:
    return np.asarray(np.exp(-2j * np.pi * np.outer(np.arange(n1), np.arange(n2)) / (n1 * n2)))


def _transform(x: NDArray[np.float64] | Numbers, n1: int, n2: int, twiddled: bool = True) -> Numbers:
    """The transform of x, filled up with zeros, at frequencies k1 + n1 k2, shape (n1, n2); rows of zeros are not touched."""
    rows = -(-len(x) // n2)
    grid = np.pad(x, (0, rows * n2 - len(x))).reshape(rows, n2)
    inner = _fourier(n1)[:, :rows] @ grid
    return np.asarray((inner * _twiddle(n1, n2) if twiddled else inner) @ _fourier(n2))


def _back(block: Numbers, n1: int, n2: int, twiddled: bool = True) -> Numbers:
    """The sequence whose transform is zero but for this block at the lowest k1 and k2; the rest is not touched."""
    rows, columns = block.shape
    inner = block @ _fourier(n2)[:columns].conj()
    if twiddled:
        inner = inner * _twiddle(n1, n2)[:rows].conj()
    return np.asarray((_fourier(n1)[:, :rows].conj() @ inner).ravel() / (n1 * n2))


def _reals(parts: tuple[Numbers, ...]) -> NDArray[np.float64]:
    """Real and imaginary parts of all numbers, one after the other."""
    return np.concatenate(parts).view(np.float64)

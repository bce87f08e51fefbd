"""Feature extractors on periodic signals: filters, a nonlinearity and sampling in each layer; features are low-passed."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

Floats = Float[np.ndarray, "..."]


class Layer(NamedTuple):
    """The filters of one layer of many networks, at the frequencies of `numpy.fft.rfft`.

    Attributes:
        low: the output filter chi^, shape (network, frequency).
        bands: the filters g^_j that lead to the next layer, shape (network, j, frequency).
    """

    low: Floats
    bands: Complex[np.ndarray, "network j frequency"]


def scatter(
    x: Float[np.ndarray, "network signal n"],
    layers: Iterable[Layer],
    activation: Callable[[Floats], Floats],
    stride: int = 1,
) -> Iterator[tuple[Floats, Floats]]:
    """Phi^n = {u * chi_n: u in U_n} and U_{n+1}, every S-th sample of rho(u * g_j), for n = 0, 1, .. from U_0 = {x}.

    Yields:
        Two arrays (network, signal, path, sample) for each layer, of N / S^n and N / S^(n+1) samples.
    """
    u = x[:, :, None]
    for layer in layers:
        n, spectrum = u.shape[-1], np.fft.rfft(u)
        features = np.fft.irfft(spectrum * layer.low[:, None, None], n)
        filtered = np.fft.irfft(spectrum[:, :, :, None] * layer.bands[:, None, None], n)[..., ::stride]
        paths = u.shape[2] * layer.bands.shape[1]
        u = activation(filtered.reshape(*u.shape[:2], paths, filtered.shape[-1]))
        yield features, u


def output(layer: Layer) -> Layer:
    """The layer as the last one: without filters that lead on."""
    return layer._replace(bands=layer.bands[:, :0])


def relu(z: Floats) -> Floats:
    """max(z, 0)."""
    return np.asarray(np.maximum(z, 0.0))


def random_taps(random: np.random.Generator, networks: int, bands: int, n: int, width: float) -> Layer:
    """Gaussian filters of nine taps and a Gaussian low-pass, scaled to the frame bound 1: max |chi^|^2 + sum_j |g^_j|^2 = 1."""
    low, g = _gaussian(n, width), np.fft.rfft(random.normal(size=(networks, bands, 9)), n)
    scale = np.sqrt((low**2 + (np.abs(g) ** 2).sum(axis=1)).max(axis=1, keepdims=True))
    return Layer(low / scale, g / scale[:, None])


def tight_frame(random: np.random.Generator, networks: int, bands: int, n: int, width: float, *, bound: float = 1.0) -> Layer:
    """Random filters of full length with |chi^|^2 + sum_j |g^_j|^2 = bound at every frequency, N even; chi is Gaussian."""
    low, shape = _gaussian(n, width), (networks, bands, n // 2 + 1)
    g = random.normal(size=shape) + 1j * random.normal(size=shape)
    g[..., [0, -1]] = g[..., [0, -1]].real  # of real filters, at the frequencies that are their own negatives
    g *= np.sqrt((1 - low**2) / (np.abs(g) ** 2).sum(axis=1))[:, None]
    return Layer(np.sqrt(bound) * np.tile(low, (networks, 1)), np.sqrt(bound) * g)


def _gaussian(n: int, width: float) -> Floats:
    """The response exp(-w^2 / (2 width^2)), w in cycles per sample."""
    return np.asarray(np.exp(-(np.fft.rfftfreq(n) ** 2) / (2 * width**2)))

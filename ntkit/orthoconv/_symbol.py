"""The layer in the Fourier basis: N^d small blocks instead of one large matrix."""

from jaxtyping import Complex, Float

from ntkit.orthoconv._architecture import Real, of_kernel


def symbol(kernel: Real, stride: int = 1, *, size: int) -> Complex[Real, "frequencies M inputs"]:
    """The blocks B(w) to which the layer matrix is unitarily equivalent, one for each output frequency w.

    B(w) = S^{-d/2} [K^(:, :, w + N s)] for s in [0, S)^d, K^ the Fourier transform of the kernel wrapped to S N points
    per axis; the phases s join the input channels.

    Args:
        kernel: shape (M, C, k) or (M, C, k, k), floating point.
        stride: S.
        size: N, output points per axis; the input has S N. A kernel longer than S N is wrapped around.

    Returns:
        Complex, shape (N^d, M, C S^d).

    Raises:
        ValueError: wrong shape, dtype, stride or size.

    Example:
        >>> import numpy as np
        >>> symbol(np.array([[[1.0, 1.0]]]), size=2)[:, 0, 0].real.tolist()  # frequencies 0 and pi
        [2.0, 0.0]

    Source: Sedghi, Gupta, Long (2019) for S = 1. For S > 1: sampling every S-th output folds S^d input frequencies into
    one, with the weight S^{-d/2} that makes the discrete transforms of both sizes unitary.
    """
    layer = of_kernel(kernel, stride)
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
    xp = kernel.__array_namespace__()
    side = layer.S * size
    wraps = -(-layer.k // side)
    padded = xp.pad(kernel, [(0, 0), (0, 0)] + [(0, wraps * side - layer.k)] * layer.d)
    wrapped = xp.reshape(padded, (layer.M, layer.C) + (wraps, side) * layer.d).sum(axis=tuple(range(2, 2 + 2 * layer.d, 2)))
    spectrum = xp.fft.fftn(wrapped, axes=tuple(range(2, 2 + layer.d)))
    split = xp.reshape(spectrum, (layer.M, layer.C) + (layer.S, size) * layer.d)
    frequencies, phases = range(3, 3 + 2 * layer.d, 2), range(2, 2 + 2 * layer.d, 2)
    blocks: Real = xp.reshape(xp.transpose(split, (*frequencies, 0, 1, *phases)), (size**layer.d, layer.M, layer.inputs))
    return blocks * float(layer.S ** (-layer.d / 2))


def singular_values(kernel: Real, stride: int = 1, *, size: int) -> Float[Real, "frequencies smaller"]:
    """All singular values of the layer matrix, by output frequency, descending within each.

    Returns:
        Shape (N^d, min(M, C S^d)). Arguments and errors as for `symbol`.

    Example:
        >>> import numpy as np
        >>> singular_values(np.array([[[1.0, 1.0]]]), size=2).ravel().tolist()
        [2.0, 0.0]
    """
    blocks = symbol(kernel, stride, size=size)
    values: Real = blocks.__array_namespace__().linalg.svd(blocks, compute_uv=False)
    return values


def frobenius_error(kernel: Real, stride: int = 1, *, size: int) -> Float[Real, ""]:
    """err_F: the Frobenius norm of A A^T - I in the RO case, of A^T A - I in the CO case.

    Computed from the blocks, whose smaller Gram matrices have the same spectrum. Arguments and errors as for `symbol`.

    Example:
        >>> import numpy as np
        >>> float(frobenius_error(np.array([[[1.0, 1.0]]]), size=2))  # |4 - 1|^2 + |0 - 1|^2 = 10
        3.1622776601683795

    Source: Achour, Malgouyres, Mamalet (2022), definition of err_F.
    """
    blocks = symbol(kernel, stride, size=size)
    xp = blocks.__array_namespace__()
    adjoint = xp.conj(xp.swapaxes(blocks, 1, 2))
    gram = blocks @ adjoint if blocks.shape[1] <= blocks.shape[2] else adjoint @ blocks
    difference = gram - xp.eye(gram.shape[1], dtype=gram.dtype)[None, :, :]
    error: Real = xp.asarray(xp.sqrt(xp.sum(difference.real**2 + difference.imag**2)))
    return error

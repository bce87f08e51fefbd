"""Eigenvalues in closed form, as expressions of sympy."""

from typing import Any

from ntkit.spectra._harmonics import check_degrees, check_dim


def arc_cosine_eigenvalue(order: int, dim: int | Any, degree: int | Any) -> Any:
    """The exact eigenvalue of the arc-cosine kernel J_n(angle) / J_n(0) on harmonics of one degree, as a sympy expression.

        lambda_k = 2 (d/2)_n / (1/2)_n * a_k^2,   a_k = n! Gamma(d/2) / (2^(n+1) Gamma((n-k)/2 + 1) Gamma((n+k+d)/2)),

    with n = order, d = dim, k = degree, (x)_n = x (x + 1) ... (x + n - 1) and 1 / Gamma = 0 at 0, -1, -2, ...: degrees k > n
    of the parity of n have the eigenvalue 0. a_k is the coefficient of max(0, t)^n (n = 0: of the step) at degree k.

    Args:
        order: n = 0, 1 or 2, as for `ntkit.kernels.ArcCosine`.
        dim: dimension of the surrounding space, at least 2, or a sympy symbol.
        degree: k >= 0, or a sympy symbol.

    Returns:
        For integers a number, rational or rational over pi^2; for symbols an expression in gamma functions.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> [str(arc_cosine_eigenvalue(0, 3, k)) for k in range(4)]
        ['1/2', '1/8', '0', '1/128']
        >>> str(arc_cosine_eigenvalue(1, 2, 0))
        '4/pi**2'

    Source: Funk-Hecke formula for max(0, t)^n with the Gegenbauer integral of Gradshteyn and Ryzhik 7.311.2 (from memory); the
        kernel is the mean of f(<w, x>) f(<w, z>) over the sphere, so that eigenvalues are squares. See Bach (2017).
    """
    import sympy  # a tenth of a second that only this function needs

    if order not in (0, 1, 2):
        raise ValueError(f"order must be 0, 1 or 2, got {order!r}")
    if not isinstance(dim, sympy.Basic):
        check_dim(dim)
    if not isinstance(degree, sympy.Basic):
        check_degrees([degree])
    n, d, k = sympy.Integer(order), sympy.sympify(dim), sympy.sympify(degree)
    below = (n - k) / 2 + 1
    if below.is_integer and below.is_nonpositive:
        return sympy.Integer(0)
    coefficient = sympy.factorial(n) * sympy.gamma(d / 2) / (2 ** (n + 1) * sympy.gamma(below) * sympy.gamma((n + k + d) / 2))
    eigenvalue = 2 * sympy.rf(d / 2, n) / sympy.rf(sympy.Rational(1, 2), n) * coefficient**2
    return sympy.simplify(eigenvalue) if eigenvalue.free_symbols else eigenvalue

"""The closed form of the bits against SciPy's, where that has digits."""

from math import lgamma, log

import numpy as np
import pytest
from scipy.stats import chi2, ncx2

from paper_checks import boopathy2024


@pytest.mark.parametrize(("epsilon", "freedom", "mass"), [(2.5, 10, 0.5), (0.1, 25, 0.5), (6.0, 3, 1.0), (1.5, 1, 0.025)])
def test_bits_are_those_of_a_non_central_chi_squared_law(epsilon, freedom, mass):
    bits = boopathy2024._bits(epsilon, freedom, mass)
    assert bits == pytest.approx(-np.log2(ncx2.cdf(epsilon, freedom, mass)), rel=1e-8)
    assert boopathy2024._bits(epsilon, freedom, 0.0) == pytest.approx(-np.log2(chi2.cdf(epsilon, freedom)), rel=1e-8)


def test_far_below_the_smallest_number_there_are_still_digits():
    """P(chi^2_k <= x) is (x / 2)^(k/2) / Gamma(k/2 + 1) to first order."""
    leading = -(1000 * log(0.05) - lgamma(1001)) / log(2)
    assert boopathy2024._bits(0.1, 2000, 0.0) == pytest.approx(leading, rel=1e-5)

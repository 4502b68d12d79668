"""The inverse of the normal distribution function: Wichura 1988, algorithm AS 241, to about 16 digits.

SciPy's takes logarithms of the C library, whose last bits depend on the processor.
"""

import numpy as np

from esmaml_mpi.native.door import log

# Numerators and denominators, low powers first: in the middle |p - 1/2| <= 0.425, and beyond it.
_MIDDLE = (
    [
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ],
    [
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ],
)
_OUTSIDE = (
    [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
)
LEAST = 1e-10  # probability, from an end, for which these hold


def inverse_normal(probabilities: np.ndarray) -> np.ndarray:
    """x with P(N(0, 1) < x) = p for probabilities p from ``LEAST`` to 1 - ``LEAST``; ValueError for others."""
    end = np.minimum(probabilities, 1.0 - probabilities)
    if not (end >= LEAST).all():
        raise ValueError(f"probabilities from {LEAST:g} to 1 - {LEAST:g} are wanted")
    centred = probabilities - 0.5
    middle = centred * _ratio(_MIDDLE, 0.180625 - centred * centred)
    outside = _ratio(_OUTSIDE, np.sqrt(-log(end)) - 1.6)
    found: np.ndarray = np.where(np.abs(centred) <= 0.425, middle, np.copysign(outside, centred))
    return found


def _ratio(factors: tuple[list[float], list[float]], x: np.ndarray) -> np.ndarray:
    top, bottom = (_polynomial(each, x) for each in factors)
    ratio: np.ndarray = top / bottom
    return ratio


def _polynomial(factors: list[float], x: np.ndarray) -> np.ndarray:
    total: np.ndarray = x * factors[-1]
    for factor in factors[-2:0:-1]:
        total = (total + factor) * x
    total += factors[0]
    return total

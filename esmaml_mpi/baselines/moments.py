"""Mean and variance of numbers that lie in several places."""

import numpy as np

MOMENTS = 3  # count, mean, sum of squared deviations from it


def moments(values: np.ndarray) -> np.ndarray:
    """(count, mean, sum of squared deviations) of values (n,)."""
    if not values.size:
        return np.zeros(MOMENTS)
    mean = np.add.reduce(values) / values.size
    deviations = values - mean
    return np.array([values.size, mean, np.add.reduce(deviations * deviations)])


def joined_moments(parts: np.ndarray) -> np.ndarray:
    """Those of all values, from those (shares, 3) of each share; one after the other (Chan et al. 1979)."""
    count, mean, squares = np.zeros(MOMENTS)
    for more, its_mean, its_squares in parts:
        if more:
            difference, total = its_mean - mean, count + more
            mean = mean + difference * more / total
            squares = squares + its_squares + difference * difference * (count * more / total)
            count = total
    return np.array([count, mean, squares])

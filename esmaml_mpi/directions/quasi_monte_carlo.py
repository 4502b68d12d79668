"""Quasi-Monte Carlo: scrambled Sobol points through the inverse normal distribution function.

Owen 1995 for the scrambling (here SciPy's: a random linear matrix and a digital shift, Matousek 1998).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats.qmc import Sobol

from esmaml_mpi.directions.inverse_normal import inverse_normal
from esmaml_mpi.errors import ConfigError

BITS = 30  # of a coordinate; also log2 of how many points there are


@dataclass(frozen=True)
class QuasiMonteCarlo:
    """The first ``count`` points of a Sobol sequence, scrambled anew at each draw.

    Each point alone is uniform on a lattice of 2^30 cells a coordinate, taken at the middles, hence N(0, I) but for the
    tails beyond 6.2 standard deviations: estimates are unbiased. Each coordinate is stratified, and the first ones
    jointly; where the dimension exceeds the count by far only the former matters. ``count`` is best a power of two.
    Needs SciPy, which costs each process 70 MB and 0.7 s at its start.
    """

    uses_basis = False

    def check(self, dimension: int, count: int) -> None:
        """Sobol sequences are tabulated up to some dimension and length."""
        if dimension > Sobol.MAXDIM:
            raise ConfigError(
                f"quasi_monte_carlo directions are tabulated for at most {Sobol.MAXDIM} parameters, and the policy has "
                f"{dimension}. Use orthogonal or hadamard ones, or a smaller policy."
            )
        if count > 2**BITS:
            raise ConfigError(f"quasi_monte_carlo has at most 2**{BITS} directions at once; {count} are wanted.")

    def draw(self, generator: np.random.Generator, dimension: int, count: int) -> np.ndarray:
        """See ``Sampler``."""
        self.check(dimension, count)
        # SciPy spawns a child of what it is given: that would leave the generator's own stream untouched, and a stream
        # with a key and no seed has none.
        scrambling = np.random.default_rng(generator.integers(0, 2**63, 4))
        # A power of two and a cut, because SciPy warns about other counts; the points are the same.
        points = Sobol(dimension, scramble=True, bits=BITS, seed=scrambling).random_base2((count - 1).bit_length())
        # Multiples of 2^-30 from 0 on. The middle of the cell is never 0 or 1, where the normals would be infinite.
        return np.ascontiguousarray(inverse_normal(points[:count] + 0.5**BITS / 2).T)

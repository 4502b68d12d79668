"""Determinantal directions: of many Gaussian candidates, a set that is unlikely to hold similar ones.

DPP-ES of Song et al. 2020 (section 3.3 and the released code): K of rho K candidates by a k-DPP.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.directions import kernels
from esmaml_mpi.directions.k_dpp import choose
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import setting


@dataclass(frozen=True)
class DPP:
    """Directions are used without weights, as in the paper, which biases the estimate: nothing corrects it.

    Under ``rbf`` the outlying candidates are the least alike, so E g g^T = c I with c > 1 in few dimensions (c = 1.24
    for d = 6, K = 10 of 100): steps are longer by c, and the smoothing is no longer the Gaussian one. Under ``cosine``
    lengths play no part and each direction alone is N(0, I): the one kernel without bias. Under ``learned`` c depends
    on the axis.

    In many dimensions all candidates are about equally far apart and the choice is nearly uniform: the same as
    ``gaussian``, at a cost of O((rho K)^3). An ``absolute_length`` below half of sqrt(2d) makes it so altogether.
    """

    rho: int = setting(10, "candidates per direction; 5 in the released code", minimum=2, maximum=1000)
    kernel: str = setting(
        "rbf",
        "rbf: distance; cosine: angle; learned: distance in the subspace of earlier gradients, rbf until there is one",
        choices=("rbf", "cosine", "learned"),
    )
    length: float = setting(1.0, "length of rbf and learned, times the typical distance sqrt(2 dimension)", above=0)
    absolute_length: float | None = setting(
        None, "if set, their length in units of sigma; 5 is the released code's 0.5 at sigma 0.1", above=0
    )
    ridge: float = setting(
        1e-6, "added to the kernel's diagonal: lets more directions be chosen than it has rank", minimum=0
    )

    @property
    def uses_basis(self) -> bool:
        return self.kernel == "learned"

    def from_subspace(self, subspace: Subspace) -> dict:
        """What ``draw`` takes of a subspace."""
        return {"basis": subspace.basis, "weights": subspace.weights}

    def check(self, dimension: int, count: int) -> None:
        """A kernel of cosines has at most rank d, and nothing but a ridge lifts it."""
        if self.kernel == "cosine" and count > dimension and self.ridge == 0.0:
            raise ConfigError(
                f"dpp: {count} directions are wanted, but cosines in {dimension} dimensions are a kernel of rank "
                f"{dimension}. Set a ridge above 0, or use fewer directions or kernel = 'rbf'."
            )

    def draw(
        self,
        generator: np.random.Generator,
        dimension: int,
        count: int,
        *,
        basis: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> np.ndarray:
        """See ``Sampler``, but for the distribution.

        For ``learned``: ``basis`` (dimension, r) holds axes along which directions should differ, as orthonormal
        columns, ``weights`` (r,) >= 0 how much each of them counts (all the same if None), as the eigenvalues of a
        covariance of gradients would. ConfigError where the kernel's rank is below count and there is no ridge.
        """
        if basis is not None and not self.uses_basis:
            raise ValueError(f"kernel {self.kernel!r} takes no basis")
        self.check(dimension, count)
        candidates = generator.standard_normal((dimension, self.rho * count))
        kernel = self.similarities(candidates, basis, weights)
        return np.ascontiguousarray(candidates[:, choose(kernel, count, generator, self.ridge)])

    def similarities(
        self, candidates: np.ndarray, basis: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> np.ndarray:
        """The kernel (n, n) of candidates (dimension, n), without the ridge."""
        if self.kernel == "cosine":
            return kernels.cosine(candidates)
        features = candidates if basis is None else kernels.projected(candidates, basis, weights)
        return kernels.rbf(features, self.absolute_length or self.length * np.sqrt(2 * len(features)))

"""Directions from an active subspace (ASEBO: Choromanski et al. 2019, "From Complexity to Simplicity: Adaptive
ES-Active Subspaces for Blackbox Optimization").

With U (d, r) an orthonormal basis of the subspace, a direction v lies in span(U) with probability p and in its
complement otherwise, uniform on the sphere of its part of k = r or d - r dimensions, with squared length of mean L:

    E v v' = C = p (L/r) U U' + (1 - p) (L/(d - r)) (I - U U')

The plain average of (f'v) v is C f', wrong by these factors. As C acts on v by one number, the average of w (f'v) v
with

    w = r / (p L) in the subspace,   w = (d - r) / ((1 - p) L) in the complement

is E C^-1 v v' f' = f': unbiased for linear f, and, by symmetry in v, for quadratic f as well. Beyond that its mean is
the gradient of a smoothing other than the Gaussian one, as v is not Gaussian. A regression over v needs no weights.

Its second moment, with E (f'v)^2 |v|^2 = E |v|^4 s / k for the part's squared gradient norm s, is

    V(p) = c(r) s_act / p + c(d - r) s_orth / (1 - p),   c(k) = k E |v|^4 / L^2

    lengths chi(d), as drawn here:   c(k) = k (d + 2) / d
    lengths chi(k), as analysed:     c(k) = k + 2

and smallest at p = sqrt(c(r) s_act) / (sqrt(c(r) s_act) + sqrt(c(d - r) s_orth)). ASEBO rescales to chi(d) and takes
the p of chi(k).
"""

from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.reproducibility.linear_algebra import inner, lengths, product
from esmaml_mpi.settings import setting

LENGTHS = ("full", "part")  # chi(d) or chi(k): which c(k) a probability is made for


@dataclass(frozen=True)
class ActiveSubspace:
    """Sampler of such directions, all of them with lengths chi(d) as those of isotropic Gaussian ones, so that sigma
    means the same with and without a subspace.
    """

    probability: float = setting(
        0.0,
        "probability of a direction in the subspace; 0: the one that makes the variance smallest, as the latest "
        "meta-gradient suggests",
        minimum=0,
        below=1,
    )

    uses_basis = True

    @property
    def _default(self) -> float:
        return self.probability or 0.5

    def check(self, dimension: int, count: int) -> None:
        """Anything can be drawn."""

    def from_subspace(self, subspace: Subspace) -> dict:
        """What ``draw`` and ``importance`` take of a subspace."""
        return {"basis": subspace.basis, "probability": self.probability or subspace.probability}

    def draw(
        self,
        generator: np.random.Generator,
        dimension: int,
        count: int,
        basis: np.ndarray | None = None,
        probability: float | None = None,
    ) -> np.ndarray:
        """Directions (d, count), given a basis (d, r) and a probability other than the setting.

        Isotropic Gaussian ones without a basis (None, r = 0) or without a complement (r = d). The same normals are
        used in all cases: a Gaussian vector is projected to its part and brought back to its own length, which is
        independent of the projection's direction.
        """
        normals = generator.standard_normal((dimension, count))
        if not splits(basis, dimension):
            return normals
        active = generator.random(count) < (self._default if probability is None else probability)
        inside = _projected(normals, basis)
        directions = np.where(active, inside, normals - inside)
        drawn: np.ndarray = directions * (lengths(normals) / lengths(directions))
        return drawn

    def importance(
        self, directions: np.ndarray, basis: np.ndarray | None = None, probability: float | None = None
    ) -> np.ndarray:
        """w (count,) of directions (d, count) drawn with this basis and probability: (1/m) sum_i w_i b_i v_i is
        unbiased.

        Ones where the draw was isotropic.
        """
        dimension, count = directions.shape
        if not splits(basis, dimension):
            return np.ones(count)
        p = self._default if probability is None else probability
        r = basis.shape[1]
        inside = r / (p * dimension)
        outside = (dimension - r) / ((1 - p) * dimension)
        weights: np.ndarray = np.where(in_subspace(directions, basis), inside, outside)
        return weights


def splits(basis: np.ndarray | None, dimension: int) -> TypeGuard[np.ndarray]:
    """Whether there are both a subspace and a complement."""
    return basis is not None and 0 < basis.shape[1] < dimension


def in_subspace(directions: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Which directions (d, count), each in one part or the other, are in the span of basis (d, r): (count,) bool."""
    return lengths(_projected(directions, basis)) > lengths(directions) / 2


def squared_parts(gradient: np.ndarray, basis: np.ndarray) -> tuple[float, float]:
    """s_act and s_orth of a gradient (d,): its squared norm in the subspace and in the complement."""
    inside = _projected(gradient[:, None], basis)[:, 0]
    outside = gradient - inside
    return inner(inside, inside), inner(outside, outside)


def moment(part: int, dimension: int, lengths: str) -> float:
    """c(k) of a part of k dimensions, for one of ``LENGTHS``."""
    return part * (dimension + 2) / dimension if lengths == "full" else part + 2.0


def optimal_probability(
    s_act: float, s_orth: float, r: int, dimension: int, lengths: str = "part", floor: float = 0.05
) -> float:
    """The p that makes V(p) smallest, within [floor, 1 - floor]; where there is no gradient, or one that is not finite,
    r/d, the isotropic share.

    ``lengths`` "part" is the paper's formula, with r + 2 and d - r + 2; "full" the one of the directions as drawn. The
    floor keeps either part explored, and the weights finite, when one gradient is zero there.
    """
    scale = max(s_act, s_orth)
    if not 0 < scale < np.inf:
        return min(max(r / dimension, floor), 1 - floor)
    active = np.sqrt(moment(r, dimension, lengths) * (s_act / scale))
    rest = np.sqrt(moment(dimension - r, dimension, lengths) * (s_orth / scale))
    return float(min(max(active / (active + rest), floor), 1 - floor))


def _projected(vectors: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Vectors (d, count) to the span of basis (d, r)."""
    return product(basis, product(basis.T, vectors))

"""Rewards as a bad measurement would give them: noise on all, and outliers in place of some.

For the queries of an adaptation only; what a run reports is the untouched return of the adapted policy. The paper's
protocol for its robust operators is not known; this one is of the kind RBO was proposed for.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.reproducibility.magnitudes import exponents, scaled_by
from esmaml_mpi.settings import setting


@dataclass(frozen=True)
class RewardCorruption:
    """First N(0, noise_std^2) is added to every reward; then some are replaced.

    An outlier is centre + s * outlier_scale * unit with s = +1 or -1, equally likely. Relative: centre and unit are
    mean and population standard deviation of the rewards at hand, so that it means the same for every family and
    task, and rewards that are all equal stay so. Absolute: 0 and 1.
    """

    fraction: float = setting(0.0, "share of the queries replaced by outliers", minimum=0, maximum=1)
    outlier_scale: float = setting(10.0, "distance of an outlier from the centre, in units", above=0)
    relative: bool = setting(True, "centre and unit are mean and spread of the queries' rewards, else 0 and 1")
    noise_std: float = setting(0.0, "standard deviation of noise added to every reward, in reward units", minimum=0)
    corrupt_pivot: bool = setting(False, "the pivot's reward can become an outlier, as likely as a query's")

    @property
    def active(self) -> bool:
        """Whether ``apply`` changes anything."""
        return self.fraction > 0 or self.noise_std > 0

    def apply(self, rewards: np.ndarray, generator: np.random.Generator, has_pivot: bool) -> np.ndarray:
        """Rewards (Q,) of one unit and task as measured, a new array; the last is the pivot's if ``has_pivot``.

        fraction * n of the n rewards that can be hit are replaced, the rest of that number rounded up with its
        probability, so that small Q get their share as well. What is not finite stays so and is not counted in mean and
        spread. Which random numbers are drawn does not depend on the rewards.
        """
        measured = rewards + self.noise_std * generator.standard_normal(rewards.size)
        exposed = rewards.size - (has_pivot and not self.corrupt_pivot)
        order = generator.permutation(exposed)
        signs = np.where(generator.random(exposed) < 0.5, -1.0, 1.0)
        struck = order[: int(self.fraction * exposed + generator.random())]
        centre, unit = self._centre_and_unit(measured)
        replaced = centre + signs[: struck.size] * self.outlier_scale * unit
        measured[struck] = np.where(np.isfinite(measured[struck]), replaced, measured[struck])
        return measured

    def _centre_and_unit(self, rewards: np.ndarray) -> tuple[float, float]:
        if not self.relative:
            return 0.0, 1.0
        finite = rewards[np.isfinite(rewards)]
        if not finite.size:
            return 0.0, 0.0
        power = exponents(finite)  # 0 but for rewards whose squares are out of range
        ordinary = scaled_by(finite, -power)
        return float(np.ldexp(ordinary.mean(), power)), float(np.ldexp(ordinary.std(), power))

"""One task's trajectories in one place, or cut, and what ``MetaGradient`` makes of them: answers come from here."""

import numpy as np

from esmaml_mpi.baselines.meta_gradient import Asked, MetaGradient
from esmaml_mpi.baselines.policy_gradient import PolicyGradient
from esmaml_mpi.baselines.trajectories import Trajectories


class WholeTask:
    """In the methods ``supports`` are the Trajectories of each inner step, those of step j sampled by theta_j, and
    ``query`` those of the adapted policy; each is cut into ``shares``.
    """

    def __init__(self, policy, estimator="lvc", step_size=0.1, first_order=False, exploration=0.0, shares=1):
        self.learner = PolicyGradient(policy, estimator, bool(exploration))
        self.step_size, self.first_order, self.exploration, self.shares = step_size, first_order, exploration, shares

    def adapted(self, theta, supports):
        """Adapted parameters (d,)."""
        return self._path(theta, supports)[0][-1]

    def gradient(self, theta, supports, query, score):
        """Meta-gradient (d,)."""
        return self._found(*self._path(theta, supports), supports, query, "gradient", np.array([score]))[:-1]

    def surrogate(self, theta, supports, query, score, adapted):
        """Surrogate and distance (2,) of a candidate theta; ``adapted`` has sampled the query."""
        points = [None] * len(supports) + [adapted]
        return self._found(points, 0.0, supports, query, "candidate", np.asarray(theta), np.array([score]))

    def fisher_product(self, theta, supports, query, vector):
        """Curvature of the distance times a vector (d,)."""
        return self._found(*self._path(theta, supports), supports, query, "fisher_product", vector)

    def _found(self, points, likelihoods, supports, query, what, *arguments):
        steps = [np.array([each.weights.sum()]) for each in (*supports, query)]
        mathematics = MetaGradient(self.step_size, self.first_order, self.exploration, steps, np.array([likelihoods]))

        def ask(asked, step, at=None, vectors=None):
            sampled, origin = (*supports, query)[step], points[step]
            theta = origin if at is None else at[0]
            more = {
                Asked.STEP: [],
                Asked.TURNED: [None if vectors is None else vectors[0]],
                Asked.EXPLORATION_SLOPE: [],
                Asked.RISE: [],
                Asked.OUTCOME: [origin],
                Asked.CURVATURE: [None if vectors is None else vectors[0]],
            }[asked]
            method = getattr(self.learner, asked.name.lower())
            yield from ()
            return sum(method(theta, part, *more) for part in self._cut(sampled))[None]

        try:
            next(getattr(mathematics, what)(ask, *arguments))
        except StopIteration as done:
            return done.value[0]
        raise AssertionError("nobody is to be asked")

    def _path(self, theta, supports):
        points, likelihoods = [theta], 0.0
        for support in supports:
            found = sum(self.learner.step(points[-1], part) for part in self._cut(support)) / support.weights.sum()
            points.append(points[-1] + self.step_size * found[:-1])
            likelihoods += found[-1]
        return points, likelihoods

    def _cut(self, trajectories):
        pieces = [np.array_split(array, self.shares) for array in trajectories]
        return [Trajectories(*part) for part in zip(*pieces, strict=True)]

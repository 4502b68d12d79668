"""Scores of adaptations without a further rollout: the adapted policy has been tried, and its reward is known.

Exact where an episode with the same policy always earns the same. Where it does not, the score is optimistic, since the
policy that was kept is often the luckiest. It is what training climbs then, and tests do without it.
"""

from collections.abc import Callable, Generator

import numpy as np

from esmaml_mpi.errors import UserError
from esmaml_mpi.rollouts.trials import Trials

Adaptation = Callable[[np.ndarray, Trials], Generator[np.ndarray, np.ndarray, np.ndarray]]


def scored_by_trials(
    adaptation: Adaptation, theta: np.ndarray, trials: Trials
) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
    """Adapts theta (d, U, T), and returns the mean rewards (1, U, T) that the adapted policies had in their trials; nan
    of those whose parameters are not finite.

    UserError if a policy was never tried: the operator says ``returns_tried``, and does not.
    """
    session, tried = adaptation(theta, trials), []
    try:
        queries = next(session)
        while True:
            rewards = yield queries
            tried.append((queries.copy(), rewards.copy()))  # an operator may use its arrays again
            queries = session.send(rewards)
    except StopIteration as done:
        adapted: np.ndarray = done.value
    # One after the other, so that a sum does not depend on how many units are beside it.
    total, count = np.zeros(theta.shape[1:]), np.zeros(theta.shape[1:])
    for queries, rewards in tried:
        same = (queries == adapted[..., None]).all(axis=0)
        for query in range(rewards.shape[-1]):
            total += np.where(same[..., query], rewards[..., query], 0.0)
            count += same[..., query]
    if np.any((count == 0) & np.isfinite(adapted).all(axis=0)):
        raise UserError(
            'adaptation.scored_by = "trials": an adaptation ended with a policy that it had not tried. The operator '
            'has returns_tried, which promises that it never does; take that away, or choose scored_by = "rollouts".'
        )
    return (total / count)[None]

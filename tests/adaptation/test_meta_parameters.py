"""Operators with meta-parameters of their own: latent search and trial programmes against plain loops."""

import itertools
import math

import numpy as np
import pytest
from driving import chain, hills, noisy, run

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.adaptation.latent_search import LatentSearch
from esmaml_mpi.adaptation.meta_parameters import layout, meta_size, own_initial
from esmaml_mpi.adaptation.trial_programme import TrialProgramme
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.policies.contract import shifted_rows
from esmaml_mpi.policies.gru import Gru
from esmaml_mpi.policies.mlp import Policy

POLICY = Policy(2, 2, (3,))
ROWS = [6, 7, 8]  # of its first layer's biases
D, U, T = POLICY.size, 3, 2
RNG = np.random.default_rng(71)
THETA, CENTRES = RNG.normal(size=(D, U, T)), RNG.normal(size=(D, U, T))
EACH = list(itertools.product(range(U), range(T)))
SCHEMES = ["hill_climbing", "one_plus_one", "gaussian", "cma_es"]


class Normals:
    """Standard normals (n, U, T, count) of a seed, kept in ``drawn``."""

    def __init__(self):
        self.generator, self.drawn = np.random.default_rng(3), []

    def __call__(self, count, size=D):
        self.drawn.append(self.generator.standard_normal((size, U, T, count)))
        return self.drawn[-1].copy()


def own_of(subject):
    return RNG.normal(size=(subject.own_size(POLICY), U, T))


def climbed(reward, theta, shifts, steps, scheme):
    """The best policy of a plain search, one trial after the other; shifts (n, rows), steps (K, n)."""
    best, at, length, value = theta, np.zeros(len(shifts)), 0.7, reward(theta)
    for step in steps:
        z = (0.0 if scheme == "gaussian" else at) + length * step
        policy = theta.copy()
        policy[ROWS] += 2.0 * (z @ shifts)
        found = reward(policy)
        if found > value:
            best, at, value = policy, z, found
        if scheme == "one_plus_one":
            length *= math.exp(0.8) if value == found else math.exp(-0.2)
    return best


@pytest.mark.parametrize("scheme", SCHEMES[:3])
def test_latent_search_is_a_plain_search_of_each_unit_and_task(scheme):
    subject = LatentSearch(latent=2, queries=6, sigma=0.7, scheme=scheme, spread=2.0)
    own, normals, path = own_of(subject), Normals(), []
    adapted, batches, _ = run(
        subject.adapt(THETA, normals, path.append, own=own, policy=POLICY), reward := hills(CENTRES)
    )
    assert subject.rollouts == sum(batch.shape[-1] for batch in batches) == 7 and subject.yields == len(batches)
    sizes = [batch.shape[-1] for batch in batches]
    assert (max(sizes), min(sizes)) == (subject.queries_at_once, subject.fewest_at_once)
    steps = np.concatenate(normals.drawn, axis=-1)  # (n, U, T, K)
    assert steps.shape == (2, U, T, 6)
    moved = 0
    for u, t in EACH:

        def one(policy, u=u, t=t):
            points = THETA.copy()
            points[:, u, t] = policy
            return reward(points[..., None])[u, t, 0]

        expected = climbed(one, THETA[:, u, t], own[:, u, t].reshape(2, 3), steps[:, u, t].T, scheme)
        np.testing.assert_allclose(adapted[:, u, t], expected, rtol=1e-12)
        moved += bool(np.any(expected != THETA[:, u, t]))
    assert moved >= 3
    assert scheme == "gaussian" or np.array_equal(path[-1], adapted)
    others = np.setdiff1d(np.arange(D), ROWS)
    assert np.array_equal(adapted[others], THETA[others])  # biases alone are searched


def test_a_programme_tries_theta_then_its_policies_in_order_and_keeps_the_best():
    subject = TrialProgramme(queries=4, spread=0.5)
    own = own_of(subject)
    adapted, (tried,), (rewards,) = run(subject.adapt(THETA, Normals(), own=own, policy=POLICY), hills(CENTRES))
    assert tried.shape == (D, U, T, 5) and subject.rollouts == 5
    for u, t in EACH:
        expected = np.repeat(THETA[:, u, t, None], 5, axis=1)
        expected[ROWS, 1:] += 0.5 * own[:, u, t].reshape(4, 3).T
        np.testing.assert_allclose(tried[:, u, t], expected, rtol=1e-14)
        assert np.array_equal(adapted[:, u, t], tried[:, u, t, np.argmax(rewards[u, t])])
    assert len(set(np.argmax(rewards, axis=-1).ravel())) > 1


@pytest.mark.parametrize("seed", range(4))
def test_further_trials_go_to_policies_of_the_list_and_the_highest_mean_is_kept(seed):
    """By a programme and by latents tried together: of each unit and task, which policy has earned what."""
    for subject in (
        TrialProgramme(queries=3, spread=0.5, reevaluations=9),
        LatentSearch(latent=2, queries=3, sigma=0.7, scheme="gaussian", reevaluations=9),
    ):
        run_of = subject.adapt(THETA, Normals(), own=own_of(subject), policy=POLICY)
        adapted, (tried, *further), (first, *rewards) = run(run_of, noisy(hills(CENTRES), 5.0, seed))
        assert subject.rollouts == 4 + len(further) == 13 and subject.yields == 1 + len(further)
        assert tried.shape[-1] == subject.queries_at_once and np.array_equal(tried[..., 0], THETA)
        chosen = set()
        for u, t in EACH:
            told = [[value] for value in first[u, t]]
            for again, values in zip(further, rewards, strict=True):
                (which,) = np.flatnonzero((tried[:, u, t] == again[:, u, t]).all(axis=0))
                told[which].append(values[u, t, 0])
            best = int(np.argmax([np.mean(values) for values in told]))
            assert np.array_equal(adapted[:, u, t], tried[:, u, t, best])
            chosen.add(best)
        assert len(chosen) > 1


def test_a_programme_takes_the_first_that_is_enough():
    subject = TrialProgramme(queries=4, stop_at=2.0)
    rewards = np.array([[1.0, 2.5, np.nan, 9.0, 2.0], [1.0, 1.9, np.nan, 0.0, 1.5], [np.nan, 3.0, 0.0, 0.0, 0.0]])
    adaptation = subject.adapt(THETA[:, :, :1], Normals(), own=own_of(subject)[:, :, :1], policy=POLICY)
    tried = next(adaptation)
    with pytest.raises(StopIteration) as end:
        adaptation.send(rewards[:, None])
    for u, chosen in enumerate([1, 1, 1]):
        assert np.array_equal(end.value.value[:, u, 0], tried[:, u, 0, chosen])


def told(operator, reward, **settings):
    """The end of an adaptation by ask and tell, with the policies that were asked for."""
    theta = np.concatenate([THETA[:, 0, 0], own_of(operator)[:, 0, 0]])
    session, asked = Adaptation(operator, theta, seed=4, policy=POLICY, **settings), []
    while not session.done:
        asked.append(session.ask())
        session.tell(reward(asked[-1]))
    return session, asked, theta


def peak(policy):
    return -float(np.sum((policy[ROWS] - 1.0) ** 2))


@pytest.mark.parametrize("failed", [False, True])
def test_by_ask_and_tell_no_more_is_tried_once_a_reward_is_enough(failed):
    rewards = [1.0, math.nan if failed else 1.5, 5.0]
    subject, given = TrialProgramme(queries=6, stop_at=4.0), iter(rewards)
    session, asked, theta = told(subject, lambda policy: next(given))
    assert session.trials == len(asked) == 3 < session.total == 7
    assert np.array_equal(session.best, asked[2]) and session.best.shape == (D,)
    again = Adaptation(subject, theta, seed=4, policy=POLICY, rewards=session.rewards)
    assert again.done and np.array_equal(again.best, session.best)
    # in a batch the rest is tried as well, and makes no difference
    alone = subject.adapt(theta[:D, None, None], Normals(), own=theta[D:, None, None], policy=POLICY)
    next(alone)
    with pytest.raises(StopIteration) as end:
        alone.send(np.array([*rewards, 9.0, 9.0, 9.0, 9.0])[None, None])
    assert np.array_equal(end.value.value[:, 0, 0], session.best)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_session_goes_on_from_its_rewards(scheme):
    subject = LatentSearch(latent=2, queries=6, scheme=scheme)
    session, asked, theta = told(subject, peak)
    assert session.trials == 7 and max(map(peak, asked)) == peak(session.best) > peak(theta[:D])
    again = Adaptation(subject, theta, seed=4, policy=POLICY, rewards=session.rewards[:3])
    assert np.array_equal(again.ask(), asked[3])


def test_a_session_of_a_programme_that_tries_again():
    subject, noise = TrialProgramme(queries=3, reevaluations=8), np.random.default_rng(6)
    session, asked, theta = told(subject, lambda policy: peak(policy) + float(noise.normal()))
    assert session.trials == session.total == 12 and len({policy.tobytes() for policy in asked}) == 4
    known = session.confidence
    assert known.pivot == known.best and known.pivot.count > 1 and known.noise > 0
    again = Adaptation(subject, theta, seed=4, policy=POLICY, rewards=session.rewards[:9])
    assert np.array_equal(again.ask(), asked[9])


def test_failed_trials_are_never_chosen():
    subject = LatentSearch(latent=2, queries=3)
    rewards = iter([math.nan, -5.0, math.nan, -7.0])
    session, asked, _ = told(subject, lambda policy: next(rewards))
    assert np.array_equal(session.best, asked[1])


def test_a_chain_gives_each_link_its_own_rows():
    links = [TrialProgramme(queries=3), LatentSearch(latent=2, queries=2), HillClimbing(queries=2)]
    subject = chain(links)
    own = own_of(subject)
    assert layout(subject, POLICY) == [("trial_programme", 9), ("latent_search", 6)]
    assert meta_size(subject, POLICY) == D + 15
    adapted, batches, _ = run(subject.adapt(THETA, Normals(), own=own, policy=POLICY), hills(CENTRES))
    assert subject.rollouts == sum(batch.shape[-1] for batch in batches) == 4 + 3 + 3
    normals, expected = Normals(), THETA
    expected, _, _ = run(links[0].adapt(expected, normals, own=own[:9], policy=POLICY), hills(CENTRES))
    expected, _, _ = run(links[1].adapt(expected, normals, own=own[9:], policy=POLICY), hills(CENTRES))
    expected, _, _ = run(links[2].adapt(expected, normals), hills(CENTRES))
    assert np.array_equal(adapted, expected)


def test_a_chain_stops_its_programme_alone():
    subject = chain([TrialProgramme(queries=5, stop_at=-1e6), HillClimbing(queries=2)])
    session, asked, _ = told(subject, peak)
    assert len(asked) == 1 + 3 and session.total == 6 + 3


def test_what_is_shifted():
    """The biases of a policy's first layer; of a policy that does not say which these are, everything."""
    assert shifted_rows(POLICY).tolist() == ROWS and shifted_rows(Policy(2, 2)).tolist() == [4, 5]
    gru = Gru(1, 1, (2,))
    gates, candidates = gru.cell
    rows = shifted_rows(gru)
    assert rows.tolist() == [*range(12, 16), *range(gates.size + 6, gates.size + 8)]
    theta = gru.initial(np.random.default_rng(0))
    assert np.all(theta[rows[:2]] == 1.0) and np.all(theta[rows[2:]] == 0.0) and candidates.size == 8

    class Unsaid:
        size = 5

    assert shifted_rows(Unsaid()).tolist() == [0, 1, 2, 3, 4]


def test_own_meta_parameters_begin_as_standard_normals():
    for subject in (LatentSearch(latent=100), TrialProgramme(queries=100)):
        found = own_initial(subject, POLICY, np.random.default_rng(1))
        assert found.shape == (300,) and abs(found.mean()) < 0.2 and 0.85 < found.std() < 1.15
    assert own_initial(HillClimbing(), POLICY, np.random.default_rng(1)).shape == (0,)


def test_what_is_refused():
    with pytest.raises(UsageError, match="was given none"):
        Adaptation(TrialProgramme(), np.zeros(9))
    with pytest.raises(ConfigError, match="subspace of earlier meta-gradients"):
        load(
            {"adaptation": {"operator": "trial_programme", "directions": "active_subspace"}, "policy": {"hidden": []}}
        ).resolved()
    with pytest.raises(ConfigError, match=r"adaptation.queries = 0"):
        load({"adaptation": {"operator": "trial_programme", "queries": 0}})
    with pytest.raises(ConfigError, match=r"adaptation.stop_at = -50: .* adaptation.reevaluations = 2"):
        TrialProgramme(stop_at=-50.0, reevaluations=2)
    with pytest.raises(ConfigError, match=r'adaptation.reevaluations = 2: .* adaptation.scheme = "gaussian"'):
        LatentSearch(reevaluations=2)

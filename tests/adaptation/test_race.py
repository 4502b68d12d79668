"""Races against a plain loop, and whom they choose against as many trials for each."""

import itertools
import math

import numpy as np
import pytest
from driving import run

from esmaml_mpi.adaptation.race import Noise, Race

RNG = np.random.default_rng(23)
RACES = 3000


def noisy(values, spread, generator):
    """Rewards of policies (1, U, T, Q) that are numbers from 0 on, with these values (n,)."""
    return lambda points: values[points[0].astype(int)] + spread * generator.standard_normal(points.shape[1:])


def raced(values, trials, spread=1.0, seed=0, units=RACES):
    """The winners (U,) of races of policies with these values, the policies of each trial and their rewards (U,)."""
    generator, count = np.random.default_rng(seed), len(values)
    policies = np.broadcast_to(np.arange(count, dtype=float), (1, units, 1, count)).copy()
    reward = noisy(np.asarray(values), spread, generator)
    first = reward(policies)
    race = Race.of(policies, first.copy(), Noise.unknown(units, 1))
    winner, tried, rewards = run(race.run(trials - count, lambda leader: None), reward)
    order = [*(policies[0, :, 0, i] for i in range(count)), *(batch[0, :, 0, 0] for batch in tried)]
    told = [*(first[:, 0, i] for i in range(count)), *(answer[:, 0, 0] for answer in rewards)]
    return winner[0, :, 0].astype(int), np.array(order).astype(int), np.array(told)


def plain_gain(told, i):
    """What one more trial of policy i is expected to gain; ``told``: the rewards of each policy."""
    repeats = [rewards for rewards in told if len(rewards) > 1]
    variance = sum(np.var(r) * len(r) for r in repeats) / sum(len(r) - 1 for r in repeats)
    means = [np.mean(rewards) for rewards in told]
    spread = math.sqrt(variance * (1 / len(told[i]) - 1 / (len(told[i]) + 1)))
    t = abs(means[i] - max(mean for j, mean in enumerate(means) if j != i)) / spread
    return spread * (math.exp(-t * t / 2) / math.sqrt(2 * math.pi) - t * math.erfc(t / math.sqrt(2)) / 2)


def test_each_trial_goes_where_most_is_expected():
    winners, order, rewards = raced([0.0, 0.3, -0.5, 0.1, -2.0], 20, units=40)
    for u in range(40):
        told = [[reward] for reward in rewards[:5, u]]
        for trial in range(5, 20):
            chosen = order[trial, u]
            if trial == 5:
                assert chosen == np.argmax(rewards[:5, u])  # nothing is known of the noise: the leader
            else:
                gains = [plain_gain(told, i) for i in range(5)]
                assert gains[chosen] >= 0.998 * max(gains)
            told[chosen].append(rewards[trial, u])
        assert winners[u] == np.argmax([np.mean(each) for each in told])
    assert len(set(winners)) > 1


CASES = {
    "one good of 6": ([0.0, -1.0, -1.0, -1.0, -1.0, -1.0], 50),
    "a slope of 6": ([0.0, -0.5, -1.0, -1.5, -2.0, -2.5], 50),
    "one good of 21": ([0.0, *[-2.0] * 20], 50),
}


@pytest.mark.parametrize("case", CASES)
def test_a_race_chooses_better_than_as_many_trials_for_each(case):
    values, trials = CASES[case]
    rng = np.random.default_rng(5)
    counts = np.full(len(values), trials // len(values))
    counts[: trials % len(values)] += 1
    means = np.asarray(values) + rng.standard_normal((RACES, len(values))) / np.sqrt(counts)
    equally = np.asarray(values)[np.argmax(means, axis=1)]
    found = np.asarray(values)[raced(values, trials)[0]]
    error = math.sqrt((equally.var() + found.var()) / RACES)
    assert found.mean() - equally.mean() > 4 * error


def test_without_noise_the_best_stays_the_best():
    winners, _, _ = raced([1.0, 3.0, 2.0], 10, spread=0.0, units=2)
    assert set(winners) == {1}


def test_the_noise_is_pooled_over_policies():
    _, order, rewards = raced([0.0, -0.5, -0.2], 12, units=8)
    policies = np.broadcast_to(np.arange(3.0), (1, 8, 1, 3)).copy()
    race = Race.of(policies, rewards[:3].T[:, None], Noise.unknown(8, 1))
    for which, told in zip(order[3:], rewards[3:], strict=True):
        race.tell(which[:, None, None], told[:, None, None])
    for u in range(8):
        groups = [rewards[order[:, u] == i, u] for i in range(3)]
        expected = sum(group.var() * len(group) for group in groups) / (12 - 3)
        assert race.noise.variance[u, 0] == pytest.approx(expected)
        np.testing.assert_allclose(race.means[u, 0], [group.mean() for group in groups])
        assert race.counts[u, 0].tolist() == [len(group) for group in groups]


@pytest.mark.parametrize("failure", [math.nan, -math.inf])
def test_what_fails_once_is_out(failure):
    policies = np.broadcast_to(np.arange(3.0), (1, 1, 1, 3)).copy()
    race = Race.of(policies, np.array([[[5.0, failure, 4.0]]]), Noise.unknown(1, 1))
    centres = []
    trials, told = race.run(4, centres.append), []
    told.append(next(trials)[0, 0, 0, 0])
    for reward in (failure, 3.0, 3.5, 3.2):  # the leader fails where it is tried again
        try:
            told.append(trials.send(np.array([[[reward]]]))[0, 0, 0, 0])
        except StopIteration as end:
            assert end.value[0, 0, 0] == 2
    assert told[0] == 0 and race.counts[0, 0, 1] == 1 and centres[0][0, 0, 0] == 2
    # the policy that is left is tried on, and says what the noise is: 4, 3, 3.5 and 3.2
    assert race.counts[0, 0].tolist() == [2, 1, 4] and race.noise.freedom[0, 0] == 3
    assert race.noise.variance[0, 0] == pytest.approx(np.var([4.0, 3.0, 3.5, 3.2], ddof=1))


def test_the_winner_goes_on_with_its_trials():
    policies = RNG.normal(size=(2, 2, 3, 4))
    race = Race.of(policies, RNG.normal(size=(2, 3, 4)), Noise.unknown(2, 3))
    run(race.run(5, lambda leader: None), lambda points: points[0])
    new, rewards = RNG.normal(size=(2, 2, 3, 2)), RNG.normal(size=(2, 3, 2))
    following = race.joined(new, rewards)
    assert following.policies.shape == (2, 2, 3, 3) and np.array_equal(following.noise.squares, race.noise.squares)
    for u, t in itertools.product(range(2), range(3)):
        best = np.argmax(race.means[u, t])
        assert np.array_equal(following.policies[:, u, t, 0], policies[:, u, t, best])
        assert following.means[u, t].tolist() == [race.means[u, t, best], *rewards[u, t]]
        assert following.counts[u, t].tolist() == [race.counts[u, t, best], 1, 1]

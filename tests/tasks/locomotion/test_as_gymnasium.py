"""Variant gymnasium, run forwards, is Gymnasium's own environment: the same actions from the same start."""

import gymnasium
import numpy as np
import pytest
from played import play, steps_of

from esmaml_mpi.tasks import make_family

STEPS = 200
FAMILIES = {
    "HalfCheetah-v5": "half_cheetah_forward_backward",
    "Swimmer-v5": "swimmer_forward_backward",
    "Walker2d-v5": "walker2d_forward_backward",
    "Ant-v5": "ant_forward_backward",
}
FALL = {"Walker2d-v5", "Ant-v5"}
EPISODES = 8


def scripted(rng, size):
    """Actions (T, m, B): half of the episodes hold a pose, in which a walker may keep standing, the others flail."""
    actions = rng.uniform(-1.0, 1.0, (STEPS, size, EPISODES))
    actions[:, :, ::2] = rng.uniform(-0.15, 0.15, (size, EPISODES // 2))
    return actions


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", FAMILIES)
def test_every_step_is_gymnasiums(name):
    family = make_family(FAMILIES[name], STEPS, {"variant": "gymnasium"})
    rng = np.random.default_rng(4)
    noise, actions = family.draw_noise(rng, EPISODES), scripted(rng, family.action_size)
    rewards, over, observations = play(family, np.ones((1, EPISODES)), actions, noise)
    environment = gymnasium.make(name, disable_env_checker=True).unwrapped
    for b in range(EPISODES):
        environment.reset(seed=0)
        start = np.concatenate([environment.init_qpos, environment.init_qvel]) + noise[:, b]
        environment.set_state(*np.split(start, [family.model.nq]))
        np.testing.assert_allclose(observations[0, :, b], environment._get_obs(), rtol=0, atol=1e-10)
        for t in range(steps_of(over)[b]):
            seen, reward, terminated, _, _ = environment.step(actions[t, :, b])
            np.testing.assert_allclose(observations[t + 1, :, b], seen, rtol=0, atol=1e-10)
            assert rewards[t, b] == pytest.approx(reward, rel=0, abs=1e-10)
            assert over[t, b] == terminated
    environment.close()
    early = np.count_nonzero(steps_of(over) < STEPS)
    assert (0 < early < EPISODES) if name in FALL else early == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_starts_are_as_far_off_as_gymnasiums(name):
    family = make_family(FAMILIES[name], None, {"variant": "gymnasium"})
    ours = family.draw_noise(np.random.default_rng(0), 3000)
    environment = gymnasium.make(name, disable_env_checker=True).unwrapped
    environment.reset(seed=0)
    starts = np.concatenate([environment.init_qpos, environment.init_qvel])
    theirs = []
    for _ in range(300):
        environment.reset()
        theirs.append(np.concatenate([environment.data.qpos, environment.data.qvel]) - starts)
    environment.close()
    for part in (slice(0, family.model.nq), slice(family.model.nq, None)):
        found, expected = ours[part].ravel(), np.array(theirs)[:, part].ravel()
        assert found.mean() == pytest.approx(0.0, abs=4 * found.std() / np.sqrt(found.size))
        assert found.std() == pytest.approx(expected.std(), rel=0.05)
        normal = np.abs(found).max() > 3 * found.std()
        assert normal == (np.abs(expected).max() > 3 * expected.std())

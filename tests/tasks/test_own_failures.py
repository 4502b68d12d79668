"""What an environment raises, and readings that are no numbers: an episode's own, and named once."""

import numpy as np
import pytest
from own_episodes import simulated
from own_things import family_of

from esmaml_mpi.rollouts.simulate import RolloutError
from esmaml_mpi.tasks.gymnasium_bridge.pool import pool_of
from esmaml_mpi.tasks.workspace import Workspace


@pytest.mark.parametrize(
    "name, options, words",
    [
        (
            "Reads",
            {"arguments": {"value": 1e20}},
            "observation[1] = 1e+20 at step 7 of task 3: squares of observations",
        ),
        ("infinite", {}, "observation[1] = inf at step 7 of task 3"),
        ("hole", {}, "observation[1] = nan at step 7 of task 3"),
    ],
)
def test_a_bad_reading_is_named_with_its_step(name, options, words):
    for chosen in (slice(None), slice(4, 5)):
        faults = simulated(family_of(name, **options), chosen).faults
        assert sorted(faults) == list(range(9))[chosen if chosen == slice(None) else slice(0, 1)]
        assert all(fault.in_words(3).startswith(words) for fault in faults.values())


def test_observations_are_clipped_where_that_is_asked_for():
    family = family_of("Reads", arguments={"value": 1e20}, clip_observations=1e3)
    found = simulated(family)
    assert not found.faults and np.isfinite(found.returns).all()
    assert np.array_equal(found.returns, simulated(family_of("Reads", arguments={"value": 1e3})).returns)
    assert not simulated(family_of("infinite", clip_observations=1e3)).faults
    assert simulated(family_of("hole", clip_observations=1e3)).faults[4].in_words(1).startswith("observation[1] = nan")


@pytest.mark.parametrize(
    "how, words",
    [
        ("SystemExit", "SystemExit: 3"),
        ("BaseException", "Panic"),
        ("unprintable", "Unprintable: .its message cannot be"),
    ],
)
def test_whatever_an_episode_raises_is_its_own(how, words):
    with pytest.raises(RolloutError, match=f"gymnasium raised {words}"):
        simulated(family_of("Ends", arguments={"how": how}))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_environment_that_refuses_to_be_closed_ends_nothing(capsys):
    family, workspace = family_of("Ends", arguments={"how": "close"}, horizon=3), Workspace()
    expected = simulated(family_of("Reach", horizon=3)).returns
    assert np.array_equal(simulated(family, workspace=workspace).returns, expected)
    pool_of(workspace).close()
    assert pool_of(workspace).count_idle == 0

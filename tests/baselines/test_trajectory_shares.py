"""Trajectories that are cut into shares: whoever has them, however many there are, they are one task's."""

import numpy as np
import pytest
from driving_stages import answered, request_of, unscaled
from helpers import same

import esmaml_mpi
from esmaml_mpi.baselines.asking import Asking
from esmaml_mpi.baselines.messages import unpacked
from esmaml_mpi.baselines.meta_gradient import Asked
from esmaml_mpi.baselines.shares import Shares
from esmaml_mpi.baselines.trajectory_shares import KINDS
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.rollouts.units import Units

SMALL = load(
    {
        "run": {"seed": 1},
        "task": {"name": "cartpole_sensor_bias", "horizon": 30, "train_size": 3, "batch_size": 3, "test_size": 2},
        "policy": {"hidden": [], "output": "identity"},
        "adaptation": {"operator": "policy_gradient", "queries": 5, "steps": 2},
        "meta": {"algorithm": "pg_maml", "iterations": 2, "query_trajectories": 7, "shares": 3},
        "test": {"every": 0},
    }
)
EVO = ["adaptation.operator=evo_policy_gradient", "meta.algorithm=evo_maml", "adaptation.candidates=3"]
ALGORITHMS = {"pg_maml": [], "e_maml": ["meta.algorithm=e_maml"], "evo_maml": EVO}
TASKS = 3


@pytest.mark.parametrize(
    ("whole", "most", "sizes"), [(20, 4, [5] * 4), (5, 3, [2, 2, 1]), (5, 4, [2, 2, 1]), (3, 9, [1] * 3), (4, 1, [4])]
)
def test_shares_are_of_one_size_but_for_the_last(whole, most, sizes):
    shares = Shares(2, whole, most)
    slots, starts, lengths = shares.located(np.arange(shares.units))
    assert lengths.tolist() == sizes * 2 and slots.tolist() == [0] * len(sizes) + [1] * len(sizes)
    assert starts.tolist() == (np.cumsum(sizes) - sizes).tolist() * 2
    rows = np.array([[starts[i] + k for k in range(shares.size)] for i in range(shares.units)])
    assert shares.in_a_row(rows).tolist() == [list(range(whole))] * 2
    assert shares.summed(np.ones((shares.units, 2))).tolist() == [[len(sizes)] * 2] * 2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shares"), [("pg_maml", 1), ("pg_maml", 3), ("evo_maml", 3)])
def test_a_task_is_adapted_to_as_where_it_is_whole(name, shares):
    """As in tests, where nothing is cut: the same trajectories, and their sums up to rounding."""
    experiment = Experiment(load(SMALL, [*ALGORITHMS[name], f"meta.shares={shares}", "task.rollouts=2"]).resolved())
    theta, at = experiment.initial_theta(), Round(Phase.TRAIN, 4)
    algorithm = experiment.algorithm
    tasks, none = algorithm.batches.draw(at), np.zeros(TASKS, dtype=np.int64)
    centres = np.repeat(theta[:, None], TASKS, axis=1)
    expected, tally = experiment.evaluator.adapt(centres, Units(at, tasks[:, None], none), unscaled(experiment))
    if name == "pg_maml":
        found, _ = answered(experiment, theta, Asking(algorithm, theta, 4).adapted(), 4)
    else:
        origins = []

        def look(request, rows, tally):
            if request.stage.number == 2 * KINDS + Asked.SAMPLES:
                origins.append(unpacked(request.stage.payload)[0])

        answered(experiment, theta, algorithm.iteration(theta, at, None, UnitStatistics(0, 4)), 4, look)
        (found,) = origins
    assert tally.rollouts.tolist() == [2 * 2 * 5] * TASKS
    np.testing.assert_allclose(found, expected[:, :, 0].T, rtol=1e-9, atol=1e-12)
    assert not np.allclose(found, theta, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["e_maml", "evo_maml"])
def test_who_has_no_trajectories_of_a_share_samples_the_same_again(name):
    config = load(SMALL, ALGORITHMS[name]).resolved()
    experiment, met = Experiment(config), set()
    theta, at = experiment.initial_theta(), Round(Phase.TRAIN, 4)

    def look(request, rows, tally):
        asked = Asked(request.stage.number % KINDS)
        sampled = asked == Asked.SAMPLES
        assert np.isfinite(rows).all() and tally.rollouts.any() == sampled
        at_other_points = unpacked(request.stage.payload)[2].size > 0
        if (request.stage.number, at_other_points) in met:
            return
        met.add((request.stage.number, at_other_points))
        stranger, units = Experiment(config), request.stage.units
        for some in (range(1, 2), range(units - 1, units), range(2, units - 1)):
            again, tally = stranger.train_units(request, some)
            assert same(again, rows[some.start : some.stop]), asked
            assert tally.rollouts.any() == tally.observation_sums.any() == sampled

    session = experiment.algorithm.iteration(theta, at, None, UnitStatistics(0, 4))
    assert np.isfinite(answered(experiment, theta, session, 4, look).gradient).all()
    assert len(met) == {"e_maml": 18, "evo_maml": 10}[name]


@pytest.mark.slow
def test_a_sample_is_that_of_its_iteration():
    experiment = Experiment(SMALL.resolved())
    theta, seen = experiment.initial_theta(), []
    asking = Asking(experiment.algorithm, theta, 4)
    answered(experiment, theta, asking.adapted(), 4, lambda request, rows, tally: seen.append((request.stage, rows)))
    stage, rows = next(each for each in seen if each[0].number == Asked.STEP)  # of theta's own trajectories
    other, _ = experiment.train_units(request_of(experiment, theta, stage, 5), range(stage.units))
    assert np.isfinite(other).all() and not any(map(same, rows, other))


@pytest.mark.slow
def test_another_cut_changes_last_bits_alone():
    changes = ["meta.iterations=1", "adaptation.steps=1"]
    runs = [esmaml_mpi.train(SMALL, [*changes, f"meta.shares={shares}"]).history["train"] for shares in (1, 4)]
    first, second = runs
    assert same(first["values"][:, :5], second["values"][:, :5])  # what theta has earned
    np.testing.assert_allclose(first["values"], second["values"], rtol=1e-6)
    np.testing.assert_allclose(first["gradient_norm"], second["gradient_norm"], rtol=1e-6)

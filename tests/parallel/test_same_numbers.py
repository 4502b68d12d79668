"""Config and seed fix every number, at any number of ranks and threads."""

import h5py
import numpy as np
import pytest
from files import differences
from mpirun import NAVIGATION, SMALL, run, train_arguments

BY_TASK = {key: value for key, value in NAVIGATION.items() if key != "meta.current_evaluations"}
GRADIENTS = {
    **{key: value for key, value in BY_TASK.items() if key != "meta.perturbations"},
    "policy.hidden": "[]",
    "policy.output": "identity",
    "meta.algorithm": "pg_maml",
    "meta.iterations": 2,
    "adaptation.operator": "policy_gradient",
    "task.batch_size": 3,
}
CASES = {
    "four_corners": SMALL,
    "navigation_antithetic": {**NAVIGATION, "meta.estimator": "antithetic", "adaptation.estimator": "antithetic"},
    "sinusoid": {
        **NAVIGATION,
        "task.name": "sinusoid",
        "policy.output": "identity",
        "task.rollouts": 2,
        "meta.optimizer": "adam",
    },
    "chosen_directions": {
        **SMALL,
        "adaptation.operator": "hill_climbing",
        "adaptation.queries": 2,
        "adaptation.scheme": "batch",
        "adaptation.evaluations": 3,
        "adaptation.directions": "dpp",
        "adaptation.direction_options.rho": 4,
        "meta.directions": "dpp",
        "meta.direction_options.rho": 3,
        "meta.direction_options.kernel": "cosine",
        "meta.decoder": "ridge",
    },
    "own_meta_parameters": {
        **{key: value for key, value in SMALL.items() if key != "adaptation.queries"},
        "adaptation.operator": "chain",
        "adaptation.links": "[{operator='trial_programme', queries=3, reevaluations=2}, "
        "{operator='latent_search', queries=2}, {operator='racing', rounds=2, candidates=2, reevaluations=2}, "
        "{operator='es_gradient', queries=4, learned=['sigma', 'step_size', 'scales']}]",
        "task.corruption.noise_std": 2.0,
        "meta.optimizer": "adam",
        "run.update": "shared",
        "meta.reward_normalization": "ranks",
    },
    "corrupted": {
        **SMALL,
        "adaptation.steps": 2,
        "adaptation.decoder": "ridge",
        "adaptation.reuse_radius": 1.0,
        "adaptation.directions": "orthogonal",
        "meta.directions": "hadamard",
        "task.options.reward": "squared_distance",
        "task.corruption.fraction": 0.3,
        "task.corruption.noise_std": 2.0,
    },
    "repeated_draws": {**SMALL, "adaptation.draws": "by_task", "adaptation.directions": "orthogonal"},
    "first_order": {
        **NAVIGATION,
        "meta.algorithm": "first_order",
        "meta.use_hessian": "true",
        "meta.current_evaluations": 1,
        "adaptation.estimator": "antithetic",
    },
    "first_order_local": {
        **NAVIGATION,
        "meta.algorithm": "first_order",
        "meta.observation_statistics": "local",
        "meta.directions": "dpp",
        "adaptation.directions": "orthogonal",
        "meta.decoder": "ridge",
    },
    "evo_zero_order": {
        **BY_TASK,
        "meta.algorithm": "evo_zero_order",
        "adaptation.operator": "evo_es_gradient",
        "run.plan": "dynamic",
    },
    "evo_maml": {
        **GRADIENTS,
        "meta.algorithm": "evo_maml",
        "adaptation.operator": "evo_policy_gradient",
        "adaptation.candidates": 3,
    },
    # its episodes end early
    "pg_maml": {
        **GRADIENTS,
        "task.name": "cartpole_sensor_bias",
        "task.horizon": 40,
        "adaptation.steps": 2,
        "meta.inner_estimator": "dice",
    },
    "e_maml": {**GRADIENTS, "meta.algorithm": "e_maml", "run.plan": "dynamic"},
    # what its policies remember goes from episode to episode, and these end at different times
    "recurrent": {
        **{key: value for key, value in SMALL.items() if key != "adaptation.queries"},
        "task.name": "t_maze",
        "task.options.length": 3,
        "policy.architecture": "gru",
        "adaptation.operator": "recurrent",
        "adaptation.episodes": 3,
    },
    # its episodes end early and at different times
    "walker2d": {
        **SMALL,
        "task.name": "walker2d_forward_backward",
        "task.horizon": 60,
        "task.options.variant": "promp",
        "meta.iterations": 2,
        "meta.current_evaluations": 3,
    },
}


class Alone(dict):
    """Each case in one process, no launcher: name -> results file, made when it is first asked for."""

    def __init__(self, folder):
        self.folder = folder

    def __missing__(self, name):
        output = self.folder / f"{name}.h5"
        done = run(train_arguments(CASES[name], output))
        assert done.returncode == 0, done.stderr
        self[name] = output
        return output


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return Alone(tmp_path_factory.mktemp("alone"))


def test_two_ranks_and_one_process(alone, tmp_path):
    output = tmp_path / "ranks.h5"
    done = run(train_arguments(SMALL, output), 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(alone["four_corners"], output) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "ranks"),
    [
        *(("four_corners", n) for n in (1, 3, 5, 24)),
        *((name, n) for name in list(CASES)[1:] for n in (2, 5)),
        *((name, 1) for name in ("chosen_directions", "corrupted")),
        ("own_meta_parameters", 3),
    ],
)
def test_any_number_of_ranks(alone, tmp_path, case, ranks):
    """24 are more ranks than there are evaluations."""
    output = tmp_path / "ranks.h5"
    done = run(train_arguments(CASES[case], output), ranks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(alone[case], output) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", ["four_corners", "walker2d", "chosen_directions", "corrupted", "first_order_local", "pg_maml"]
)
@pytest.mark.parametrize(("ranks", "threads"), [(None, 2), (None, 3), (2, 2)])
def test_any_number_of_threads(alone, tmp_path, case, ranks, threads):
    output = tmp_path / "threads.h5"
    done = run(train_arguments({**CASES[case], "run.threads": threads}, output), ranks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(alone[case], output) == []


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [None, 2, 3, 24])
@pytest.mark.parametrize("plan", ["static", "dynamic"])
def test_one_task_per_unit_changes_no_number(alone, tmp_path, ranks, plan):
    """24 ranks are more than there are tasks, and fewer than there are rollouts."""
    output = tmp_path / "tasks.h5"
    settings = {**CASES["first_order"], "meta.split": "task", "run.plan": plan}
    done = run(train_arguments(settings, output), ranks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(alone["first_order"], output) == []


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 5])
def test_statistics_of_tasks_belong_to_tasks_and_not_to_ranks(tmp_path, ranks):
    files = [tmp_path / "alone.h5", tmp_path / "ranks.h5"]
    settings = {**CASES["first_order_local"], "meta.split": "task"}
    for output, count in zip(files, (None, ranks), strict=True):
        done = run(train_arguments(settings, output), count)
        assert done.returncode == 0, done.stdout + done.stderr
    assert differences(*files) == []


@pytest.mark.slow
def test_the_walkers_of_the_case_above_fall(alone):
    with h5py.File(alone["walker2d"]) as file:
        rollouts, steps = (file[f"train/{name}"][()] for name in ("rollouts", "env_steps"))
    assert np.all(steps < 0.8 * 60 * rollouts) and np.all(steps > 0)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [None, 3, 24])
def test_drawing_units_changes_no_number(alone, tmp_path, ranks):
    output = tmp_path / "dynamic.h5"
    done = run(train_arguments({**SMALL, "run.plan": "dynamic"}, output), ranks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(alone["four_corners"], output) == []


@pytest.mark.slow
def test_another_seed_is_another_run(alone, tmp_path):
    output = tmp_path / "seed.h5"
    assert run(train_arguments({**SMALL, "run.seed": 1}, output)).returncode == 0
    assert {"train/values", "parameters/value", "test/after"} <= set(differences(alone["four_corners"], output))


@pytest.mark.slow
def test_corruption_and_the_choice_of_directions_make_another_run(alone):
    for case in ("chosen_directions", "corrupted"):
        assert "train/values" in differences(alone["four_corners"], alone[case])


@pytest.mark.slow
@pytest.mark.parametrize("case", ["four_corners", "chosen_directions", "corrupted"])
def test_evaluate_is_the_same_on_ranks(alone, case):
    file = alone[case]
    command = [*train_arguments(SMALL, file)[:3], "evaluate", str(file), "--repeats", "3", "--json", "-"]
    one, three = run(command), run(command, 3)
    assert one.returncode == 0 and three.returncode == 0, one.stderr + three.stderr
    assert one.stdout == three.stdout and '"after"' in one.stdout

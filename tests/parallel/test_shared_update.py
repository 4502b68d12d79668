"""Sums of directions by rank 0 and by all ranks: the same bits."""

import sys
from pathlib import Path

import h5py
import pytest
from files import differences
from mpirun import FAULT_TOLERANCE, NAVIGATION, SMALL, can_survive, run, start, train_arguments

pytestmark = pytest.mark.slow  # ranks of their own

CASES = {
    "forward": SMALL,
    "antithetic": {**SMALL, "meta.estimator": "antithetic", "meta.top_directions": 3, "meta.optimizer": "adam"},
    "jointly_drawn": {**SMALL, "meta.directions": "hadamard"},
    "snes": {**SMALL, "meta.algorithm": "snes", "meta.optimizer": "adam"},
    "reuse": {**SMALL, "meta.algorithm": "zero_order_reuse"},
    "momentum_and_schedules": {
        **SMALL,
        "meta.optimizer_options": "{momentum = 0.9, clip = 5.0}",
        "meta.step_size_schedule": "{shape = 'cosine'}",
        "meta.sigma_schedule": "{shape = 'linear', iterations = 3}",
        "meta.current_evaluations": 1,
        "meta.common_random_numbers": "true",
    },
    "regression": {**SMALL, "meta.decoder": "ridge"},  # rank 0's, whoever is asked
    "first_order": {
        **NAVIGATION,
        "meta.algorithm": "first_order",
        "meta.use_hessian": "true",
        "meta.current_evaluations": 1,
        "adaptation.estimator": "antithetic",
    },
    "first_order_by_task": {
        **NAVIGATION,
        "meta.algorithm": "first_order",
        "meta.use_hessian": "true",
        "meta.current_evaluations": 1,
        "meta.split": "task",
        "adaptation.estimator": "antithetic",
    },
}


def trained(settings, output, ranks, *options):
    done = run(train_arguments(settings, output, *options), ranks)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.mark.parametrize("case", CASES)
def test_all_ranks_and_rank_0_alone_give_the_same_bits(tmp_path, case):
    alone = trained({**CASES[case], "run.update": "aggregator"}, tmp_path / "alone.h5", None)
    for ranks in (1, 2, 3, 7) + (24,) * (case == "forward"):
        for update in ("shared", "aggregator") if ranks == 3 else ("shared",):
            together = trained({**CASES[case], "run.update": update}, tmp_path / f"{ranks}_{update}.h5", ranks)
            assert differences(alone, together) == [], (ranks, update)


def test_a_run_goes_on_with_the_other_way(tmp_path):
    straight = trained({**SMALL, "meta.iterations": 6}, tmp_path / "straight.h5", None)
    output = tmp_path / "other.h5"
    for iterations, update, ranks in ((2, "shared", 3), (4, "aggregator", 2), (6, "shared", 2)):
        trained({**SMALL, "meta.iterations": iterations, "run.update": update}, output, ranks, "--resume")
    assert differences(straight, output) == []


@pytest.mark.parametrize("victim", [0, 1, 3])
def test_a_rank_that_dies_while_all_sum_changes_no_number(tmp_path, victim):
    if not can_survive():
        pytest.skip("this mpirun has no fault tolerance (--with-ft ulfm)")
    straight = trained(SMALL, tmp_path / "straight.h5", None)
    output = tmp_path / "died.h5"
    arguments = train_arguments({**SMALL, "run.update": "shared"}, output)[3:]
    script = str(Path(__file__).with_name("dies_in_a_sum.py"))
    job = start([sys.executable, script, str(victim), *arguments], 4, *FAULT_TOLERANCE)
    printed, _ = job.communicate(timeout=90)
    assert job.returncode == 0, printed
    assert differences(straight, output) == []
    with h5py.File(output) as file:
        assert file["recovery/ranks_lost"][()].tolist() == [1]
        assert file["recovery/aggregator_lost"][()].tolist() == [victim == 0]

"""Ranks that compute other last bits are noticed: here by another choice of linear algebra, as on another processor."""

import platform
import sys

import numpy as np
import pytest
from helpers import assert_same_run
from mpirun import SMALL, run, start, train_arguments

from esmaml_mpi.parallel.odd_ranks import odd_ranks
from esmaml_mpi.reproducibility.fingerprint import fingerprint
from esmaml_mpi.results.reader import read

pytestmark = [
    pytest.mark.slow,  # ranks of their own
    pytest.mark.skipif(platform.machine() != "x86_64", reason="these kernels are x86's"),
]
OLD, OLDER = {"OPENBLAS_CORETYPE": "Nehalem"}, {"OPENBLAS_CORETYPE": "Prescott"}


def unlike(command: list[str]) -> list[str]:
    """The command on another kind of machine."""
    return ["env", *(f"{name}={value}" for name, value in OLDER.items()), *command]


# SciPy's solver, which computes with BLAS and the C library's functions.
THEIRS = {**SMALL, "meta.decoder": "lasso"}


def mixed(settings, path):
    """Output of three ranks, of which two are on another kind of machine."""
    command = train_arguments(settings, path)
    job = start([*command, ":", "-n", "2", *unlike(command)], 1, "-x", "OPENBLAS_CORETYPE=Nehalem")
    said = job.communicate(timeout=120)[0]
    assert job.returncode == 0, said
    return said


def test_unlike_ranks_are_named_once_and_recorded_where_libraries_compute(tmp_path):
    said = mixed(THEIRS, tmp_path / "mixed.h5")
    assert said.count("2 of 3 ranks (1, 2) compute other last bits than rank 0") == 1
    assert 'meta.decoder = "lasso" leaves arithmetic to libraries' in said
    assert read(tmp_path / "mixed.h5").launches[-1]["odd_ranks"] == 2
    info = run([sys.executable, "-m", "esmaml_mpi", "info", str(tmp_path / "mixed.h5")])
    assert "2 ranks on others" in info.stdout


def test_what_is_ours_is_the_same_on_unlike_ranks(tmp_path):
    assert "last bits" not in mixed(SMALL, tmp_path / "mixed.h5")
    assert run(train_arguments(SMALL, tmp_path / "like.h5"), 3, **OLD).returncode == 0
    unlike, like = (read(tmp_path / f"{name}.h5") for name in ("mixed", "like"))
    assert_same_run(unlike, like)
    assert unlike.launches[-1]["odd_ranks"] == 0


def test_like_ranks_are_not_warned_of_and_a_resume_elsewhere_is(tmp_path):
    done = run(train_arguments(THEIRS, tmp_path / "like.h5"), 3, **OLD)
    assert done.returncode == 0 and "last bits" not in done.stdout + done.stderr
    assert read(tmp_path / "like.h5").launches[-1]["odd_ranks"] == 0
    more = train_arguments({**THEIRS, "meta.iterations": 5}, tmp_path / "like.h5", "--resume")
    assert "arithmetic was" in run(more, **OLDER).stdout
    first, second = (launch["arithmetic"] for launch in read(tmp_path / "like.h5").launches)
    assert first != second


def test_a_resume_elsewhere_is_not_warned_of_where_all_is_ours(tmp_path):
    assert run(train_arguments(SMALL, tmp_path / "ours.h5"), 1, **OLD).returncode == 0
    more = run(train_arguments({**SMALL, "meta.iterations": 5}, tmp_path / "ours.h5", "--resume"), 1, **OLDER)
    assert more.returncode == 0 and "last bits" not in more.stdout + more.stderr


class FourRanks:
    """Rank 0's view of ranks, the last two of which have other fingerprints."""

    rank, size = 0, 4

    def gather(self, block, counts):
        return block + np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def test_odd_ranks_are_those_unlike_rank_0():
    assert fingerprint() == fingerprint() and len(fingerprint()) == 12
    assert fingerprint(False) != fingerprint(True)
    assert odd_ranks(FourRanks()) == ([3], [2, 3])

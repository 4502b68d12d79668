"""Ranks that compute other last bits are noticed: here by another choice of linear algebra, as on another processor."""

import platform
import sys

import numpy as np
import pytest
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


def test_unlike_ranks_are_named_once_and_recorded(tmp_path):
    command = train_arguments(SMALL, tmp_path / "mixed.h5")
    job = start([*command, ":", "-n", "2", *unlike(command)], 1, "-x", "OPENBLAS_CORETYPE=Nehalem")
    said = job.communicate(timeout=120)[0]
    assert job.returncode == 0, said
    assert said.count("2 of 3 ranks (1, 2) compute other last bits than rank 0") == 1
    assert read(tmp_path / "mixed.h5").launches[-1]["odd_ranks"] == 2
    info = run([sys.executable, "-m", "esmaml_mpi", "info", str(tmp_path / "mixed.h5")])
    assert "2 ranks on others" in info.stdout


def test_like_ranks_are_not_warned_of_and_a_resume_elsewhere_is(tmp_path):
    done = run(train_arguments(SMALL, tmp_path / "like.h5"), 3, **OLD)
    assert done.returncode == 0 and "last bits" not in done.stdout + done.stderr
    assert read(tmp_path / "like.h5").launches[-1]["odd_ranks"] == 0
    more = train_arguments({**SMALL, "meta.iterations": 5}, tmp_path / "like.h5", "--resume")
    assert "arithmetic was" in run(more, **OLDER).stdout
    first, second = (launch["arithmetic"] for launch in read(tmp_path / "like.h5").launches)
    assert first != second


class FourRanks:
    """Rank 0's view of ranks, the third of which has another fingerprint."""

    rank, size = 0, 4

    def gather(self, block, counts):
        return block + np.array([[0.0], [0.0], [1.0], [0.0]])


def test_odd_ranks_are_those_unlike_rank_0():
    assert fingerprint() == fingerprint() and len(fingerprint()) == 12
    assert odd_ranks(FourRanks()) == [2]

"""What MuJoCo says of a model is printed once a run, however many ranks load it."""

import pytest
from mpirun import SMALL, run, train_arguments

pytestmark = pytest.mark.slow  # ranks of their own

# Family, and how often the name of its model's file is to be read: MuJoCo says one thing of the cheetah's.
CASES = {"half_cheetah_forward_backward": ("half_cheetah.xml", 1), "swimmer_forward_backward": ("swimmer.xml", 0)}


@pytest.mark.parametrize("family", CASES)
def test_three_ranks_warn_of_a_model_once(tmp_path, family):
    file, times = CASES[family]
    settings = {**SMALL, "task.name": family, "task.horizon": 3, "meta.iterations": 1}
    # ranks in a folder of their own, in which MuJoCo would leave its log
    done = run(["env", "-C", str(tmp_path), *train_arguments(settings, tmp_path / "warned.h5")], 3)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if file in line]
    assert len(lines) == times and all("settotalmass" in line for line in lines)
    assert {path.name for path in tmp_path.iterdir()} == {"warned.toml", "warned.h5", "warned.h5.previous"}
    assert file not in done.stdout and "settotalmass" not in done.stdout

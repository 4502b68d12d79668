"""Where the time goes: shares, rates and efficiency of made-up runs."""

import numpy as np
import pytest
from made_up import LAUNCH, like, run_script, without_rows

pytestmark = pytest.mark.usefixtures("scripts")


def timed(run, seed, ranks, seconds, *overrides, threads=1):
    """A run of which every phase took ``seconds`` an iteration, and the rest half as long as all of them."""
    import timing

    phases = dict.fromkeys(timing.PHASES, np.full(4, seconds))
    spent = {"seconds": np.full(4, 7.5 * seconds), "env_steps": np.full(4, 1000), "rollouts": np.full(4, 10)}
    launch = {**LAUNCH, "ranks": ranks, "threads": threads}
    return like(run, seed, *overrides, launches=[launch], timing=phases, train=spent)


def test_shares_and_rates(runs, notes):
    import timing

    (placed,) = timing.measured([timed(runs["k4_1"], 1, 1, 0.1), timed(runs["k4_1"], 2, 1, 0.3)], notes.append)
    assert placed.iterations == 8 and placed.placement == "1 rank x 1 thread"
    assert placed.seconds["gather"] == pytest.approx(0.2) and placed.seconds["other"] == pytest.approx(0.5)
    assert placed.working == pytest.approx(1.0) and placed.steps == 1000
    (row,) = timing.table([placed]).rows
    assert row[-3:] == pytest.approx((10.0, 1000.0, np.nan), nan_ok=True)


def test_efficiency_is_per_core_and_over_the_same_settings(runs, notes):
    import timing

    given = [
        timed(runs["k4_1"], 1, 4, 0.05),
        timed(runs["k4_1"], 1, 1, 0.1),
        timed(runs["k4_1"], 1, 1, 0.1, threads=2),
        timed(runs["k4_1"], 1, 1, 0.1, "adaptation.queries=5"),
    ]
    placed = timing.measured(given, notes.append)
    assert timing.efficiencies(placed) == pytest.approx([0.5, 1.0, 0.5, np.nan], nan_ok=True) and notes == []
    assert [each.cores for each in placed] == [4, 1, 2, 1]
    assert placed[2].placement == "1 rank x 2 threads"
    fig = timing.draw(placed)
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in fig.axes[1].get_lines()[:2]]
    assert lines == [([1, 4], pytest.approx([1.0, 0.5])), ([2], pytest.approx([0.5]))]


def test_the_legend_covers_no_low_efficiency(runs, notes):
    import timing

    def placed(ranks):
        """Those of two ranks, on the left, have an efficiency of 0.1."""
        slow = {phase: runs["k4_1"].history["timing"][phase] * (5 if ranks == 2 else 1) for phase in timing.PHASES}
        return like(runs["k4_1"], 1, launches=[{**LAUNCH, "ranks": ranks}], timing=slow)

    fig = timing.draw(timing.measured([placed(ranks) for ranks in (1, 2, 64)], notes.append))
    fig.canvas.draw()
    ax = fig.axes[1]
    covered = ax.get_legend().get_window_extent()
    assert not any(covered.contains(*ax.transData.transform(point)) for point in ax.get_lines()[0].get_xydata())


def test_plans_are_not_averaged(runs, notes):
    import timing

    placed = timing.measured(
        [timed(runs["k4_1"], 1, 2, 0.1), timed(runs["k4_1"], 2, 2, 0.1, "run.plan=dynamic")], notes.append
    )
    assert [each.placement for each in placed] == ["2 ranks x 1 thread", "2 ranks x 1 thread, dynamic plan"]


def test_runs_that_moved_are_left_out(runs, notes):
    import timing

    moved = like(runs["k4_1"], 1, launches=[LAUNCH, {**LAUNCH, "ranks": 8}])
    assert timing.measured([moved], notes.append) == []
    assert "2 different numbers of ranks and threads" in notes[0]


def test_no_picture_is_made_of_nothing(runs, tmp_path, monkeypatch, capsys):
    import timing

    moved = like(runs["k4_1"], 1, launches=[LAUNCH, {**LAUNCH, "ranks": 8}])
    monkeypatch.setattr(timing.series, "load", lambda path, note, need: moved)
    assert timing.main(["moved.h5", "--output", str(tmp_path / "t.png")]) == 1
    assert capsys.readouterr().err.endswith("timing: no run is left.\n") and not (tmp_path / "t.png").exists()


def test_what_is_counted_is_not_broken_from_its_number(scripts):
    import style

    text = style.wrapped("operator = hill_climbing, test.every = 2, 12 ranks x 1 thread", 46)
    assert text.splitlines() == ["operator = hill_climbing, test.every = 2,", "12 ranks x 1 thread"]
    assert style.wrapped("estimator = forward_fd (1 seed)", 26).splitlines() == ["estimator = forward_fd", "(1 seed)"]
    assert style.wrapped("hidden = [], seed 12", 14).splitlines() == ["hidden = [],", "seed 12"]


@pytest.mark.slow
def test_script(runs, tmp_path):
    done = run_script("timing.py", runs["k4_1"].path, runs["k6_1"].path, "--output", "t.pdf", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t.pdf").read_bytes().startswith(b"%PDF") and "1 rank x 2 threads" in done.stdout
    path = tmp_path / "young.h5"
    path.write_bytes(runs["k4_1"].path.read_bytes())
    without_rows(path, "timing")
    done = run_script("timing.py", path, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "has no timing rows yet" in done.stderr

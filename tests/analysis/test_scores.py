"""Tables of final scores and comparisons of groups."""

import csv
import io

import numpy as np
import pytest
from made_up import like, only_end, run_script, train

pytestmark = pytest.mark.usefixtures("scripts")


def scored(run, scores, *overrides):
    """A run for each of these final scores, seeds from 0."""
    return [like(run, seed, *overrides, test={"after": [0.0, 0.0, score]}) for seed, score in enumerate(scores)]


def final(runs, notes):
    import scores
    from groups import group

    return [scores.final(each, notes.append) for each in group(runs, notes.append)]


def test_row_of_the_table(runs, notes):
    import bootstrap
    from final_scores import table

    scores = final(scored(runs["k4_1"], [1.0, 2.0, 6.0, 3.0, 4.0]), notes)
    rows = table(scores, "corners").rows
    low, high = bootstrap.interval(np.array([1.0, 2.0, 6.0, 3.0, 4.0]))
    before = runs["k4_1"].history["test"]["before"][-1].mean()
    assert rows[0][:4] == ("four_corners", 5, 0, 4)
    assert rows[0][4:] == pytest.approx((before, 3.2, low, high, 1.0, 6.0)) and notes == []


def test_unfinished_and_failed_runs_are_told(runs, notes):
    long = like(runs["k4_1"], 8, "meta.iterations=10")
    (score,) = final([long, *scored(runs["k4_1"], [np.nan])], notes)
    assert score.missing == 1 and score.after.size == 1
    assert "four_corners: scored at iteration 4 of 10" in notes


def test_groups_are_scored_where_all_have_spent_the_same(runs, tmp_path, notes):
    from comparison import compare
    from groups import group
    from scores import scored as scores_of

    rising = {"after": [0.0, 10.0, 20.0], "before": [0.0, -1.0, -2.0]}  # at iterations 0, 2 and 4
    cheap = [like(runs["k4_1"], seed, test=rising, train={"rollouts": 100}) for seed in (5, 6)]
    dear = [like(runs["k6_1"], seed, test=rising, train={"rollouts": n}) for seed, n in ((5, 200), (6, 400))]
    groups = group([*cheap, *dear], notes.append)
    one, other = scores_of(groups, "rollouts", notes.append)
    assert one.at == other.at == 400
    assert one.after.tolist() == [20.0, 20.0] and other.after.tolist() == [10.0, 5.0]
    assert one.before.tolist() == [-2.0, -2.0] and other.before.tolist() == [-1.0, -0.5]
    (pair,) = compare([tuple(groups)], notes.append, "rollouts")
    assert pair.difference == 12.5 and notes == []
    files = [runs[name].path for name in ("k4_1", "k6_1")]
    done = run_script("final_scores.py", *files, "--equal", "rollouts", cwd=tmp_path)
    assert done.returncode == 0 and "at equal training rollouts" in done.stdout
    assert "updates" not in done.stdout and "rollouts" in done.stdout.splitlines()[1]


def test_no_group_is_scored_at_a_cost_below_its_first_test(runs, notes):
    """The other group ends at 4 s; tested at 8 s alone, this one has no score there, and none is made up."""
    from groups import group
    from scores import scored as scores_of

    from esmaml_mpi.errors import UserError

    early = like(runs["k6_1"], 1, train={"seconds": 1.0})
    groups = group([only_end(runs["k4_1"], 1, 2.0), early], notes.append)
    with pytest.raises(
        UserError, match=r"was tested first after 8 wall-clock time \(s\), and another group last after 4"
    ):
        scores_of(groups, "seconds", notes.append)


@pytest.mark.slow
def test_formats(runs, tmp_path):
    files = [results.path for results in runs.values()]
    done = run_script("final_scores.py", *files, "--format", "csv", cwd=tmp_path)
    header, four, _ = csv.reader(io.StringIO(done.stdout))
    after = np.array([runs[f"k4_{seed}"].history["test"]["after"][-1].mean() for seed in (1, 2, 3)])
    assert four[:2] == ["queries = 4", "3"] and float(four[header.index("after")]) == pytest.approx(
        after.mean(), rel=1e-15
    )
    done = run_script("final_scores.py", *files, "--format", "markdown", "--output", "t.md", cwd=tmp_path)
    assert done.stdout == "t.md\n" and (tmp_path / "t.md").read_text().count("|") == 4 * 11
    done = run_script("final_scores.py", *files, cwd=tmp_path)
    assert done.returncode == 0 and "3 seeds cannot give more than 75 %" in done.stdout
    done = run_script("final_scores.py", *files, "--output", "no/t.md", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1


def test_how_numbers_are_read():
    from tables import readable

    numbers = (-38421.4, 154.23, 0.0479, 0.0, 4.5e-7, float("nan"), 12, "text", float("-inf"), 1.0)
    read = ["-38,421", "154.2", "0.04790", "0", "4.5e-07", "-", "12", "text", "-inf", "1.000"]
    assert [readable(number) for number in numbers] == read


def test_cells_are_escaped():
    from tables import Table

    table = Table("<b>", ("a|b", "n"), [("x|y<i>", 1.5)])
    assert table.markdown().splitlines()[2] == "| x\\|y<i> | 1.500 |"
    assert "x|y&lt;i&gt;" in table.html() and "<i>" not in table.html() and "<b>" not in table.html()


def compared(first, second, notes):
    import comparison
    from groups import group

    groups = group([*first, *second], notes.append)
    return comparison.compare([(groups[0], groups[1])], notes.append)


def test_few_seeds_cannot_tell(runs, notes):
    import comparison

    pairs = compared(
        scored(runs["k4_1"], [1.0, 2.0, 3.0]), scored(runs["k4_1"], [50.0, 51.0, 52.0], "adaptation.queries=5"), notes
    )
    ps, _, words = comparison.verdicts(pairs)
    assert ps[0] == pytest.approx(0.1) and words == ["cannot be told: 3 against 3 seeds give p >= 0.1"]
    assert pairs[0].label == "queries = 4 against 5" and pairs[0].difference == -49


def test_the_interval_is_as_wide_as_that_of_welch_or_wider(runs, notes):
    import bootstrap
    import intervals

    a, b = [1.0, 2.0, 6.0], [0.0, 0.5, 1.0]
    (pair,) = compared(scored(runs["k4_1"], a), scored(runs["k4_1"], b, "adaptation.queries=5"), notes)
    edges = [bootstrap.difference_interval(pair.a.after, pair.b.after), intervals.welch(pair.a.after, pair.b.after)]
    (low, other_low), (high, other_high) = zip(*edges, strict=True)
    assert pair.interval == (min(low, other_low), max(high, other_high)) and other_low < low


def test_rewards_that_are_worth_something_else_are_compared_only_where_that_is_asked_for(runs, tmp_path, capsys):
    import comparison

    files = []
    for number, settings in enumerate(([], ["adaptation.queries=5"], ["task.horizon=21"])):
        for seed in (1, 2):
            path = tmp_path / f"{number}_{seed}.h5"
            train(path, f"run.seed={seed}", *settings)
            files.append(str(path))
    output = ["--output", str(tmp_path / "c.png")]
    assert comparison.main([*files, *output]) == 0
    said = capsys.readouterr()
    assert "2 pairs of groups are not compared" in said.err and said.out.count("queries = 4 against 5") == 1
    assert "horizon = 21" not in said.out
    assert comparison.main([*files[:2], "--against", *files[4:], *output]) == 0
    assert "against" in capsys.readouterr().out


OTHERS = {
    "lower": [11.0, 12.0, 14.0, 13.0, 15.0],
    "higher": [-9.0, -8.0, -7.0, -9.0, -5.0],
    "not resolved": [0.0, 9.0, 1.0],
}


@pytest.mark.parametrize("word", OTHERS)
def test_verdicts(word, runs, notes):
    import comparison

    other = OTHERS[word]
    mine = scored(runs["k4_1"], [1.0, 2.0, 3.0, 4.0, 5.0])
    pairs = compared(mine, scored(runs["k4_1"], other, "adaptation.queries=5"), notes)
    assert comparison.verdicts(pairs)[2] == [word]
    (row,) = comparison.table(pairs, "corners").rows
    assert row[:4] == ("queries = 4 against 5", 5, len(other), pytest.approx(3 - np.mean(other))) and row[-1] == word


def test_many_comparisons_cost_significance(runs, notes):
    """Seven pairs of 5 against 5 seeds apart give p = 7 x 2 / 252 each: none can be resolved, and it says so."""
    import comparison

    (pair,) = compared(
        scored(runs["k4_1"], [1.0, 2, 3, 4, 5]), scored(runs["k4_1"], [6.0, 7, 8, 9, 10], "adaptation.queries=5"), notes
    )
    assert comparison.verdicts([pair] * 6)[2] == ["lower"] * 6
    ps, _, words = comparison.verdicts([pair] * 7)
    assert ps == pytest.approx(14 / 252) and all(word.startswith("cannot be told") for word in words)


def test_sets_are_matched_by_what_varies_in_both(runs, notes):
    import comparison
    from groups import group

    mine, other = [], []
    for queries in (4, 5):
        for penalty in (0, 7):
            more = (f"adaptation.queries={queries}", f"task.options={{penalty={penalty}}}")
            mine += scored(runs["k4_1"], [1.0], *more)
            other += scored(runs["k4_1"], [1.0], *more, "adaptation.sigma=0.3")
    groups = group(mine + other, notes.append)
    pairs = comparison.matched(groups[:4], groups[4:])
    assert [comparison._label(a, b) for a, b in pairs] == [
        f"penalty = {penalty}, queries = {queries}: adaptation.sigma = 0.1 against 0.3"
        for queries in (4, 5)
        for penalty in (0, 7)
    ]
    assert len(comparison.matched(groups[:4], groups[4:5])) == 4


@pytest.mark.slow
def test_groups_of_different_tasks_are_not_compared(runs, tmp_path):
    sine = train(tmp_path / "sine.h5", task="sinusoid").path
    files = [runs[name].path for name in ("k4_1", "k4_2", "k6_1")]
    done = run_script("comparison.py", *files, sine, cwd=tmp_path)
    assert done.returncode == 0 and "2 pairs of groups are not compared, as they are of different tasks" in done.stderr
    assert "p adjusted by Holm for 1 comparison." in done.stdout and "sinusoid:" not in done.stdout
    done = run_script("comparison.py", *files, "--against", sine, cwd=tmp_path)
    assert done.returncode == 1 and "all groups are of different tasks" in done.stderr


@pytest.mark.slow
def test_comparison_script(runs, tmp_path):
    three = [runs[f"k4_{seed}"].path for seed in (1, 2, 3)]
    done = run_script("comparison.py", *three, "--against", runs["k6_1"].path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "queries = 4 against 6" in done.stdout and "cannot be told: 3 against 1 seeds give p >= 0.25" in done.stdout
    assert (tmp_path / "comparison.png").stat().st_size > 10_000
    done = run_script("comparison.py", *three, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr == (
        "comparison: nothing to compare: the results are of one group, or no two agree in what both sets vary.\n"
    )


@pytest.mark.slow
def test_two_sets_of_the_same_settings_are_kept_apart(runs, tmp_path):
    again = tmp_path / "again.h5"
    again.write_bytes(runs["k4_2"].path.read_bytes())
    done = run_script("comparison.py", runs["k4_1"].path, again, "--against", runs["k4_2"].path, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "" and "first set against second set  2  1" in done.stdout


def test_differences_of_all_sizes_are_drawn(runs, notes):
    import comparison

    pairs = []
    for scale in (1.0, 1e6):
        first = scored(runs["k4_1"], scale * np.array([1.0, 2, 3]))
        pairs += compared(first, scored(runs["k4_1"], scale * np.array([6.0, 7, 8]), "adaptation.queries=5"), notes)
    ax = comparison.draw(pairs).axes[0]
    assert ax.get_xscale() == "symlog" and ax.get_xlim()[0] < -7e6 and ax.get_xlim()[1] <= 10
    assert comparison.draw(pairs[:1]).axes[0].get_xscale() == "linear"

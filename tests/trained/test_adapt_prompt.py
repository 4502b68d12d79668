"""What is typed at the prompt of the ``adapt`` command."""

import numpy as np
from adapt_robot import CLIMB, expected_session, same_policy

from esmaml_mpi.results.session_file import SessionFile
from esmaml_mpi.trained.from_file import find_trained


def test_answers_that_are_no_reward_are_asked_again(results, adapt):
    code, out, err = adapt(results, typed="much\n\n1 5\ninf\nfailed\n2.5\n")
    assert code == 75 and "left after 1 of 5 trials" in out
    assert err.count("a number is wanted, or skip, undo, list, best, note TEXT, help, quit.") == 2
    assert err.count("less than 2**126") == 1 and err.count("low finite reward") == 1
    assert out.count("trial 1 of 5") == 5 and out.count("trial 2 of 5") == 1


def test_a_search_goes_on_after_a_failed_trial(results, adapt, tmp_path):
    chosen = ["--set", "adaptation.operator=hill_climbing", "--set", "adaptation.queries=3"]
    code, out, err = adapt(results, *chosen, typed="1\nfailed\n0.5\n")
    assert code == 75 and "left after 3 of 4 trials" in out and not err
    code, out, _ = adapt(typed="nan\n")
    assert code == 0 and "3 of 4 trials told" in out
    with SessionFile(tmp_path / "a.session") as file:
        assert file.read().rewards == [1.0, -np.inf, 0.5, -np.inf]
    theta = find_trained(results, "last", [], 0).theta
    assert same_policy(tmp_path / "a.adapted.npz", theta, expected_session(results)[1])


def test_words_at_the_prompt(results, adapt, tmp_path):
    lines = [
        "note new battery",
        "12,5  # slipped",
        "undo",
        "note again",
        "-3,5",
        "skip it fell",
        "7",
        "list",
        "best",
        "quit",
    ]
    code, out, err = adapt(results, *CLIMB, typed="\n".join(lines))
    assert code == 75 and not err
    assert "noted for trial 1: new battery\n" in out
    assert "taken back: trial 1, reward 12.5  # new battery; slipped\n" in out
    assert "  trial 1, reward -3.5  # again\n  trial 2, no reward  # it fell\n  trial 3, reward 7.0\n" in out
    assert "trial 3 of 5: run" in out and "(last none, best -3.5)" in out and "(last 7, best 7)" in out
    assert "best policy tried: 7 (1 trial)" in out and "noise of one reward (standard deviation): not known" in out
    assert "A trial: load the policy in" in out and out.count("A trial:") == 1
    with SessionFile(tmp_path / "a.session") as file:
        kept = file.read()
    assert kept.rewards == [-3.5, -np.inf, 7.0] and kept.notes == {1: "again", 2: "it fell"}


def test_a_session_that_is_done_takes_rewards_back(results, adapt):
    assert adapt(results, *CLIMB, typed="1\n2\n3\n4\n500\n")[0] == 0
    code, out, _ = adapt("--undo", typed="5,0\n")
    assert code == 0 and "taken back: trial 5, reward 500.0" in out and "told: trial 5, reward 5.0" in out
    code, out, _ = adapt("--undo", 3, "--trials", 1, typed="3\n")
    assert code == 75 and "left after 3 of 5 trials" in out
    code, _, err = adapt("--undo", 4)
    assert code == 2 and "--undo 4: session" in err and "has 3 rewards" in err


def test_an_operator_that_trusts_noisy_rewards_says_so_at_the_beginning(results, adapt):
    out = adapt(results, *CLIMB, typed="1\n")[1]
    assert "if rewards are noisy: hill climbing keeps the reward" in out and "reevaluate_pivot=true" in out
    assert "if rewards are noisy" not in adapt(typed="1\n")[1]  # once is enough
    calm = [*CLIMB, "--set", "adaptation.reevaluate_pivot=true"]
    assert "if rewards are noisy" not in adapt(results, *calm, typed="1\n", name="b.session")[1]
    assert "if rewards are noisy" not in adapt(results, *CLIMB, "--task", 1, "--trials", 1, name="c.session")[1]

"""The ``adapt`` command, driven as somebody at a robot drives it: policies read from files, rewards through a pipe."""

import os
import signal
import time

import numpy as np
import pytest
from adapt_robot import REWARDS, Pipe, act, expected_session, same_policy

from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.results.session_file import SessionFile
from esmaml_mpi.trained.policy_file import write_policy


def test_a_robot_through_a_pipe_killed_on_the_way(results, tmp_path):
    file = tmp_path / "robot.session"
    session, acts = expected_session(results, seed=7)
    robot = Pipe(results, "--session", file, "--seed", 7)
    for trial, reward in enumerate(REWARDS):
        if trial == 2:  # as if the power went, with a policy already out
            robot.trial()
            robot.process.send_signal(signal.SIGKILL)
            robot.end()
            robot = Pipe("--session", file)
        if trial == 3:  # as if the terminal was closed
            robot.trial()
            code, rest = robot.end()
            assert code == 75 and "left after 3 of 5 trials" in rest
            assert same_policy(tmp_path / "robot.best.npz", session.best, acts)
            robot = Pipe(results, "--session", file)
        number, path = robot.trial()
        assert number == trial + 1 == int(np.load(path)["trial"])
        assert same_policy(path, session.ask(), acts)
        robot.say(f" {reward} ")
        session.tell(reward)
        if trial < 4:
            robot.until("^trial")  # the reward is in the file by then
            with SessionFile(tmp_path / "copy") as copy:
                copy.path.write_bytes(file.read_bytes())
                assert copy.read().rewards == REWARDS[: trial + 1]
                copy.path.unlink()
    code, rest = robot.end()
    assert code == 0 and f"done after 5 trials; adapted policy: {tmp_path / 'robot.adapted.npz'}" in rest
    assert session.done and same_policy(tmp_path / "robot.adapted.npz", session.best, acts)
    assert sorted(os.listdir(tmp_path)) == ["robot.adapted.npz", "robot.best.npz", "robot.session"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, "q"])
@pytest.mark.parametrize("pause", [0.0, 0.3], ids=["at once", "while it waits"])
def test_leaving(results, tmp_path, how, pause):
    file = tmp_path / "robot.session"
    robot = Pipe(results, "--session", file)
    robot.trial()
    robot.say("1.5")
    robot.trial()
    time.sleep(pause)
    if how == "q":
        robot.say("q")
    else:
        robot.process.send_signal(how)
        robot.process.wait(timeout=60)  # with its input still open
    code, rest = robot.end()
    assert code == 75 and f"to go on: esmaml adapt --session {file}" in rest
    with SessionFile(file) as left:
        assert left.read().rewards == [1.5]


def test_trials_limits_one_call(results, adapt):
    assert adapt(results, "--trials", 2, typed="1\n2\n3\n4\n5\n")[0] == 75
    code, out, _ = adapt("--trials", 3, typed="3\n4\n5\n")
    assert code == 0 and "2 of 5 trials told" in out and "done after 5 trials" in out
    code, out, _ = adapt()
    assert code == 0 and "trial 1" not in out and "done after 5 trials" in out  # and again, as often as one likes


def test_a_session_goes_on_as_it_was_begun(results, adapt):
    assert adapt(typed="1\n")[0] == 2
    assert adapt(results, "--at", "1", "--seed", 3, "--set", "adaptation.sigma=0.3", typed="1\n")[0] == 75
    for options, said in (
        (["--seed", 4], "--seed"),
        (["--at", "1"], "--at"),
        (["--set", "adaptation.sigma=0.3"], "--set"),
        (["--task", 0], "a robot's rewards"),
        ([results], r"adaptation.sigma: 0.3 -> 0.1; iteration: 1 -> 2"),
        ([results, "--at", "1", "--set", "adaptation.sigma=0.3", "--seed", 4], "--seed: 3 -> 4"),
    ):
        code, _, err = adapt(*options)
        assert code == 2 and said in err, (options, err)
    code, out, _ = adapt(results, "--at", "1", "--set", "adaptation.sigma=0.3", typed="2\n")
    assert code == 75 and "1 of 5 trials told" in out and "left after 2" in out


@pytest.mark.parametrize("policy", [Policy(3, 2, (), "relu", "identity"), Policy(3, 2, (5, 4), "tanh", "tanh")])
def test_a_policy_file_is_all_that_another_program_needs(tmp_path, policy):
    generator = np.random.default_rng(8)
    parameters, observation = generator.normal(size=policy.size), generator.normal(size=3)
    observer = Observer(generator.normal(size=3), generator.uniform(0.5, 2, size=3))
    write_policy(tmp_path / "p.npz", policy, parameters, observer, trial=3)
    bound = policy.bind(parameters[:, None], observer.mean, observer.std)
    np.testing.assert_allclose(act(tmp_path / "p.npz", observation), bound.act(observation[:, None])[:, 0], rtol=1e-12)

"""The ``adapt`` command, driven as somebody at a robot drives it: policies read from files, rewards through a pipe."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.commands.main import main
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.makers import make_operator
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.results.session_file import SessionFile
from esmaml_mpi.trained.from_file import find_trained
from esmaml_mpi.trained.policy_file import write_policy

TINY = {
    "task": {"horizon": 10},
    "policy": {"hidden": [3]},
    "adaptation": {"queries": 4, "step_size": 0.5},
    "meta": {"iterations": 2, "perturbations": 2, "current_evaluations": 2},
    "test": {"every": 1, "repeats": 2},
}
TRIALS = 5  # four queries and the pivot


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "run.h5"
    esmaml_mpi.train(TINY, output=path)
    return path


@pytest.fixture(scope="module")
def noisy_results(tmp_path_factory):
    path = tmp_path_factory.mktemp("noisy") / "run.h5"
    task = {"name": "cartpole_sensor_bias", "horizon": 20, "rollouts": 2}
    esmaml_mpi.train({**TINY, "task": task}, output=path)
    return path


@pytest.fixture(scope="module")
def sloping_results(tmp_path_factory):
    """Of a task in which every change of a policy changes its reward."""
    path = tmp_path_factory.mktemp("sloping") / "run.h5"
    task = {"horizon": 10, "options": {"reward": "squared_distance"}}
    esmaml_mpi.train({**TINY, "task": task, "adaptation": {**TINY["adaptation"], "sigma": 0.5}}, output=path)
    return path


class Pipe:
    """The command as a process; ``lines`` is what it has printed so far."""

    def __init__(self, *arguments):
        command = [sys.executable, "-m", "esmaml_mpi", "adapt", *map(str, arguments)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self.lines = []

    def until(self, pattern):
        """Read lines until one has this in it."""
        while not self.lines or not re.search(pattern, self.lines[-1]):
            line = self.process.stdout.readline()
            assert line, (self.lines, self.process.stderr.read())
            self.lines.append(line.strip())
        return self.lines[-1]

    def trial(self):
        """The next trial's number and the policy file that it names."""
        line = self.until("^trial")
        self.lines.append("")
        number, path = re.match(r"trial (\d+) of 5: run (.*) and enter its reward", line).groups()
        return int(number), path

    def say(self, text):
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def end(self):
        """Exit code, and the rest of what it says, errors last."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out + err


def act(path, observation):
    """One step of a stored policy, by NumPy alone."""
    with np.load(path, allow_pickle=False) as policy:
        x = (observation - policy["observation_mean"]) / policy["observation_std"]
        functions = {"relu": lambda x: np.maximum(x, 0.0), "tanh": np.tanh, "identity": lambda x: x}
        last = int(policy["layers"]) - 1
        for i in range(last + 1):
            x = x @ policy[f"weights_{i}"] + policy[f"biases_{i}"]
            x = functions[str(policy["activation"] if i < last else policy["output"])](x)
        return x


def expected_session(results, seed=0, rewards=()):
    """The session that the command should be driving, and how its policies act."""
    trained = find_trained(results, "last", [], seed)
    session = Adaptation(
        make_operator(trained.config), trained.theta, seed, rewards, at=Round(Phase.EVALUATE, trained.iteration)
    )
    policy, observer = Experiment(trained.config).policy, trained.observer

    def acts(parameters, observation):
        return policy.bind(parameters[:, None], observer.mean, observer.std).act(observation[:, None])[:, 0]

    return session, acts


OBSERVATION = np.array([0.3, -0.2])
REWARDS = [1.0, -2.5, 0.25, 3.0, -1.0]


def same_policy(path, parameters, acts):
    np.testing.assert_allclose(act(path, OBSERVATION), acts(parameters, OBSERVATION), rtol=1e-12)
    return True


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


@pytest.fixture
def adapt(tmp_path, monkeypatch, capsys):
    """Runs the command in this process with lines of input; gives exit code, output and errors."""

    def run(*arguments, typed="", name="a.session"):
        read, write = os.pipe()
        os.write(write, typed.encode())
        os.close(write)
        with os.fdopen(read) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            code = main(["adapt", *map(str, arguments), "--session", str(tmp_path / name)])
        return code, *capsys.readouterr()

    return run


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


CLIMB = ["--set", "adaptation.operator=hill_climbing", "--set", "adaptation.queries=4"]


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


@pytest.mark.parametrize("options, said", [
    (["--seed", -1], "--seed -1"), (["--task", 4], "tasks 0 to 3"), (["--task", -1], "--task -1"),
    (["--set", "meta.sigma=1"], "only adaptation"),
])  # fmt: skip
def test_refusals_leave_nothing_behind(results, adapt, tmp_path, options, said):
    code, _, err = adapt(results, *options)
    assert code == 2 and said in err and os.listdir(tmp_path) == []


def test_an_operator_that_has_no_sessions_leaves_nothing_behind(adapt, tmp_path):
    pytest.importorskip("jax")
    config = {
        "task": {"horizon": 5},
        "policy": {"hidden": [], "output": "identity"},
        "adaptation": {"operator": "policy_gradient", "queries": 2},
        "meta": {"algorithm": "pg_maml", "iterations": 0},
        "test": {"repeats": 1},
    }
    run = esmaml_mpi.train(config, output=tmp_path / "pg.h5")
    before = sorted(os.listdir(tmp_path))
    code, _, err = adapt(run.path)
    assert code == 2 and "a session is told one reward a trial" in err and sorted(os.listdir(tmp_path)) == before


def test_an_evaluation_does_not_write_over_its_results(results, capsys):
    before = results.read_bytes()
    assert main(["evaluate", str(results), "--json", os.path.relpath(results)]) == 2
    assert "that is the results file itself" in capsys.readouterr().err and results.read_bytes() == before


def test_a_session_is_no_results_file(results, adapt, tmp_path, capsys):
    adapt(results, "--task", 0, "--trials", 1)
    assert main(["info", str(tmp_path / "a.session")]) == 1
    assert "is a session of `esmaml adapt --session`, and a training run's file is wanted" in capsys.readouterr().err


def test_a_damaged_session_is_refused(results, adapt, tmp_path):
    adapt(results, typed="1\n")
    file = tmp_path / "a.session"
    file.write_bytes(file.read_bytes()[:-1])
    code, _, err = adapt()
    assert code == 1 and "it is damaged" in err


def test_a_simulated_task_adapts_as_evaluate_does(results, adapt, tmp_path, capsys):
    main(["evaluate", str(results), "--tasks", "2", "--seed", "9", "--repeats", "1"])
    before, after = map(float, re.search(r"^ +2 +(\S+) +(\S+)$", capsys.readouterr().out, re.MULTILINE).groups())
    code, out, _ = adapt(results, "--task", 2, "--seed", 9)
    assert code == 0
    found = re.search(r"task 2: reward (\S+) before, at best (\S+) in 5 trials, (\S+) after", out).groups()
    assert (float(found[0]), float(found[2])) == (before, after)
    with SessionFile(tmp_path / "a.session") as file:
        assert float(found[1]) == round(max(file.read().rewards), 2)


@pytest.mark.parametrize(
    "chosen",
    [
        ["directions=orthogonal"],
        ["directions=orthogonal", "decoder=ridge", "steps=2"],
        ["directions=hadamard", "estimator=antithetic"],
        ["directions=dpp", "direction_options={rho=3}"],
        ["operator=hill_climbing", "scheme=batch", "evaluations=4", "sigma=0.1", "directions=orthogonal"],
        ["operator=population_search", "population=4", "directions=dpp"],
    ],
    ids=" ".join,
)
def test_a_session_of_joint_directions_is_a_repeat_of_evaluate(sloping_results, adapt, tmp_path, chosen):
    chosen = [part for key in chosen for part in ("--set", f"adaptation.{key}")]

    def evaluate(*overrides):
        file = tmp_path / "returns.json"
        options = ["--tasks", "1,3", "--seed", "9", "--repeats", "1", "--json", str(file)]
        assert main(["evaluate", str(sloping_results), *options, *overrides]) == 0
        return json.loads(file.read_text())

    evaluated, no_options = evaluate(*chosen), ["--set", "adaptation.direction_options={}"]
    assert evaluated["after"] != evaluate(*chosen, "--set", "adaptation.directions=gaussian", *no_options)["after"]
    for number, task in enumerate((1, 3)):
        code, out, err = adapt(sloping_results, "--task", task, "--seed", 9, *chosen, name=f"{task}.session")
        found = re.search(rf"task {task}: reward (\S+) before, .*, (\S+) after", out).groups()
        assert code == 0 and not err
        assert found == tuple(f"{evaluated[name][number][0]:.2f}" for name in ("before", "after"))


@pytest.mark.parametrize("directions", ["orthogonal", "dpp"])
def test_a_session_of_joint_directions_does_not_depend_on_interruptions(sloping_results, adapt, tmp_path, directions):
    chosen = ["--set", f"adaptation.directions={directions}", "--set", "adaptation.steps=2"]
    assert adapt(sloping_results, *chosen, "--task", 1, name="whole.session")[0] == 0
    codes = [adapt(sloping_results, *chosen, "--task", 1, "--trials", 3)[0]] + [
        adapt("--trials", 3)[0] for _ in range(3)
    ]
    assert codes == [75] * 3 + [0]
    first, second = (dict(np.load(tmp_path / f"{name}.adapted.npz")) for name in ("whole", "a"))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_session_of_corrupted_rewards_is_a_repeat_of_evaluate(adapt, tmp_path, capsys):
    corruption = {"fraction": 0.5, "outlier_scale": 100.0, "relative": False}
    task = {"horizon": 10, "options": {"reward": "squared_distance"}, "corruption": corruption}
    esmaml_mpi.train({**TINY, "task": task}, output=tmp_path / "run.h5")
    capsys.readouterr()
    main(["evaluate", str(tmp_path / "run.h5"), "--tasks", "1", "--seed", "9", "--repeats", "1"])
    (after,) = re.search(r"^ +1 +\S+ +(\S+)$", capsys.readouterr().out, re.MULTILINE).groups()
    _, out, _ = adapt(tmp_path / "run.h5", "--task", 1, "--seed", 9)
    assert f"{after} after adaptation" in out


def test_simulated_trials_do_not_depend_on_interruptions(noisy_results, adapt, tmp_path):
    assert adapt(noisy_results, "--task", 1, name="whole.session")[0] == 0
    codes = [adapt(noisy_results, "--task", 1, "--trials", 1)[0]] + [adapt("--trials", 1)[0] for _ in range(4)]
    assert codes == [75] * 4 + [0]
    rewards = []
    for name in ("whole.session", "a.session"):
        with SessionFile(tmp_path / name) as file:
            rewards.append(file.read().rewards)
    assert rewards[0] == rewards[1] and len(set(rewards[0])) > 1
    first, second = (dict(np.load(tmp_path / f"{name}.adapted.npz")) for name in ("whole", "a"))
    assert first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("policy", [Policy(3, 2, (), "relu", "identity"), Policy(3, 2, (5, 4), "tanh", "tanh")])
def test_a_policy_file_is_all_that_another_program_needs(tmp_path, policy):
    generator = np.random.default_rng(8)
    parameters, observation = generator.normal(size=policy.size), generator.normal(size=3)
    observer = Observer(generator.normal(size=3), generator.uniform(0.5, 2, size=3))
    write_policy(tmp_path / "p.npz", policy, parameters, observer, trial=3)
    bound = policy.bind(parameters[:, None], observer.mean, observer.std)
    np.testing.assert_allclose(act(tmp_path / "p.npz", observation), bound.act(observation[:, None])[:, 0], rtol=1e-12)

"""The ``adapt`` command as a process at a robot, and the policies that it should give."""

import re
import subprocess
import sys

import numpy as np

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.makers import make_operator
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.trained.from_file import find_trained

TINY = {
    "task": {"horizon": 10},
    "policy": {"hidden": [3]},
    "adaptation": {"queries": 4, "step_size": 0.5},
    "meta": {"iterations": 2, "perturbations": 2, "current_evaluations": 2},
    "test": {"every": 1, "repeats": 2},
}


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


CLIMB = ["--set", "adaptation.operator=hill_climbing", "--set", "adaptation.queries=4"]

"""A T-maze: a cue at the start says which arm pays, and at the end of the corridor it is no longer seen.

The task of Bakker (2002, "Reinforcement learning with long short-term memory") with steps of any length: the agent
walks along a corridor, chooses an arm at the junction by the sign of its second action, and is paid 1 in the right one,
0 in the other. A first action of 0 walks at half speed, so that policies get there before they know anything. Observed
are the cue, in the first ``cue_steps`` steps, and whether the agent is at the junction. Nothing else tells one episode
from the other there: of a policy that remembers nothing at most half of the choices are right, whatever it did before.

Tasks differ in the rule: the right arm is the one that the cue names, or the other. With ``rules = 1``, the variant
"memory", it is always the one named, so that there is nothing to adapt to.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.ending import EndingEpisodes
from esmaml_mpi.tasks.workspace import Workspace

PIXELS = 24  # of a longest step, in pictures
WHITE, FLOOR, BLUE, GREEN, ORANGE = (255, 255, 255), (225, 225, 225), (31, 119, 180), (44, 160, 44), (255, 127, 14)


@dataclass(frozen=True)
class TMaze:
    """Remember a cue until a choice is to be made; the task is what the cue means."""

    horizon: int = 25
    variant: str = setting(
        "rule",
        "preset of the other options. rule: what the cue means is the task; memory: it means always the same",
        choices=("rule", "memory"),
    )
    length: int = setting(10, "length of the corridor, in the longest steps", minimum=1)
    cue_steps: int = setting(1, "steps in which the cue is seen", minimum=1)
    rules: int = setting(
        2, "2: tasks differ in whether the cue names the arm or the other; 1: always it", minimum=1, maximum=2
    )

    name = "t_maze"
    observation_size = 2
    action_size = 2
    observation_names = ("cue", "at the junction")
    action_names = ("speed along the corridor", "arm")
    action_low, action_high = (-1.0, -1.0), (1.0, 1.0)
    noise_size = 1
    batch_limit = 1000
    tasks_share_dynamics = True
    presets: ClassVar = {"memory": dict(rules=1)}

    @property
    def default_horizon(self) -> int:
        """Enough for steps of half the longest."""
        return 2 * self.length + 5

    @property
    def task_count(self) -> int:
        return self.rules

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The rule (1,): 1: the arm that the cue names pays; -1: the other."""
        return np.array([1.0 if task_id == 0 else -1.0])

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """The cues (1, episodes), 1 or -1, as likely as each other."""
        return np.where(generator.random((1, episodes)) < 0.5, -1.0, 1.0)

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> "TMazeSimulation":
        assert noise is not None  # the cues
        return TMazeSimulation(self, tasks[0], noise[0], workspace)


class TMazeSimulation(EndingEpisodes):
    """B agents; of the present ones ``along`` (b,), up to the junction at ``length``, and ``arm`` (b,), 1, -1, or 0."""

    def __init__(self, family: TMaze, rule: np.ndarray, cue: np.ndarray, workspace: Workspace):
        super().__init__(len(cue), family.horizon, workspace)
        self.family, self.rule, self.cue = family, rule, cue
        self.along, self.arm = np.zeros(len(cue)), np.zeros(len(cue))

    def reset(self, observation: np.ndarray) -> None:
        # After each step: 1: the arm that the cue names was chosen; -1: the other; 0: none yet.
        self.named = np.zeros((self.family.horizon, self.batch))
        self._observe(observation)

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        speed, side = np.clip(actions, -1.0, 1.0)
        there = self.along >= self.family.length
        self.arm = np.where(there & self.running, np.sign(side), self.arm)
        walked = np.minimum(self.along + (0.5 + 0.5 * speed), self.family.length)
        self.along = np.where(there, self.along, walked)
        self.record(self.named, np.where(np.isnan(self.along), np.nan, self.arm * self.cue))
        self.finish_step(self.arm != 0.0)
        self._observe(observation)

    def narrow(self, kept: np.ndarray) -> None:
        super().narrow(kept)
        self.cue, self.rule, self.along, self.arm = (a[kept] for a in (self.cue, self.rule, self.along, self.arm))

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        done = slice(0, len(observations) - 1)
        named = self.named[done]
        return np.where(np.isnan(named), np.nan, named * tasks[0] > 0.0), self.over[done]

    def frame(self, column: int) -> np.ndarray:
        """The maze from above (height, width, 3): the cue while it is seen, the agent, the arm that pays green."""
        length, cue = self.family.length, self.cue[column]
        picture = np.full((5 * PIXELS, (length + 4) * PIXELS, 3), WHITE, dtype=np.uint8)

        def square(along: float, aside: float, colour: tuple[int, int, int], size: float = 1.0) -> None:
            centre = (np.array([2.5 - aside, 1.5 + along]) * PIXELS).round().astype(int)
            half = int(size * PIXELS / 2)
            picture[centre[0] - half : centre[0] + half, centre[1] - half : centre[1] + half] = colour

        for along in range(length + 1):
            square(along, 0.0, FLOOR)
        for aside in (-1.0, 1.0):
            square(length, aside, GREEN if aside * cue * self.rule[column] > 0 else ORANGE)
        if self.steps < self.family.cue_steps:
            square(0.0, cue, BLUE, 0.5)
        square(self.along[column], self.arm[column], BLUE, 0.6)
        return picture

    def _observe(self, out: np.ndarray) -> None:
        out[0] = self.cue if self.steps < self.family.cue_steps else 0.0
        out[1] = self.along >= self.family.length

"""Meta-World's benchmarks for meta-learning, one goal a task: docs/meta_world.md.

Goals are numbered: first those to train on, then those that the benchmark holds out. Where it has several environments,
neighbours are of different ones, so that the first few numbers are a fair share of all.
"""

import functools

import gymnasium
import metaworld
import numpy as np

OBSERVATIONS, ACTIONS = 39, 4


@functools.cache
def goals(benchmark, name, seed):
    """The goals to train on and to test on, as ``set_task`` takes them, and the environments' classes by name.

    Making them takes Meta-World a second for each environment, so that a process does it once.
    """
    made = metaworld.ML1(name, seed=seed) if benchmark == "ML1" else getattr(metaworld, benchmark)(seed=seed)
    parts = [_taking_turns(part) for part in (made.train_tasks, made.test_tasks)]
    return *parts, {**made.train_classes, **made.test_classes}


def _taking_turns(tasks):
    by_name = {}
    for task in tasks:
        by_name.setdefault(task.env_name, []).append(task)
    return [task for turn in zip(*by_name.values(), strict=True) for task in turn]


class MetaWorld(gymnasium.Env):
    """Observed: hand, gripper and objects, now and a step ago, and zeros in place of the goal. Action: a move of the
    hand, and the gripper's. ``info["success"]`` is Meta-World's own word. An episode has at most 500 steps.

    ``reset(options={"goal": number})`` chooses the goal. Everything but the goal is the same in each episode.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 80}

    def __init__(self, benchmark="ML1", name="reach-v3", seed=0, render_mode=None):
        training, held_out, self.classes = goals(benchmark, name, seed)
        self.goals, self.render_mode = [*training, *held_out], render_mode
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATIONS,), np.float64)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (ACTIONS,), np.float32)
        self.made = {}  # by name; which of them are needed is seen when goals are chosen
        self.current = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        number = (options or {}).get("goal", 0)
        if not 0 <= number < len(self.goals):
            raise ValueError(f"goal {number}: this benchmark has goals 0 to {len(self.goals) - 1}")
        goal = self.goals[number]
        if goal.env_name not in self.made:
            self.made[goal.env_name] = self.classes[goal.env_name](render_mode=self.render_mode)
        self.current = self.made[goal.env_name]
        self.current.set_task(goal)
        return self.current.reset()

    def step(self, action):
        return self.current.step(action)

    def render(self):
        return self.current.render()

    def close(self):
        for each in self.made.values():
            each.close()
        self.made = {}

"""A ferry that has to keep to a dock in a current: an environment that esmaml_mpi knows nothing of."""

import gymnasium
import numpy as np


class Ferry(gymnasium.Env):
    """Observed: way to the dock in m (2) and speed through the water in m/s (2), not the current.

    Action: thrust east and north. Reward: minus the squared distance to the dock, minus a little for thrust.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, east=0.0, north=0.0, render_mode=None):
        self.east, self.north = east, north  # the current, m/s
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (4,), np.float64)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position = np.array([-2.0, 0.0]) + self.np_random.uniform(-0.1, 0.1, 2)
        self.speed = np.zeros(2)
        return self._observation(), {}

    def step(self, action):
        thrust = np.clip(action, -1.0, 1.0)
        self.speed += 0.1 * (2.0 * thrust - self.speed)
        self.position += 0.1 * (self.speed + np.array([self.east, self.north]))
        reward = -np.sum(self.position**2) - 0.01 * np.sum(thrust**2)
        return self._observation(), float(reward), bool(np.abs(self.position).max() > 10.0), False, {}

    def _observation(self):
        return np.concatenate([-self.position, self.speed])

    def render(self):
        """240 x 240 pixels, 6 m across: the dock is a square, the ferry a disc."""
        picture = np.full((240, 240, 3), (222, 235, 247), np.uint8)
        y, x = np.mgrid[3.0:-3.0:240j, -3.0:3.0:240j]
        picture[np.maximum(np.abs(x), np.abs(y)) < 0.25] = (120, 120, 120)
        away = np.hypot(x - self.position[0], y - self.position[1])
        picture[away < 0.15] = (213, 94, 0)
        return picture

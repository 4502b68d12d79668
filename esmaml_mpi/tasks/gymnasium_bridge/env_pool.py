"""EnvPool's environments, which are simulated in compiled code: ``environment = "envpool:HalfCheetah-v5"``.

EnvPool seeds each of its environments when they are made, and never again: what a second reset draws depends on all
that was drawn before. So that an episode depends on its own seed alone, whatever was simulated before or beside it,
every batch is a new pool with a seed for each episode. That takes some milliseconds for an environment of MuJoCo.
"""

import contextlib
import difflib
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from esmaml_mpi.errors import ConfigError, FamilyError, in_words
from esmaml_mpi.settings.fields import show

MODULE = "envpool"
ENDLESS = 10**9  # steps: the horizon is ours to count
LIMIT = "max_episode_steps"


class EnvPool(gymnasium.vector.VectorEnv):
    """``num_envs`` environments of EnvPool with this id; ``arguments`` are those of ``envpool.make``."""

    def __init__(self, task_id: str, num_envs: int, **arguments: Any):
        """ConfigError if EnvPool has none of this id, or if it does not take these arguments."""
        envpool, self.num_envs = _module(), num_envs
        self._make, self.metadata = envpool.make_gymnasium, {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self._arguments = {"task_id": task_id, "num_envs": num_envs, "num_threads": 1, **arguments, LIMIT: ENDLESS}
        with _silence():  # on bounds that are rounded to their type
            spec = envpool.make_spec(task_id, **arguments)
            self.single_observation_space = spec.gymnasium_observation_space
            self.single_action_space = spec.gymnasium_action_space
            self.observation_space = batch_space(self.single_observation_space, num_envs)
            self.action_space = batch_space(self.single_action_space, num_envs)
        self.spec = SimpleNamespace(max_episode_steps=spec.config.max_episode_steps)  # type: ignore[assignment]
        self._pool: Any = None

    def reset(self, *, seed: Any = None, options: dict | None = None) -> tuple[Any, dict]:
        """All of them made anew, with a seed for each (num_envs,)."""
        if options:
            raise FamilyError(
                "task.options.vary_as = 'reset': environments of EnvPool take no options when they are reset; "
                "'constructor' is wanted, for arguments of envpool.make."
            )
        self.close_extras()
        seeds = [int(each) for each in np.broadcast_to(seed, self.num_envs)]
        with _silence():
            self._pool = self._make(**self._arguments, seed=seeds)
            observations, infos = self._pool.reset()
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict]:
        """Act on all of them."""
        outcome: tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict] = self._pool.step(actions)
        return outcome

    def render(self) -> Any:
        """Pictures of all of them, where they were made to draw: ``arguments = { render_mode = "rgb_array" }``."""
        return self._pool.render(env_ids=np.arange(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_id(task_id: str, key: str) -> None:
    """Raise ConfigError, which begins with ``key``, unless EnvPool is there and has environments of this id."""
    known = _module(key).list_all_envs()
    if task_id not in known:
        near = difflib.get_close_matches(task_id, known, n=1)
        hint = f" Did you mean {MODULE}:{near[0]}?" if near else ""
        raise ConfigError(f"{key}: EnvPool has no environment {show(task_id)}.{hint}")


def _module(key: str = "task.options.environment") -> Any:
    try:
        with _silence():
            import envpool
    except Exception as error:  # of the libraries that it loads, too
        raise FamilyError(
            f'{key}: EnvPool cannot be imported: {in_words(error)}. pip install "esmaml-mpi[envpool]" installs it.'
        ) from error
    return envpool

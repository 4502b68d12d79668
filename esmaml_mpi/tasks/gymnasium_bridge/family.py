"""Any Gymnasium environment as a task family, from the configuration alone: docs/own_environment.md has an example.

Every episode is made by ``reset(seed=...)`` with a seed of its own, so that results do not depend on which instance of
the environment it runs in. That holds for environments that keep nothing across resets but what ``vary`` sets, and
nothing outside of their instances: up to 64 episodes run side by side in a process. Others give numbers that depend on
how episodes are shared out; ``instances`` and ``isolation`` are for them. Instances are kept and used again, as making
one takes long.

The policy has one output for each coordinate of a Box, one for each choice of a Discrete or MultiDiscrete space, the
largest of which is taken, and one for each bit of a MultiBinary space, set if it is positive; those of a Dict or Tuple
are its parts'. Choices that ``info["action_mask"]`` forbids are not taken. Observations of any space that Gymnasium can
flatten are flattened. A vector environment, EnvPool's (``envpool:ID``) among them, is stepped as a batch:
docs/batched_environments.md.

Environments in the style of the older gym are accepted: ``reset`` may give an observation alone, ``step`` four values,
and seeds may go to a method ``seed``. An episode ends on terminated, truncated or done; Gymnasium's own step limit is
only the default of ``task.horizon``. What ``info`` says under ``success`` or ``is_success`` at any step of an episode
is reported beside its return.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.gymnasium_bridge.blueprint import Blueprint, Keeping, blueprint
from esmaml_mpi.tasks.gymnasium_bridge.simulation import GymnasiumSimulation
from esmaml_mpi.tasks.gymnasium_bridge.variation import Variation, check_plain
from esmaml_mpi.tasks.gymnasium_bridge.vector_blueprint import VectorBlueprint
from esmaml_mpi.tasks.gymnasium_bridge.vector_simulation import VectorSimulation
from esmaml_mpi.tasks.workspace import Workspace

SEEDS = 2**31
# Environments are stepped one by one: batches save no more than calls of the policy, and cost instances.
MOST_TOGETHER = 64
MOST_PROCESSES = 8
PROCESS = "process"


@dataclass(frozen=True)
class GymnasiumEnvironment:
    """An environment by its id or entry point; tasks are what ``vary`` says."""

    horizon: int = 0  # until make_family sets it
    environment: str = setting(
        "Pendulum-v1",
        "a registered id, or MODULE:ID where importing the module registers it, or an entry point MODULE:NAME, a class "
        "or function; modules are looked for in the current directory too. A vector environment, or a function that "
        "makes one, is stepped as a batch",
    )
    arguments: dict = setting({}, "constructor arguments, the same for all tasks")
    vary: dict = setting(
        {},
        "what differs between tasks, NAME = values; a list: task i has the i-th; {low, high}: uniform, drawn per task, "
        "integers if integer = true is in it too; low and high may be lists of numbers, for a vector; "
        '"number": the number of the task',
    )
    vary_as: str = setting(
        "constructor",
        "what the names in vary are: constructor arguments; attributes of the unwrapped environment, set before each "
        "reset, with dots for those of its parts and brackets for elements, as body.mass[1]; or options given to "
        "reset. Attributes and options need far fewer instances",
        choices=("constructor", "attribute", "reset"),
    )
    scale_actions: bool = setting(
        True,
        "scale outputs from [-1, 1] to the bounds of each action; false: outputs are actions, clipped to the bounds",
    )
    fixed_seed: int = setting(
        -1, "seed of every episode; -1: each draws its own from the run's", minimum=-1, maximum=SEEDS - 1
    )
    instances: int = setting(
        0,
        "instances that exist at once in a rank (in each of its threads), whose episodes run side by side; 1: a whole "
        f"episode ends before the next begins; 0: up to {MOST_TOGETHER}, or {MOST_PROCESSES} where each is a process. "
        "Changes no number unless instances share something",
        minimum=0,
        maximum=MOST_TOGETHER,
    )
    isolation: str = setting(
        "none",
        "process: each instance in a process of its own, for environments that share something in a process, or crash",
        choices=("none", PROCESS),
    )
    clip_observations: float = setting(
        0.0,
        "observations beyond +- this are clipped to it, infinite ones too; those that are no numbers still fail the "
        "evaluation; 0: none are clipped",
        minimum=0,
    )

    name = "gymnasium"
    tasks_share_dynamics = False
    reports_success = True  # what ``info`` says, nan where it says nothing
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self) -> None:
        check_plain(self.arguments, "task.options.arguments")
        check_plain(self.vary, "task.options.vary")
        both = sorted(set(self.arguments) & set(self.vary)) if self.vary_as == "constructor" else []
        if both:
            raise ConfigError(
                f"task.options.vary.{both[0]} = {show(self.vary[both[0]])}: task.options.arguments has it too; one of "
                "them is wanted."
            )
        elements = [name for name in self.vary if "[" in name] if self.vary_as == "constructor" else []
        if elements:
            raise ConfigError(
                f"task.options.vary.{elements[0]}: elements of attributes can be named, of constructor arguments not; "
                "task.options.vary_as = 'attribute' is wanted."
            )
        self.variation  # noqa: B018 (raises ConfigError for values it does not take)

    @cached_property
    def variation(self) -> Variation:
        """The tasks' values."""
        return Variation.parse(self.vary)

    @cached_property
    def blueprint(self) -> Blueprint | VectorBlueprint:
        """What its episodes are made from; UserError if they cannot be."""
        keeping = Keeping(self.instances, self.isolation == PROCESS, self.clip_observations)
        found = blueprint(self.environment, self.arguments, self.vary, self.vary_as, self.scale_actions, keeping)
        if isinstance(found, VectorBlueprint) and self.fixed_seed < 0:
            found.check_seeds()
        return found

    @property
    def batch_limit(self) -> int:
        if isinstance(self.blueprint, VectorBlueprint):
            return self.blueprint.batch_limit
        return self.instances or (MOST_PROCESSES if self.isolation == PROCESS else MOST_TOGETHER)

    @property
    def most_at_once(self) -> int:
        """See ``TaskFamily``."""
        return 0 if isinstance(self.blueprint, VectorBlueprint) else self.instances

    @property
    def threads_share(self) -> bool:
        """Whether what must not be at once would be, in threads of one process."""
        return self.instances == 1 and self.isolation != PROCESS

    @property
    def code(self) -> list[type]:
        """Classes whose modules may hold what episodes share."""
        return self.blueprint.sample.classes

    @property
    def observation_size(self) -> int:
        return self.blueprint.sample.observations.size

    @property
    def action_size(self) -> int:
        return self.blueprint.sample.actions.size

    @property
    def action_low(self) -> np.ndarray:
        return self.blueprint.sample.actions.limits[0]

    @property
    def action_high(self) -> np.ndarray:
        return self.blueprint.sample.actions.limits[1]

    @property
    def actions_scaled(self) -> bool:
        return self.scale_actions and len(self.action_low) > 0

    @property
    def task_count(self) -> int | None:
        return self.variation.count

    @property
    def default_horizon(self) -> int:
        """The environment's own step limit; where it has none, the horizon it was given."""
        limit = self.blueprint.step_limit or self.horizon
        if not limit:
            raise ConfigError(
                f"task.horizon is wanted: task.options.environment = {show(self.environment)} has no step limit of its "
                "own."
            )
        return limit

    @property
    def noise_size(self) -> int:
        return 1 if self.fixed_seed < 0 else 0

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Seeds (1, episodes)."""
        return generator.integers(SEEDS, size=(1, episodes)).astype(np.float64)

    @property
    def rehearsal_advice(self) -> str:
        """What to do where all episodes have raised."""
        return (
            f"{self.environment} does this when it is reset or stepped with actions near the middle of their range. "
            "Correct that first; gymnasium.utils.env_checker.check_env(env) finds more."
        )

    @property
    def apart_advice(self) -> str:
        """What to do where an episode comes out otherwise beside others."""
        if self.isolation == PROCESS:
            return "Set task.options.instances = 1: one episode after the other."
        return (
            f"Up to {self.batch_limit} run side by side in a process. Set task.options.instances = 1, one episode "
            'after the other, or task.options.isolation = "process", a process for each instance.'
        )

    @property
    def model_warnings(self) -> list[str]:
        """What MuJoCo says of the environment's model, if it has one, and that episodes will be shorter than asked."""
        models = sys.modules.get("esmaml_mpi.tasks.locomotion.models")
        said = list(models.warnings.get(self.environment, ())) if models else []
        if self._own_limit:
            said.append(
                f"it ends its episodes after {self._own_limit} steps by a limit of its own, and task.horizon = "
                f"{self.horizon}: episodes will have {self._own_limit} steps. Set task.horizon = {self._own_limit}, or "
                "make the environment without that limit."
            )
        return [f"{self.environment}: {message}" for message in said]

    @property
    def remarks(self) -> list[tuple[str, str]]:
        """What has turned out meanwhile, see ``TaskFamily``."""
        cut = self.blueprint.cut_after  # of all families with these options
        if not 0 < cut < self.horizon or self._own_limit:
            return []
        return [
            (
                "episodes cut short",
                f"{self.environment} has truncated an episode itself, after {cut} steps, and task.horizon = "
                f"{self.horizon}. If that is a step limit of its own, set task.horizon to it, or make the environment "
                "without it.",
            )
        ]

    @property
    def _own_limit(self) -> int:
        """Where it is below the horizon, else 0."""
        limit = self.blueprint.own_limit or self.horizon
        return limit if limit < self.horizon else 0

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The task's number, then what was drawn for each range of ``vary``, by name."""
        return self.blueprint.variation.draw(task_id, generator)

    @property
    def observation_space(self) -> dict | None:
        """What observations are before they are flattened, as ``tasks/spaces.py`` has it; None if that has no word."""
        return self.blueprint.sample.observations.description

    @property
    def action_space(self) -> Mapping:
        """What actions are that outputs become, likewise."""
        return self.blueprint.sample.actions.description

    def simulation(
        self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace
    ) -> GymnasiumSimulation | VectorSimulation:
        seeds = np.full(tasks.shape[1], self.fixed_seed) if noise is None else noise[0]
        if isinstance(self.blueprint, VectorBlueprint):
            return VectorSimulation(self.blueprint, self.horizon, tasks, seeds, workspace)
        return GymnasiumSimulation(self.blueprint, self.horizon, tasks, seeds, workspace)

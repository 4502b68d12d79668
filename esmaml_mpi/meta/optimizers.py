"""How a meta-gradient moves theta: plain ascent (the paper's), with momentum if wanted, or Adam."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.reproducibility.magnitudes import length
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.fields import parse, show
from esmaml_mpi.settings.registry import Objects
from esmaml_mpi.settings.sections import MetaSettings

STEP_DOC = "the meta step beta, from meta.step_size"
CLIP_DOC = "a gradient that is longer is made this long, in units of train/gradient_norm; 0: none is"


class Optimizer(Protocol):
    """Steps theta (d,) along meta-gradients; what it remembers of them goes into checkpoints."""

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The next theta."""

    def to_arrays(self) -> dict[str, np.ndarray | np.generic]:
        """State for a checkpoint."""

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Inverse of ``to_arrays``."""


@dataclass
class SGD:
    """theta + beta * v with v = momentum * v + gradient, 0 at first (Polyak 1964, the heavy ball)."""

    step_size: float = setting(0.01, STEP_DOC)
    momentum: float = setting(0.0, "share of the last step's direction that is kept", minimum=0, below=1)
    clip: float = setting(0.0, CLIP_DOC, minimum=0)

    def __post_init__(self) -> None:
        self.velocity: np.ndarray | float = 0.0

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The next theta (d,)."""
        gradient = clipped(gradient, self.clip)
        if not self.momentum:
            return theta + self.step_size * gradient
        self.velocity = self.momentum * self.velocity + gradient
        return theta + self.step_size * self.velocity

    def to_arrays(self) -> dict[str, np.ndarray | np.generic]:
        """State for a checkpoint: with momentum ``velocity`` (d,), a scalar before the first step; else nothing."""
        return {"velocity": np.asarray(self.velocity)} if self.momentum else {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take a checkpoint's state back."""
        if self.momentum:
            self.velocity = np.array(arrays["velocity"])


@dataclass
class Adam:
    """Adam (Kingma and Ba 2015, Algorithm 1), ascending."""

    step_size: float = setting(0.01, STEP_DOC)
    first_decay: float = setting(0.9, "decay of the mean of gradients", minimum=0, below=1)
    second_decay: float = setting(0.999, "decay of the mean of their squares", minimum=0, below=1)
    epsilon: float = setting(1e-8, "added to the root of that mean", above=0)
    clip: float = setting(0.0, CLIP_DOC, minimum=0)

    def __post_init__(self) -> None:
        self.count = 0
        self.first: np.ndarray | float = 0.0
        self.second: np.ndarray | float = 0.0

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The next theta (d,)."""
        gradient = clipped(gradient, self.clip)
        self.count += 1
        self.first = self.first_decay * self.first + (1 - self.first_decay) * gradient
        self.second = self.second_decay * self.second + (1 - self.second_decay) * gradient * gradient
        mean = self.first / (1 - _power(self.first_decay, self.count))
        square = self.second / (1 - _power(self.second_decay, self.count))
        return theta + self.step_size * mean / (np.sqrt(square) + self.epsilon)

    def to_arrays(self) -> dict[str, np.ndarray | np.generic]:
        """State for a checkpoint: ``count`` () and both moments (d,), scalars before the first step."""
        return {"count": np.int64(self.count), "first": np.asarray(self.first), "second": np.asarray(self.second)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take a checkpoint's state back."""
        self.count = int(arrays["count"])
        self.first, self.second = np.array(arrays["first"]), np.array(arrays["second"])


def clipped(gradient: np.ndarray, most: float) -> np.ndarray:
    """A gradient (d,), shortened to the length ``most`` if it is longer and ``most`` is not 0."""
    size = length(gradient) if most else 0.0
    return gradient * (most / size) if size > most else gradient


def _power(base: float, count: int) -> float:
    """base^count by squaring; the C library's has other last bits on other processors."""
    found = 1.0
    while count:
        if count & 1:
            found *= base
        base *= base
        count >>= 1
    return found


# Name -> what makes one from a step size, and from the options that it has.
OPTIMIZERS = Objects(
    "meta.optimizer", "optimizers", {"sgd": SGD, "adam": Adam}, methods=("step", "to_arrays", "restore")
)


def make_optimizer(meta: MetaSettings) -> Optimizer:
    """The optimizer that a section [meta] asks for, with its options; ConfigError if it does not take them."""
    key, name, options = "meta.optimizer_options", meta.optimizer, meta.optimizer_options
    made: Any = OPTIMIZERS[name]
    if "step_size" in options:
        raise ConfigError(f"{key}.step_size = {show(options['step_size'])}: meta.step_size is wanted instead.")
    found: Optimizer
    if OPTIMIZERS.is_ours(name):
        found = parse(made, {"step_size": meta.step_size, **options}, key)
        return found
    try:
        found = made(meta.step_size, **options)
    except TypeError as error:
        if not options:
            raise
        raise ConfigError(f"{key} = {show(options)}: {OPTIMIZERS.told(name, OPTIMIZERS.key)}: {error}.") from error
    return found

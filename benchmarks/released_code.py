"""The code that was released with ES-MAML, run as it is: folder ``es_maml`` of google-research/google-research.

Whoever has it names the folder that holds ``es_maml``. It is imported from there; nothing of it is in this project.
"""

import importlib
import importlib.util
import itertools
import sys
import types
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy

# What its files import at their top and what adapting to these tasks never calls: regression, logs, messages.
UNUSED = (
    "tensorflow.compat.v1",
    "tensorflow_probability",
    "absl.flags",
    "absl.logging",
    "cvxpy",
    "sklearn.linear_model",
)
GENERATED = ("first_order", "zero_order")  # have modules that protoc would make; workers alone use them


def load(folder: str) -> None:
    """Make ``import es_maml`` work."""
    if not (Path(folder) / "es_maml" / "config.py").is_file():
        raise SystemExit(f"{folder}: it has no es_maml/config.py")
    sys.path.insert(0, folder)
    for name in [each for each in UNUSED if importlib.util.find_spec(each.partition(".")[0]) is None]:
        _stand_in(name)
    for part, kind in itertools.product(GENERATED, ("pb2", "pb2_grpc")):
        _stand_in(f"es_maml.{part}.{part}_{kind}", parents=False)
    if importlib.util.find_spec("six") is None:
        _stand_in("six").with_metaclass = lambda meta, base: meta("Base", (base,), {})
    if not hasattr(scipy, "exp"):  # its kernel calls what was NumPy's exp, under a name that SciPy has dropped
        scipy.exp = np.exp


def _stand_in(name: str, parents: bool = True) -> Any:
    """A module whose every name is ``object``, beside modules for its parents."""
    parts = name.split(".")
    for count in range(1 if parents else len(parts), len(parts) + 1):
        path = ".".join(parts[:count])
        if path not in sys.modules:
            sys.modules[path] = module = types.ModuleType(path)
            setattr(module, "__getattr__", lambda wanted: object)  # noqa: B010 mypy takes it for a method
            if parents and count > 1:
                setattr(sys.modules[".".join(parts[: count - 1])], parts[count - 1], module)
    return sys.modules[name]


def layout(layers: list[tuple[int, int]]) -> np.ndarray:
    """Where the released code's parameters are in ours (d,): its weights are (outputs, inputs), ours the other way."""
    order, start = [], 0
    for inputs, outputs in layers:
        weights = start + np.arange(inputs * outputs).reshape(inputs, outputs)
        start += (inputs + 1) * outputs
        order += [*weights.T.ravel(), *range(start - outputs, start)]
    return np.array(order)


class Released:
    """Its worker for one task family and operator. ``settings`` replace those of its ``config.py``."""

    def __init__(self, task: str, hidden: list[int], mean: np.ndarray, std: np.ndarray, settings: Mapping[str, Any]):
        module = importlib.import_module("es_maml.config")
        config = module.get_config()
        vars(config).update(task_name=task, hidden_layers=hidden, horizon=100, **settings)
        self.config = module.generate_config(config)
        self.worker = self.config.blackbox_object_fn()
        self.observer = [0, *mean.tolist(), *std.tolist()]  # a worker's number, then its normalisation of states

    def task(self, number: int) -> Any:
        """A task; making it seeds NumPy's global generator with its number."""
        return self.config.make_task_fn(number)

    def reward(self, theta: np.ndarray, task: Any) -> float:
        """The total reward of one episode."""
        return float(self.worker.task_value(theta, task, hyperparameters=self.observer))

    def adapted(self, theta: np.ndarray, task: Any, seed: int) -> float:
        """The total reward after adaptation, whose draws begin with this seed: a task's own would be the same ones."""
        np.random.seed(seed)  # noqa: NPY002 its generator is the global one
        return float(self.worker.adaptation_task_value(theta, task, hyperparameters=self.observer))

    @property
    def seen(self) -> np.ndarray:
        """What the last adaptation adds to the statistics of states: number, sums, sums of squares (1 + 2n,)."""
        return np.array(self.worker.hyperparameters)

    def step(self, perturbations: np.ndarray, values: np.ndarray, theta: np.ndarray, pivot: float) -> np.ndarray:
        """theta after one meta-update from perturbations sigma g (m, d), their values (m,) and that of theta."""
        optimizer = self.config.es_blackbox_optimizer_fn(self.worker.get_metaparams())
        return np.array(optimizer.run_step(perturbations, values, theta, pivot))

    def determinantal(self, dimension: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Candidates of a k-DPP (rho count, dimension), in units of sigma, and which are taken (count,)."""
        np.random.seed(seed)  # noqa: NPY002
        sigma = self.config.adaptation_precision_parameter
        candidates = np.random.normal(size=(self.config.dpp_rho * count, dimension)) * sigma  # noqa: NPY002
        dpp = importlib.import_module("es_maml.util.dpp.dpp").DPP(candidates)
        dpp.compute_kernel(kernel_type="rbf")
        return candidates / sigma, dpp.sample_k(count)


def draws(order: np.ndarray, seed: int) -> Generator[np.ndarray, int, None]:
    """Send how many: the released code's next standard normals after this seed as our directions (d, 1, 1, count)."""
    generator, found = np.random.RandomState(seed), np.empty(0)
    while True:
        count = yield found
        found = np.empty((len(order), 1, 1, count))
        found[order, 0, 0] = generator.normal(size=(count, len(order))).T

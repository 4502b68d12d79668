"""One policy as a file that other programs can run: an .npz archive of plain arrays, readable without this package.

With s an observation, the action is y after ``x = (s - observation_mean) / observation_std``, then for each layer i
``x = f(x @ weights_i + biases_i)`` with f = ``activation`` (relu or tanh), and y = g(x @ weights + biases) for the last
layer with g = ``output`` (tanh or identity). ``trial`` says which trial the policy is for, counted from 1; 0: none.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np

from esmaml_mpi.errors import ResultsError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.results.atomic import replace_file
from esmaml_mpi.results.replacing import check_replaceable


def write_policy(path: Path, policy: AnyPolicy, parameters: np.ndarray, observer: Observer, trial: int = 0) -> None:
    """Write a policy with ``parameters`` (d,). A reader sees the old file or the new one, never a part.

    Raises ResultsError if it cannot be written, UsageError if something else than a policy is there.
    """
    assert isinstance(policy, Policy)  # sessions adapt none that act at random
    arrays: dict[str, Any] = {
        "observation_mean": observer.mean,
        "observation_std": observer.std,
        "activation": np.array(policy.activation),
        "output": np.array(policy.output),
        "layers": np.array(len(policy.layers)),
        "trial": np.array(trial),
    }
    start = 0
    for i, (inputs, outputs) in enumerate(policy.layers):
        layer = parameters[start : start + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
        arrays[f"weights_{i}"], arrays[f"biases_{i}"] = layer[:-1], layer[-1]
        start += layer.size
    check_replaceable(path, "policy ", b"observation_mean.npy")
    archive = io.BytesIO()
    np.savez(archive, **arrays)  # no array of objects among them, so that nothing is pickled
    try:
        replace_file(path, archive.getvalue())
    except OSError as error:
        raise ResultsError(f"cannot write policy {path}: {error.strerror or error}.") from error

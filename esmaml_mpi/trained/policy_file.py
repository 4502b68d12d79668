"""One policy as a file that other programs can run: an .npz archive of plain arrays, readable without this package.

With s an observation (n,), its output is y after ``x = (s - observation_mean) / observation_std``, then for each layer
i ``x = f(x @ weights_i + biases_i)`` with f = ``activation`` (relu or tanh), and y = g(x @ weights + biases) for the
last layer with g = ``output`` (tanh or identity). The action (m,) is y; where ``action_scaled`` it is ``action_low +
(clip(y, -1, 1) + 1) * (0.5 * (action_high - action_low))``; then it is clipped to ``action_low`` and ``action_high``,
which are infinite where there is no bound.

``observation_space`` and ``action_space`` are JSON, where the family says them: what s is before it is a vector, and
what the environment takes in place of the action above, the choice with the largest y for example;
``tasks/spaces.py`` and ``tasks/actions.py`` have their meaning.

An ``architecture`` other than mlp remembers: h (``state_size``,), zeros at the start of an episode, which each
observation changes before the layers are given it in place of x. With u = [x, h] and ``cell_weights_i``,
``cell_biases_i``,

    elman: h = tanh(u @ cell_weights_0 + cell_biases_0)
    gru:   z, r = sigmoid(u @ cell_weights_0 + cell_biases_0), in two halves
           c = tanh([x, r h] @ cell_weights_1 + cell_biases_1), and h = c + z (h - c)

``observation_names`` and ``action_names`` say what these numbers are, in their order, where the family does; ``rate``
is in actions a second, 0: there is no clock. ``trial`` says which trial the policy is for, counted from 1; 0: none.
``origin`` is JSON: what its card has of it.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from esmaml_mpi.errors import ResultsError, in_words
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.mlp import ACTIVATIONS, OUTPUTS, Policy
from esmaml_mpi.results.atomic import replace_file
from esmaml_mpi.results.regular_file import NotRegular, RegularFile
from esmaml_mpi.results.replacing import check_replaceable
from esmaml_mpi.tasks.interface import SPACES, Interface
from esmaml_mpi.trained.portable_policy import NETWORKS, PortablePolicy


def write_policy(
    path: Path,
    policy: AnyPolicy,
    parameters: np.ndarray,
    observer: Observer,
    trial: int = 0,
    interface: Interface | None = None,
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Write a policy with ``parameters`` (d,). A reader sees the old file or the new one, never a part.

    Raises ResultsError if it cannot be written, UsageError if something else than a policy is there.
    """
    check_replaceable(path, "policy ", b"observation_mean.npy")
    portable = PortablePolicy.of(policy, parameters, observer, interface, origin, trial)
    try:
        replace_file(path, archive(portable))
    except OSError as error:
        raise ResultsError(f"cannot write policy {path}: {error.strerror or error}.") from error


def archive(portable: PortablePolicy) -> bytes:
    """The whole file."""
    network, interface = portable.network, portable.interface
    low, high = portable.action_bounds
    arrays: dict[str, Any] = {
        "observation_mean": portable.observer.mean,
        "observation_std": portable.observer.std,
        "observation_names": np.array(interface.observation_names, dtype=np.str_),
        "architecture": np.array(network.architecture),
        "activation": np.array(network.activation),
        "output": np.array(network.output),
        "layers": np.array(len(portable.layers)),
        "action_low": low,
        "action_high": high,
        "action_scaled": portable.scaled_actions,
        "action_names": np.array(interface.action_names, dtype=np.str_),
        "rate": np.array(float(interface.rate)),
        "observation_space": np.array(interface.observation_space),
        "action_space": np.array(interface.action_space),
        "state_size": np.array(network.state_size),
        "trial": np.array(portable.trial),
        "origin": np.array(json.dumps(dict(portable.origin), allow_nan=False)),
    }
    for prefix, layers in (("cell_", portable.cell), ("", portable.layers)):
        for i, (weights, biases) in enumerate(layers):
            arrays[f"{prefix}weights_{i}"], arrays[f"{prefix}biases_{i}"] = weights, biases
    file = io.BytesIO()
    np.savez(file, **arrays)  # no array of objects among them, so that nothing is pickled
    return file.getvalue()


def is_archive(path: Path) -> bool:
    """Whether a file may be one of these."""
    return path.is_file() and zipfile.is_zipfile(path)


def _check_members(file: RegularFile) -> None:
    """Raise ValueError unless all arrays stand in the archive as they are: a few bytes cannot become many."""
    members = zipfile.ZipFile(file).infolist()
    if any(each.compress_type != zipfile.ZIP_STORED for each in members):
        raise ValueError("it is compressed")
    if sum(each.file_size for each in members) > file.size:
        raise ValueError("its arrays are larger than the file")


def read_policy(path: Path) -> PortablePolicy:
    """The policy of a file; ResultsError if it is damaged or something else. Files of version 0.1.0 say less."""
    try:
        with RegularFile(path) as file:
            _check_members(file)
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return _portable(arrays)
    except NotRegular:
        raise ResultsError(f"policy {path} is not a file.") from None
    except OSError as error:
        raise ResultsError(f"cannot read policy {path}: {error.strerror or in_words(error)}.") from error
    except Exception as error:  # of zipfile, NumPy and what is below, on content that they did not expect
        raise ResultsError(
            f"cannot read {path}: it is not as a policy that esmaml_mpi has written should be: {in_words(error)}."
        ) from error


def _portable(arrays: Any) -> PortablePolicy:
    layers = [(arrays[f"weights_{i}"], arrays[f"biases_{i}"]) for i in range(int(arrays["layers"]))]
    widths = [layers[0][0].shape[0], *(biases.size for _, biases in layers)]
    activation, output = str(arrays["activation"]), str(arrays["output"])
    # Files of earlier versions name no architecture.
    architecture = str(arrays["architecture"]) if "architecture" in arrays else "mlp"
    if activation not in ACTIVATIONS or output not in OUTPUTS or architecture not in NETWORKS:
        raise ValueError(f"architecture {architecture}, activation {activation}, output {output}")
    if architecture == "mlp" and "state_size" in arrays and int(arrays["state_size"]):
        raise ValueError("it has a state, and no architecture that remembers")
    if architecture != "mlp":  # the plain layers begin with the state
        widths = [arrays["observation_mean"].size, *widths]
    network = NETWORKS[architecture](widths[0], widths[-1], tuple(widths[1:-1]), activation, output)
    count = 0 if isinstance(network, Policy) else len(network.cell)
    layers = [(arrays[f"cell_weights_{i}"], arrays[f"cell_biases_{i}"]) for i in range(count)] + layers
    parameters = np.concatenate([np.ravel(each) for layer in layers for each in layer])
    if parameters.size != network.size:
        raise ValueError(f"it has {parameters.size} parameters, and a {architecture} of widths {widths} {network.size}")
    expected = PortablePolicy(network, parameters, Observer(np.zeros(0), np.ones(0)), Interface(widths[0], widths[-1]))
    for layer, wanted in zip(layers, [*expected.cell, *expected.layers], strict=True):
        if [each.shape for each in layer] != [each.shape for each in wanted]:
            inputs, outputs = wanted[0].shape
            raise ValueError(f"a layer of {inputs} inputs and {outputs} outputs has weights of shape {layer[0].shape}")
    observer = Observer(arrays["observation_mean"], arrays["observation_std"])
    if not (observer.mean.shape == observer.std.shape == (widths[0],) and (observer.std > 0).all()):
        raise ValueError("mean and std do not fit the first layer")
    if not all(np.isfinite(each).all() for each in (parameters, observer.mean, observer.std)):
        raise ValueError("its policy has no finite numbers")
    return PortablePolicy(network, parameters, observer, *_told(arrays, widths), trial=int(arrays["trial"]))


def _told(arrays: Any, widths: list[int]) -> tuple[Interface, dict[str, Any]]:
    """Interface and origin; sizes alone in a file of version 0.1.0."""
    if "action_low" not in arrays:
        return Interface(widths[0], widths[-1]), {}
    interface = Interface(
        widths[0],
        widths[-1],
        tuple(arrays["observation_names"].tolist()),
        tuple(arrays["action_names"].tolist()),
        tuple(arrays["action_low"].tolist()),
        tuple(arrays["action_high"].tolist()),
        bool(arrays["action_scaled"].any()),
        float(arrays["rate"]),
        *(str(arrays[name]) if name in arrays else "" for name in SPACES),
    )
    return interface, json.loads(str(arrays["origin"]))

"""A new run that begins with the parameters of another: a smaller step, a longer horizon, other tasks."""

import hashlib
import os
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import numpy as np

from esmaml_mpi.adaptation.meta_parameters import layout, meta_size
from esmaml_mpi.config.config import Config, changed_keys
from esmaml_mpi.config.makers import make_operator
from esmaml_mpi.errors import ConfigError, UsageError, printable
from esmaml_mpi.observations.statistics import ObservationStatistics
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.results.reader import Results, read
from esmaml_mpi.settings.fields import show
from esmaml_mpi.training.state import Beginning

# A file, which may have ":best", ":last" or ":ITERATION" behind it; or results in memory; or those with one of these.
Source: TypeAlias = str | PathLike[str] | Results | tuple[Results, str | int]
NAMED = ("best", "last")


def beginning(source: Source, config: Config, policy: AnyPolicy) -> Beginning:
    """What the run of a resolved ``config``, whose policies are like ``policy``, begins with.

    Without an iteration these are the parameters that the other run has got to; files also hold those of every test.
    ResultsError if they do not hold what is wanted, ConfigError if it is not of this run's size.
    """
    results, at = _found(source)
    name = "a run in memory" if results.path is None else str(results.path)
    _check_size(results, config, policy, name)
    checkpoint = results.checkpoint
    done = iteration = int(checkpoint["iteration"])
    if at is not None and at != done:
        iteration, theta, mean, std = results.parameters(at)
    if iteration == done:
        theta, statistics = np.array(checkpoint["theta"]), ObservationStatistics.from_arrays(checkpoint["statistics"])
        units = checkpoint.get("unit_statistics", {}).get("sums")
    else:
        rows = results.history["normalization"]
        count = int(rows["count"][rows["iteration"].tolist().index(iteration)])
        # Of a run that normalised nothing the file has no statistics but the last ones.
        count = count if results.config.normalizes else 0
        statistics, units = ObservationStatistics.from_moments(count, mean, std), None
    facts = {
        "from_file": name if results.path is None else printable(os.path.abspath(results.path)),
        "from_iteration": str(iteration),
        "from_launch": str(results.launches[-1]["launch_id"]) if results.launches else "",
        "from_theta": hashlib.sha256(np.ascontiguousarray(theta, dtype="<f8").tobytes()).hexdigest()[:16],
    }
    return Beginning(theta, statistics, units, facts)


def check_same(source: Source, first: dict, path: Path) -> None:
    """Raise UsageError unless the run at ``path``, whose ``first`` launch this is, has begun with this source."""
    file, at = _split(source) if isinstance(source, str | PathLike) else (None, None)
    if "from_file" not in first:
        raise UsageError(f"cannot go on with {path} from {source}: it has begun from nothing. Choose another --output.")
    if file is not None and first["from_file"] != printable(os.path.abspath(file)):
        raise UsageError(
            f"cannot go on with {path} from {file}: it has begun from {first['from_file']}. Choose another --output."
        )
    if isinstance(at, int) and str(at) != first["from_iteration"]:
        raise UsageError(
            f"cannot go on with {path} from iteration {at} of {file}: it has begun from iteration "
            f"{first['from_iteration']}. Choose another --output."
        )


def _found(source: Source) -> tuple[Results, str | int | None]:
    if isinstance(source, Results):
        return source, None
    if isinstance(source, tuple) and len(source) == 2 and isinstance(source[0], Results):
        return source[0], _instant(source[1])
    if isinstance(source, str | PathLike):
        path, at = _split(source)
        return read(path), at
    raise UsageError(f"start from {show(source)}: a results file, or Results, is wanted.")


def _split(source: str | PathLike[str]) -> tuple[str, str | int | None]:
    """The file and the instant that a text such as results/run.h5:300 names."""
    text = os.fspath(source)
    path, colon, word = text.rpartition(":")
    if not colon or os.path.exists(text):
        return text, None
    return path, _instant(word)


def _instant(word: object) -> str | int:
    if isinstance(word, str) and word in NAMED:
        return word
    try:
        return int(word)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        raise UsageError(f"start from :{word}: {', '.join(NAMED)} or an iteration is wanted.") from None


def _check_size(results: Results, config: Config, policy: AnyPolicy, name: str) -> None:
    d, n = results.checkpoint["theta"].size, len(results.checkpoint["statistics"]["sums"]) // 2
    changed = {
        key: values
        for key, values in changed_keys(results.config, config).items()
        if key.startswith(("policy.", "task.name", "task.options.")) and key != "policy.output_gain"
    }
    told = "; ".join(f"{key}: {show(old)} there, {show(new)} here" for key, (old, new) in changed.items())
    operator = make_operator(config)
    size = meta_size(operator, policy)
    if (d, n) != (size, policy.observation_size):
        raise ConfigError(
            f"cannot start from {name}: its policies have {d} parameters for {n} observations, and those of this run "
            f"{size} for {policy.observation_size}. {f'Settings differ: {told}.' if told else ''}".rstrip()
        )
    if size != policy.size and layout(make_operator(results.config.opened("adaptation")), policy) != layout(
        operator, policy
    ):
        raise ConfigError(
            f"cannot start from {name}: some of its meta-parameters are its operator's own, and adaptation.operator = "
            f"{operator.operator!r} has others."
        )
    if any(key.startswith("policy.") for key in changed):
        print(f"esmaml: the parameters of {name} were trained for another policy: {told}", flush=True)

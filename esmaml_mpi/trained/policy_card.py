"""The card of an exported policy: where it is from, how good it is, and what it expects, as JSON."""

import json
import math
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from esmaml_mpi.results.reader import Results
from esmaml_mpi.results.session_file import ROBOT, SessionRecord
from esmaml_mpi.settings.fields import json_values
from esmaml_mpi.trained.portable_policy import PortablePolicy

CARD_VERSION = 1
# What a card tells of the launch that made a run's last iterations: nothing of the machine's name and folders.
TOLD = ("started", "git_commit", "cpu", "python", "version_esmaml_mpi", "version_numpy", "version_mujoco")


def card(portable: PortablePolicy, format: str, files: Sequence[str], prefix: str = "") -> str:
    """The card of ``files``, as JSON. ``prefix``: what the names of functions begin with, where there are some."""
    network, interface, observer = portable.network, portable.interface, portable.observer
    low, high = portable.action_bounds
    facts = dict(
        card_version=CARD_VERSION,
        written_by=_program(),
        format=format,
        files=list(files),
        **({"prefix": prefix} if prefix else {}),
        policy=dict(
            architecture=network.architecture,
            widths=[network.observation_size, *network.hidden, network.action_size],
            activation=network.activation,
            output=network.output,
            parameters=network.size,
            sha256=portable.checksum,
            state_size=network.state_size,
            trial=portable.trial,
        ),
        observation=dict(
            size=network.observation_size,
            names=list(interface.observation_names),
            mean=observer.mean.tolist(),
            std=observer.std.tolist(),
            space=_space(interface.observation_space),
        ),
        action=dict(
            size=network.action_size,
            names=list(interface.action_names),
            low=_finite(low),
            high=_finite(high),
            scaled=portable.scaled_actions.tolist(),
            space=_space(interface.action_space),
        ),
        rate=interface.rate or None,
        origin=dict(portable.origin),
    )
    return json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def origin_of(results: Results, at: int) -> dict[str, Any]:
    """What a card says of the meta-policy after ``at`` updates of a run."""
    history, launch = results.history, results.launches[-1]
    scores = None
    tests = history["test"]["iteration"].tolist()
    if at in tests:
        row = tests.index(at)
        before, after = (_means(history["test"][name][row]) for name in ("before", "after"))
        scores = dict(
            tasks=list(results.test_task_ids), repeats=results.config.test.repeats, before=before, after=after
        )
    return dict(
        kind="meta-policy",
        source=results.path.name if results.path else None,
        iteration=at,
        made_by={name: launch[name] for name in TOLD if launch.get(name) not in (None, "")},
        scores=scores,
        config=json_values(results.config.to_dict()),
    )


def adapted_origin(record: SessionRecord) -> dict[str, Any]:
    """What a card says of the policy that a session has adapted; trials that failed have None for a reward."""
    return dict(
        kind="adapted policy",
        source=Path(record.source).name,
        iteration=record.iteration,
        adaptation=dict(
            task=None if record.task == ROBOT else record.task,
            seed=record.seed,
            rewards=_finite(np.array(record.rewards, dtype=float)),
        ),
        config=json_values(record.config.to_dict()),
    )


def _program() -> str:
    try:
        return f"esmaml_mpi {metadata.version('esmaml-mpi')}"
    except metadata.PackageNotFoundError:  # a checkout that is not installed
        return "esmaml_mpi"


def _space(text: str) -> Any:
    """What a family says of a space, null if it says nothing."""
    return json.loads(text) if text else None


def _means(values: np.ndarray) -> list[float | None]:
    """Of each task over the repeats that did not fail; JSON has no nan."""
    return [float(np.mean(row[np.isfinite(row)])) if np.isfinite(row).any() else None for row in values]


def _finite(values: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]

"""Whether a policy remembers what it says: a few steps, found out before a run starts.

A batch is narrowed to the episodes that go on by binding anew. That is only right where ``state`` is all that earlier
observations left behind.
"""

import numpy as np

from esmaml_mpi.errors import ConfigError, UserError, in_words
from esmaml_mpi.policies.contract import AnyPolicy, can_narrow, narrowed

COLUMNS, STEPS, SPREAD = 5, 4, 0.5
KEPT = np.array([1, 2, 4])


def check_memory(policy: AnyPolicy, architecture: str) -> None:
    """Raise ConfigError unless a policy of this name goes on as before where its batch is narrowed.

    One without ``state_size`` is never narrowed.
    """
    if not can_narrow(policy):
        return
    named = f"policy.architecture = {architecture!r}, {type(policy).__name__}"
    size = policy.state_size
    if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 0:
        raise ConfigError(f"{named}: state_size = {size!r}; the number of what it remembers, 0 for nothing, is wanted.")
    try:
        with np.errstate(all="ignore"):
            _check(policy, named)
    except UserError:
        raise
    except Exception as error:
        raise ConfigError(f"{named}: its first steps raised {in_words(error)}.") from error


def _check(policy: AnyPolicy, named: str) -> None:
    generator, size = np.random.default_rng(0), policy.observation_size
    parameters = generator.normal(0.0, SPREAD, (policy.size, COLUMNS))
    observations = generator.standard_normal((STEPS, size, COLUMNS))
    unscaled = np.zeros(size), np.ones(size)
    bound = policy.bind(parameters, *unscaled)
    for step, observation in enumerate(observations):
        if policy.state_size:
            shape = np.shape(bound.state) if hasattr(bound, "state") else None
            if shape != (policy.state_size, COLUMNS):
                told = "no attribute state" if shape is None else f"state of shape {shape}"
                raise ConfigError(
                    f"{named}: state_size = {policy.state_size}, and what it is bound to has {told}; "
                    f"(state_size, batch) = ({policy.state_size}, {COLUMNS}) is wanted."
                )
        fewer = narrowed(policy, bound, KEPT, parameters[:, KEPT], *unscaled, step)
        expected = np.array(bound.act(observation))[:, KEPT]
        found = fewer.act(np.ascontiguousarray(observation[:, KEPT]))
        if not np.array_equal(found, expected, equal_nan=True):
            what = (
                "its state is not all that it remembers" if policy.state_size else "it remembers, or counts its calls"
            )
            raise ConfigError(
                f"{named}: state_size = {policy.state_size}, but in step {step} three of {COLUMNS} columns, bound for "
                f"that step{' with their state' if policy.state_size else ''}, did not act as they do among all: "
                f"{what}, or columns depend on each other. docs/extending.md has the contract."
            )

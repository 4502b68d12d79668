"""What meta-parameters are: those of the policy (d,), and below them those of operators that have some of their own.

An operator's own are learned by the outer loop as the policy's are, so that what an adaptation tries need not be left
to chance. No policy acts with them: what an operator yields and returns are policies.
"""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from esmaml_mpi.errors import UsageError
from esmaml_mpi.policies.contract import AnyPolicy

Told = Callable[[np.ndarray], None]


def own_size(operator: Any, policy: AnyPolicy | None) -> int:
    """Meta-parameters e that an operator has of its own, beside those of ``policy``."""
    if not hasattr(operator, "own_size"):
        return 0
    if policy is None and getattr(operator, "own_needs_policy", True):
        raise UsageError(
            f"adaptation.operator = {operator.operator!r}: what it learns for itself depends on the policy, and "
            "Adaptation(operator, theta, policy=...) was given none. MetaPolicy.adaptation() gives it."
        )
    return int(operator.own_size(policy))


def meta_size(operator: Any, policy: AnyPolicy) -> int:
    """Numbers d + e of theta."""
    return policy.size + own_size(operator, policy)


def own_initial(operator: Any, policy: AnyPolicy, generator: np.random.Generator) -> np.ndarray:
    """An operator's own meta-parameters (e,) to start from."""
    if not own_size(operator, policy):
        return np.empty(0)
    found: np.ndarray = operator.own_initial(policy, generator)
    return found


def layout(operator: Any, policy: AnyPolicy) -> list[tuple[str, int]]:
    """Whose theta's rows below the policy's are, and how many: of each operator that has some, by its name, and by the
    names of its parts if it tells them.
    """
    found: list[tuple[str, int]] = []
    for each in getattr(operator, "operators", (operator,)):
        if hasattr(each, "own_layout"):
            found += [(f"{each.operator}.{part}", size) for part, size in each.own_layout(policy)]
        else:
            found.append((each.operator, own_size(each, policy)))
    return [(name, size) for name, size in found if size]


def adapting(
    operator: Any,
    policy: AnyPolicy | None,
    theta: np.ndarray,
    own: np.ndarray,
    normals: Callable[..., np.ndarray],
    centre: Told | None = None,
) -> Generator[np.ndarray, Any, np.ndarray]:
    """Begin an adaptation of policies theta (d, U, T) by an operator with ``own`` (e, U, T); see
    ``adaptation.Operator``. ``centre`` is told where it stands, if it tells.
    """
    told = (centre,) if centre and getattr(operator, "tells_centre", False) else ()
    more = dict(own=own, policy=policy) if hasattr(operator, "own_size") else {}
    begun: Generator[np.ndarray, Any, np.ndarray] = operator.adapt(theta, normals, *told, **more)
    return begun

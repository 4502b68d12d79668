"""Every task family as a Gymnasium environment and as a vector environment: ``esmaml/CLASS-v0``.

Importing this module registers them; their own modules are imported only when one is made. ``gymnasium.make`` does the
import itself if asked for ``esmaml_mpi.environments:esmaml/CLASS-v0``: Gymnasium has no longer a way to be told of an
installed package's environments beforehand.
"""

import gymnasium

from esmaml_mpi.tasks import FAMILIES

BRIDGE = "gymnasium"  # the family of Gymnasium's own environments, which are registered already


def environment_id(name: str) -> str:
    """The id of a registered family's environment."""
    return f"esmaml/{FAMILIES[name].rpartition(':')[2]}-v0"


def register() -> None:
    """Register all families that are not registered yet: those added to FAMILIES since, after the first call."""
    for name in FAMILIES:
        if name != BRIDGE and environment_id(name) not in gymnasium.registry:
            gymnasium.register(
                environment_id(name),
                entry_point="esmaml_mpi.environments.single:FamilyEnv",
                vector_entry_point="esmaml_mpi.environments.vector:FamilyVectorEnv",
                kwargs={"family": name},
            )


register()

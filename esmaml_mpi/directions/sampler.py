"""What a sampler of directions is.

The estimators assume directions that are standard normals. Other joint distributions lower their variance as long as
each direction alone stays one: then the estimate's mean, the gradient of the Gaussian smoothing, does not change.
Every sampler says how far that holds for it.
"""

from typing import Any, ClassVar, Protocol

import numpy as np


class Sampler(Protocol):
    """A frozen dataclass whose fields are its settings. It holds no state: all chance is in the generator."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    uses_basis: bool  # whether ``draw`` takes the keywords ``basis`` and ``weights`` (see ``dpp.py``)

    def check(self, dimension: int, count: int) -> None:
        """ConfigError if ``draw`` of these numbers would be refused; to be asked before a run starts."""

    def draw(self, generator: np.random.Generator, dimension: int, count: int) -> np.ndarray:
        """Directions g (dimension, count), contiguous and the caller's own, with E g g^T = I for each.

        Scaled as standard normals, without sigma. ConfigError as ``check``.
        """

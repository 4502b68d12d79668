"""Bands around a mean: what they are, their edges, and how to say it."""

from collections.abc import Iterable

import bootstrap
import numpy as np

BANDS = {
    "ci": f"{100 * bootstrap.LEVEL:g} % bootstrap interval of the mean",
    "iqr": "quartiles",
    "range": "min to max",
}


def edges(values: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge (R,) of a band, a key of BANDS, over the finite ones of values (n, R)."""
    found = np.full((2, values.shape[1]), np.nan)
    finite = np.isfinite(values)
    for present in np.unique(finite, axis=1).T:
        if present.any():
            here = (finite == present[:, None]).all(axis=0)
            found[:, here] = _edges(values[present][:, here], kind)
    return found[0], found[1]


def describe(kind: str, sizes: Iterable[int], of: str = "seeds") -> str:
    """What a band is, and how little it can be over so few; ``sizes``: of each curve. "" if no curve has two."""
    several = [size for size in sizes if size > 1]
    if not several:
        return ""
    text, few = f"band: {BANDS[kind]} over {of}", min(several)
    reached = bootstrap.most_confidence(few)
    if kind == "ci" and reached < bootstrap.LEVEL:
        text += f" ({few} {of} cannot give more than {100 * reached:.3g} %)"
    return text


def _edges(values: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    if kind == "range":
        return values.min(axis=0), values.max(axis=0)
    if kind == "iqr":
        low, high = np.quantile(values, [0.25, 0.75], axis=0)
        return low, high
    return bootstrap.interval(values)

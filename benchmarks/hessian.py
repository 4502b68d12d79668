"""Errors of the Hessian estimators, and what a product of the Hessian with a vector costs.

    python benchmarks/hessian.py

Prints Markdown. Errors: f = 7 + b.x + x'Ax / 2, d = 6, sigma = 0.1, |A| = 5.1 (Frobenius, as all norms here), at 50
directions and at 50 queries, a mirrored pair being two; A and b are drawn anew for each estimate, normal, A symmetric,
with the trace that they have or without one. Then errors of H v in higher dimensions, where curvature is all there is.
Costs: processor time and peak memory of H v with directions regenerated from their streams, of that regeneration alone,
and of the explicit matrix. Needs 1 GB of memory; takes about two minutes.
"""

import time
import tracemalloc

import numpy as np

from esmaml_mpi.hessians import HESSIANS, matrix, product
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams

D, COUNT, SIGMA, CONSTANT, NORM = 6, 50, 0.1, 7.0, 5.1
ESTIMATES, BATCH = 200_000, 2000
SIZES, PAIRS, REPETITIONS = (6, 108, 774), (20, 300), 300
DIMENSIONS, DIRECTIONS = (1000, 10_000, 100_000), (20, 300)
MATRICES = ((1000, 20), (1000, 300), (10_000, 20))


class Released:
    """The released code's form, f_i - mean f, of mirrored pairs their mean: they sum to 0, so that I has no weight."""

    def coefficients(self, values, pivot):
        sides = values.mean(axis=-1)
        return sides - sides.mean(axis=-1, keepdims=True)


FORMS = {
    "plain (Algorithm 4 as printed)": (HESSIANS["plain"], 1),
    "pivot": (HESSIANS["pivot"], 1),
    "leave_one_out": (HESSIANS["leave_one_out"], 1),
    "released code (not in the package)": (Released(), 1),
    "antithetic": (HESSIANS["antithetic"], 2),
    "plain, of mirrored pairs": (HESSIANS["plain"], 2),
    "leave_one_out, of mirrored pairs": (HESSIANS["leave_one_out"], 2),
    "released code, of mirrored pairs": (Released(), 2),
}


def main() -> None:
    """Print the tables."""
    print_errors()
    print_relative_errors()
    print_costs()


def print_errors() -> None:
    """RMS of |H - A|, and the share of A in the mean of H."""
    same = f"{COUNT} directions"
    header("coefficients", same, f"{same}, tr A = 0", f"share of A in the mean, {same}", f"{COUNT} queries")
    for name, (form, signs) in FORMS.items():
        error, share = errors(form, signs, COUNT)
        traceless, _ = errors(form, signs, COUNT, with_trace=False)
        equal, _ = errors(form, signs, COUNT // signs)
        cells = [f"{value:.3g} +- {noise:.1g}" for value, noise in (error, traceless, equal)]
        cells.insert(2, f"{share[0]:.3f} +- {share[1]:.3f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def errors(form, signs: int, m: int, with_trace: bool = True) -> tuple[tuple[float, float], tuple[float, float]]:
    """RMS error and its standard error; <H, A> / <A, A> and its standard error. All forms see the same draws."""
    rng, squared, shares = np.random.default_rng(0), [], []
    for _ in range(ESTIMATES // BATCH):
        truth = rng.standard_normal((BATCH, D, D))
        truth += truth.transpose(0, 2, 1).copy()
        if not with_trace:
            truth -= np.trace(truth, axis1=1, axis2=2)[:, None, None] / D * np.eye(D)
        truth *= NORM / np.sqrt(np.sum(truth**2, axis=(1, 2), keepdims=True))
        slope, g = rng.standard_normal((BATCH, D, 1)), rng.standard_normal((BATCH, COUNT, D))[:, :m]
        odd, even = SIGMA * (g @ slope)[..., 0], SIGMA**2 / 2 * np.sum(g @ truth * g, axis=-1)
        values = CONSTANT + np.stack([even + odd, even - odd][:signs], axis=-1)
        coefficients = form.coefficients(values, np.full(BATCH, CONSTANT))
        found = (g * coefficients[..., None]).transpose(0, 2, 1) @ g
        found -= coefficients.sum(axis=1)[:, None, None] * np.eye(D)
        found /= m * SIGMA**2
        squared.append(np.sum((found - truth) ** 2, axis=(1, 2)))
        shares.append(np.sum(found * truth, axis=(1, 2)) / NORM**2)
    mean, noise = mean_and_error(np.concatenate(squared))
    return (np.sqrt(mean), noise / (2 * np.sqrt(mean))), mean_and_error(np.concatenate(shares))


def mean_and_error(samples: np.ndarray) -> tuple[float, float]:
    """Mean and its standard error."""
    return samples.mean(), samples.std(ddof=1) / np.sqrt(len(samples))


def print_relative_errors() -> None:
    """RMS of |H v - A v| / |A v| on x'Ax / 2, from mirrored pairs."""
    print()
    header("A", "d", "coefficients", *(f"{m} pairs" for m in PAIRS))
    for kind in ("both signs", "positive"):
        for dimension in SIZES:
            cells = {"antithetic": [], "leave_one_out": []}
            for m in PAIRS:
                for name, (error, noise) in relative_errors(kind, dimension, m, cells).items():
                    cells[name].append(f"{error:.3g} +- {noise:.1g}")
            for name, row in cells.items():
                print(f"| {kind} | {dimension} | {name} | {' | '.join(row)} |", flush=True)


def relative_errors(kind: str, dimension: int, m: int, names) -> dict:
    """Name -> RMS error and its standard error; both kinds of A have a spectrum of some width, axes at random."""
    rng, squared = np.random.default_rng([dimension, m]), {name: [] for name in names}
    normal = rng.standard_normal((dimension, dimension))
    truth = normal + normal.T if kind == "both signs" else normal @ normal.T / dimension
    for _ in range(REPETITIONS):
        g, vector = rng.standard_normal((m, dimension)), rng.standard_normal(dimension)
        values = np.stack([SIGMA**2 / 2 * np.sum(g @ truth * g, axis=1)] * 2, axis=-1)
        expected = truth @ vector
        for name, errors_found in squared.items():
            found = product(g, HESSIANS[name].coefficients(values, np.zeros(())), vector, SIGMA)
            errors_found.append(np.sum((found - expected) ** 2) / np.sum(expected**2))
    means = {name: mean_and_error(np.array(found)) for name, found in squared.items()}
    return {name: (np.sqrt(mean), noise / (2 * np.sqrt(mean))) for name, (mean, noise) in means.items()}


def print_costs() -> None:
    """Milliseconds and megabytes."""
    print()
    names = ("d", "m", "directions alone, ms", "H v, ms", "times", "MB", "vectors of d", "matrix, ms", "matrix, MB")
    header(*names)
    for dimension in DIMENSIONS:
        for m in DIRECTIONS:
            coefficients, vector = np.random.default_rng(m).standard_normal(m), np.ones(dimension)

            def drawing(d=dimension, m=m):
                for _ in regenerated(d, m):
                    pass

            def multiplying(d=dimension, m=m, c=coefficients, v=vector):
                product(regenerated(d, m), c, v, SIGMA)

            def building(d=dimension, m=m, c=coefficients):
                matrix(regenerated(d, m), c, SIGMA)

            alone, multiplied = milliseconds(drawing), milliseconds(multiplying)
            memory = megabytes(multiplying)
            cells = [dimension, m, f"{alone:.3g}", f"{multiplied:.3g}", f"{multiplied / alone:.2f}"]
            cells += [f"{memory:.3g}", f"{memory * 1e6 / vector.nbytes:.1f}"]
            fits = (dimension, m) in MATRICES
            cells += [f"{milliseconds(building, 1):.3g}", f"{megabytes(building):.3g}"] if fits else ["", ""]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def regenerated(dimension: int, m: int):
    """Directions one at a time, in one array, each from its own stream."""
    streams, direction = Streams(0), np.empty(dimension)
    for unit in range(m):
        streams.fill_normals(direction, Purpose.PERTURBATION, Round(Phase.TRAIN, 0), unit=unit)
        yield direction


def milliseconds(run, times: int = 5) -> float:
    """Processor time; the median of some."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return 1e3 * float(np.median(seconds))


def megabytes(run) -> float:
    """Peak of what is allocated meanwhile."""
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def header(*names) -> None:
    """Head of a Markdown table."""
    print(f"| {' | '.join(map(str, names))} |\n|{'---|' * len(names)}")


if __name__ == "__main__":
    main()

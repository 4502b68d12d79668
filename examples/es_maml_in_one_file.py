"""Zero-order ES-MAML in one file, to be read from top to bottom beside the paper.

Song et al., "ES-MAML: Simple Hessian-Free Meta Learning", ICLR 2020: Algorithm 3, which adapts by the ES gradient of
Algorithm 1. Estimates are forward finite differences, rewards and states are normalised (section A.6). The problem is
four corners (section 4.1). `python examples/es_maml_in_one_file.py` takes a few seconds.

Of other code only NumPy is used. `esmaml train` with these constants as its settings gives the same numbers bit for
bit; the policy's output is not squashed (`policy.output`), as four corners cuts actions to 0.1 anyway.
Axes of arrays: d parameters, U evaluations, T tasks, K queries; B, the last, is all that is simulated together.
"""

import itertools
import math
from fractions import Fraction

import numpy as np

# The settings of section A.6, except that there are 20 evaluations of each kind, not 150, and 8 hidden units, not 32.
PERTURBATIONS, CURRENT = 20, 20  # evaluations at theta + sigma g, and at theta
SIGMA, BETA = 0.1, 0.01  # of the meta-gradient: precision sigma, step size beta
QUERIES, QUERY_SIGMA, ALPHA = 20, 0.1, 0.05  # of an adaptation: K, its sigma, its step size alpha
LAYERS = (2, 8, 2)  # observation, hidden units, action
HORIZON, REPEATS = 100, 5  # steps of an episode; adaptations to each task in a test
CORNERS = np.array([[2.0, 2.0], [-2.0, 2.0], [-2.0, -2.0], [2.0, -2.0]])  # the tasks
TASKS = np.arange(4)  # every evaluation adapts to all of them: (N, N, N) = (4, 4, 4)

# ---- Random numbers. A stream is keyed by what it is for, so that any worker can draw it again and none is sent.
INITIAL_POLICY, PERTURBATION, ADAPTATION = 1, 4, 5  # purposes
TRAIN, TEST = 0, 1  # phases


def stream(seed, purpose, phase=TRAIN, iteration=0, unit=0, task=0):
    """Philox is a counter run through a cipher: different keys and counters, different numbers."""
    key = np.array([seed, purpose | phase << 8], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, int(task) << 32, int(unit), iteration]))


# ---- The policy: W2 relu(W1 s + b1) + b2. Parameters theta (d,) hold each layer's weights, then its biases.
def initial_policy(seed):
    draw, parts = stream(seed, INITIAL_POLICY).standard_normal, []
    for inputs, outputs in itertools.pairwise(LAYERS):
        parts += [draw(inputs * outputs) * np.sqrt(2.0 / inputs), np.zeros(outputs)]
    return np.concatenate(parts)


def bind(theta, mean, std):
    """Layers (inputs + 1, outputs, B) of policies theta (d, B), biases last; the first is given (s - mean) / std."""
    layers, start = [], 0
    for inputs, outputs in itertools.pairwise(LAYERS):
        stop = start + (inputs + 1) * outputs
        layers.append(theta[start:stop].reshape(inputs + 1, outputs, -1).copy())
        start = stop
    layers[0][:-1] /= std[:, None, None]  # W ((s - mean) / std) + b = (W / std) s + (b - (W / std) mean)
    layers[0][-1] -= np.sum(layers[0][:-1] * mean[:, None, None], axis=0)
    return layers


def act(layers, x):
    """Actions (2, B) for observations x (2, B). Even and odd inputs are summed apart: the order is part of the bits."""
    for i, layer in enumerate(layers):
        products = layer[:-1] * (np.maximum(x, 0.0) if i else x)[:, None]
        x = (products[::2].sum(axis=0) + products[1::2].sum(axis=0)) + layer[-1]
    return x


# ---- The task: a point that sees where it is, and not which corner is the one that pays.
def rollouts(theta, tasks, mean, std):
    """f^T(theta) (B,), total rewards of policies theta (d, B) on tasks (B,), and their sums of s and of s^2 (4, B)."""
    path, layers = np.zeros((HORIZON + 1, 2, theta.shape[-1])), bind(theta, mean, std)
    for s, following in itertools.pairwise(path):
        following[:] = np.clip(s + np.clip(act(layers, s), -0.1, 0.1), -5.0, 5.0)
    offset = path[1:] - CORNERS[tasks].T
    rewards = np.maximum(4.0 - (offset[:, 0] ** 2 + offset[:, 1] ** 2), 0.0) - 4.0
    seen = path[:-1]
    return rewards.sum(axis=0), np.concatenate([seen.sum(axis=0), (seen**2).sum(axis=0)])


# ---- Algorithm 1 by forward finite differences: ESGrad = 1 / (m sigma) sum_i (f(theta + sigma g_i) - f(theta)) g_i.
def es_weights(queries, pivot, sigma):
    """What to multiply g_i with (..., m), from f(theta + sigma g_i) (..., m) and f(theta), the pivot (...)."""
    rewards = np.concatenate([queries, pivot[..., None]], axis=-1)  # standardized together
    mean = rewards.sum(axis=-1, keepdims=True) / rewards.shape[-1]
    std = np.sqrt(np.sum((rewards - mean) ** 2, axis=-1, keepdims=True) / rewards.shape[-1])
    signal = std > 1e-12 * np.abs(rewards).max(axis=-1, keepdims=True)  # else all rewards are equal: no step
    normal = np.where(signal, (rewards - mean) / np.where(signal, std, 1.0), 0.0)
    return (normal[..., :-1] - normal[..., -1:]) / (queries.shape[-1] * sigma)


# ---- Algorithm 3, lines 3 to 8, of U evaluations at once: U(theta, T) = theta + alpha ESGrad(f^T, theta, K, sigma).
def evaluate(seed, phase, iteration, units, tasks, theta, mean, std):
    """f^T(U(theta, T)) (U, T) of theta (d, U) and tasks (U, T); how many s were seen, and sums of s and s^2 (4, U)."""
    d, (U, T) = len(theta), tasks.shape
    g = np.empty((d, U, T, QUERIES))
    for u, t in np.ndindex(U, T):
        g[:, u, t] = stream(seed, ADAPTATION, phase, iteration, units[u], tasks[u, t]).standard_normal((d, QUERIES))
    centre = np.repeat(theta[:, :, None], T, axis=2)
    points = np.concatenate([centre[..., None] + QUERY_SIGMA * g, centre[..., None]], axis=-1)  # K queries and pivot
    f, tried = rollouts(points.reshape(d, -1), np.repeat(tasks.ravel(), QUERIES + 1), mean, std)
    f = f.reshape(U, T, QUERIES + 1)
    adapted = centre + ALPHA * np.sum(g * es_weights(f[..., :-1], f[..., -1], QUERY_SIGMA), axis=-1)
    after, scored = rollouts(adapted.reshape(d, -1), tasks.ravel(), mean, std)
    sums = tried.reshape(4, U, -1).sum(axis=-1) + scored.reshape(4, U, -1).sum(axis=-1)
    return after.reshape(U, T), HORIZON * (len(tried[0]) + len(scored[0])), sums


def normalisation(count, sums):
    """Mean and standard deviation (2,) of observations, from exact sums, to which the order of workers is nothing."""
    if not count:
        return np.zeros(2), np.ones(2)
    mean, square = [x / count for x in sums[:2]], [x / count for x in sums[2:]]
    variance = [float(q - m * m) for m, q in zip(mean, square, strict=True)]
    std = [math.sqrt(v) if v > 1e-12 * q else 1.0 for v, q in zip(variance, map(float, square), strict=True)]
    return np.array([float(m) for m in mean]), np.array(std)


# ---- Algorithm 3, its loop.
def es_maml(seed, iterations):
    """Yields each iteration's theta, normalisation, tests before and after adaptation, and the evaluations' values."""
    theta, count, sums = initial_policy(seed), 0, [Fraction(0)] * 4
    units = np.arange(PERTURBATIONS + CURRENT)
    for iteration in range(iterations + 1):
        mean, std = normalisation(count, sums)  # of earlier iterations, the same for all workers
        # A test: what theta is worth before it adapts, and after.
        tasks, repeats = np.repeat(TASKS, REPEATS), np.tile(np.arange(REPEATS), len(TASKS))
        tested = np.repeat(theta[:, None], len(tasks), axis=1)
        before, _ = rollouts(tested, tasks, mean, std)
        after, *_ = evaluate(seed, TEST, iteration, repeats, tasks[:, None], tested, mean, std)
        # Lines 2 to 8. Columns are theta + sigma g_i, then theta itself, the mean of whose values is the pivot.
        g = [stream(seed, PERTURBATION, TRAIN, iteration, i).standard_normal(theta.size) for i in range(PERTURBATIONS)]
        points = np.stack([theta + SIGMA * direction for direction in g] + [theta] * CURRENT, axis=1)
        batch = np.tile(TASKS, (len(units), 1))
        after_each, seen, unit_sums = evaluate(seed, TRAIN, iteration, units, batch, points, mean, std)
        values = after_each.sum(axis=1) / len(TASKS)
        yield dict(theta=theta, mean=mean, std=std, count=count, before=before, after=after[:, 0], values=values)
        count += seen
        sums = [total + sum(map(Fraction, row.tolist())) for total, row in zip(sums, unit_sums, strict=True)]
        # Line 9: a step along the ES gradient of the adapted reward.
        weights = es_weights(values[:PERTURBATIONS], values[PERTURBATIONS:].sum() / CURRENT, SIGMA)
        # Summed as integers, to which the order of workers is nothing; all |g| are below 16, so that they fit.
        unit = 2.0 ** (62 - math.frexp(np.abs(weights).sum())[1] - 4)
        total = sum(np.rint(w * unit * direction).astype(int) for w, direction in zip(weights, g, strict=True))
        theta = theta + BETA * (total / unit)


if __name__ == "__main__":
    print("iteration  value of theta  test before  test after")
    for i, now in enumerate(es_maml(seed=0, iterations=100)):
        if i % 10 == 0:
            value = now["values"][PERTURBATIONS:].mean()
            print(f"{i:9}  {value:14.1f}  {now['before'].mean():11.1f}  {now['after'].mean():10.1f}")

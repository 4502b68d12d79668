"""The toy tasks once more, from their published formulas: plain Python numbers, one episode and one step at a time.

Nothing here uses the package. Rewards are functions of the position before (p) and after (q) a step.
"""

import itertools
import math

CORNERS = [(2.0, 2.0), (-2.0, 2.0), (-2.0, -2.0), (2.0, -2.0)]


def clip(value, limit):
    return max(-limit, min(limit, value))


def walk(act, start, horizon, action_limit, position_limit, over=lambda position: False):
    """Positions visited, start included: at most ``horizon`` steps, fewer once ``over``."""
    path = [tuple(start)]
    while len(path) <= horizon:
        action = act(path[-1])
        path.append(
            tuple(clip(p + clip(a, action_limit), position_limit) for p, a in zip(path[-1], action, strict=True))
        )
        if over(path[-1]):
            break
    return path


def squared(p, q):
    return sum((a - b) ** 2 for a, b in zip(p, q, strict=True))


def total(path, reward):
    return sum(reward(p, q) for p, q in itertools.pairwise(path))


def bowl(goal):
    """es_maml: -4 + max(0, 4 - dist^2)."""
    return lambda p, q: -4 + max(0, 4 - squared(q, goal))


def penalised(goal, weight):
    """The bowl, and weight * min(0, dist^2 - 4) for each of the other corners."""
    others = [corner for corner in CORNERS if corner != goal]
    return lambda p, q: bowl(goal)(p, q) + weight * sum(min(0, squared(q, other) - 4) for other in others)


def sparse(goal):
    """ProMP: progress towards the goal while it is the nearest corner, nothing within L1 distance 0.5 of the origin."""

    def reward(p, q):
        distance = math.sqrt(squared(q, goal))
        if sum(map(abs, q)) < 0.5 or distance > min(math.sqrt(squared(q, corner)) for corner in CORNERS):
            return 0.0
        return math.sqrt(squared(p, goal)) - distance

    return reward


def dense(goal):
    return lambda p, q: -math.sqrt(squared(q, goal))


def dense_squared(goal):
    return lambda p, q: -squared(q, goal)


def ring(path, goals, correct, penalty=10000.0):
    """NavigationTaskCombo's total reward, and at which step each goal was switched off.

    Goals are at radius sqrt(8); ``correct`` holds the numbers of those to be visited.
    """
    centres = [
        (math.sqrt(8) * math.cos(a), math.sqrt(8) * math.sin(a))
        for a in (2 * math.pi * i / goals for i in range(goals))
    ]
    reward, visited = 0.0, {}
    for step, position in enumerate(path[1:], start=1):
        for i, centre in enumerate(centres):
            distance = squared(position, centre)
            if i not in correct:
                reward += penalty * min(0, distance - 4)
            elif i not in visited:
                reward += -4 + max(0, 4 - distance)
                if distance < 0.01:
                    visited[i] = step
    return reward, visited


def act(theta, widths, observation, mean, std, activation=math.tanh, output=math.tanh):
    """One policy, one observation: theta is a list of numbers, ``widths`` are those of all layers, ends included."""
    values, rest = [(s - m) / d for s, m, d in zip(observation, mean, std, strict=True)], list(theta)
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        if layer:
            values = [activation(v) for v in values]
        weights, rest = rest[: inputs * outputs], rest[inputs * outputs :]
        bias, rest = rest[:outputs], rest[outputs:]
        values = [sum(values[i] * weights[i * outputs + o] for i in range(inputs)) + bias[o] for o in range(outputs)]
    return [output(v) for v in values]


def relu(x):
    return max(x, 0.0)


def differences(queries, pivot, estimator):
    """Differences of one adaptation from its query values, mirrored pairs side by side."""
    if estimator == "vanilla":
        return list(queries)
    if estimator == "forward_fd":
        return [value - pivot for value in queries]
    return [(plus - minus) / 2 for plus, minus in zip(queries[::2], queries[1::2], strict=True)]


def normalized(queries, pivot, kind):
    """Query values and pivot normalised; None if they are all equal."""
    everything = queries if pivot is None else [*queries, pivot]
    if all(value == everything[0] for value in everything):
        return None
    if kind == "none":
        return queries, pivot
    over = everything if kind == "standardize" else queries
    mean = sum(over) / len(over)
    std = math.sqrt(sum((value - mean) ** 2 for value in over) / len(over))
    shift = mean if kind == "standardize" else 0.0
    return [(value - shift) / std for value in queries], None if pivot is None else (pivot - shift) / std


def adapt(theta, f, directions, sigma, step_size, estimator, kind):
    """ES adaptation one query at a time; ``directions`` holds a list of vectors for each step.

    Returns the adapted theta and all values seen.
    """
    seen = []
    for step in directions:
        signs = (1, -1) if estimator == "antithetic" else (1,)
        queries = [
            f([t + sign * sigma * g for t, g in zip(theta, direction, strict=True)])
            for direction in step
            for sign in signs
        ]
        pivot = f(theta) if estimator == "forward_fd" or kind == "standardize" else None
        seen += queries if pivot is None else [*queries, pivot]
        signal = normalized(queries, pivot, kind)
        if signal is None:
            continue
        weights = differences(*signal, estimator)
        theta = [
            t
            + step_size
            * sum(w * direction[i] for w, direction in zip(weights, step, strict=True))
            / (len(step) * sigma)
            for i, t in enumerate(theta)
        ]
    return theta, seen

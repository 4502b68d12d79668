# %% [markdown]
# # Train, adapt, plot
# ES-MAML on Navigation-2D in one process: a point learns to find a goal that it only sees through its reward.
# Run the cells one by one in an editor, or the whole file: `python examples/train_adapt_plot.py [PICTURE.png]`.

# %% Train: a linear policy, hill climbing with 20 queries; seconds on one core
import sys

import gymnasium
import matplotlib
import numpy as np

import esmaml_mpi

picture = sys.argv[1] if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else ""  # an editor's kernel has -f FILE
if picture:
    matplotlib.use("agg")
import matplotlib.pyplot as plt

config = {
    "task": {"name": "navigation_2d", "horizon": 50},
    "policy": {"hidden": []},
    "adaptation": {"operator": "hill_climbing", "queries": 20, "sigma": 0.2},
    "meta": {"iterations": 100, "perturbations": 40, "current_evaluations": 4, "optimizer": "adam", "step_size": 0.03},
}
results = esmaml_mpi.train(config, ["meta.estimator=antithetic"])

# %% Adapt to a task that training never saw: one policy is asked for, tried, and its reward told
meta = esmaml_mpi.MetaPolicy(results, "best")
TASK = 1000
env = gymnasium.make("esmaml_mpi.environments:esmaml/Navigation2D-v0", task=TASK, horizon=50)


def episode(parameters: np.ndarray) -> tuple[float, np.ndarray]:
    """Total reward and path (steps + 1, 2) of one episode."""
    observation, _ = env.reset(seed=0)
    path, total, over = [observation], 0.0, False
    while not over:
        action = meta.act(parameters, observation)
        observation, reward, terminated, truncated, _ = env.step(action)
        path.append(observation)
        total, over = total + float(reward), terminated or truncated
    return total, np.array(path)


session = meta.adaptation(seed=0)
rewards = []
while not session.done:
    reward, _ = episode(session.ask())
    session.tell(reward)
    rewards.append(reward)
before, path_before = episode(meta.theta)
after, path_after = episode(session.best)
print(f"task {TASK}: reward {before:.1f} before, {after:.1f} after {session.trials} trials")

# %% Plot: the learning curve, the trials, and the paths before and after
figure, (curve, trials, plane) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
test = results.history["test"]
for name, style in (("before", "--"), ("after", "-")):
    curve.plot(test["iteration"], test[name].mean(axis=(1, 2)), style, color="#0072B2", label=f"{name} adaptation")
curve.set(xlabel="meta-update", ylabel="test reward", title="Meta-training")
curve.legend()
trials.plot(np.arange(1, len(rewards) + 1), rewards, "o", color="#D55E00", label="each trial")
trials.plot(np.arange(1, len(rewards) + 1), np.maximum.accumulate(rewards), color="black", label="best so far")
trials.set(xlabel="trial", ylabel="reward", title=f"Adaptation to task {TASK}")
trials.legend()
goal = env.unwrapped.task_parameters[:, 0]
plane.plot(*path_before.T, "--", color="#0072B2", label="before")
plane.plot(*path_after.T, color="#D55E00", label="after")
plane.plot(*goal, "k*", markersize=12, label="goal")
plane.set(xlabel="x", ylabel="y", title="Path", aspect="equal", xlim=(-1.05, 1.05), ylim=(-1.05, 1.05))
plane.legend()
if picture:
    figure.savefig(picture, dpi=150)
else:
    plt.show()

"""A summary as lines for a terminal."""

import textwrap

from esmaml_mpi.errors import counted
from esmaml_mpi.results.code import code_of
from esmaml_mpi.training.progress import duration

WIDTH = 12  # of the first column
TABLE = 60  # columns of a terminal in which a table has room
PHASES = {  # of an iteration on rank 0, in the words of the line
    "broadcast": "sending",
    "evaluate": "own evaluations",
    "gather": "waiting for ranks",
    "update": "update",
    "write": "writing",
    "other": "other",
}
LIBRARIES = ("numpy", "mpi4py", "h5py", "mujoco", "gymnasium", "scipy")


def in_lines(summary: dict, columns: int | None = None) -> str:
    """What ``esmaml info`` prints of ``summary.summarize``; ``columns``: lines longer than this go on below."""
    lines = [f"{summary['file']}: {summary['name']}"]
    lines += _row("state", _state(summary["state"]))
    task, policy = summary["task"], summary["policy"]
    lines += _row(
        "task",
        f"{task['family']}, {counted(task['train_size'], 'training task')} in batches of {task['batch_size']}, "
        f"{counted(len(task['test_tasks']), 'test task')}, horizon {task['horizon']}",
    )
    hidden = " and ".join(map(str, policy["hidden"]))
    lines += _row(
        "policy", f"{f'hidden {hidden}' if hidden else 'linear'}, {counted(policy['parameters'], 'parameter')}"
    )
    adaptation = f"{summary['operator']}, {_rollouts(summary['rollouts_per_adaptation'])} per adaptation"
    adaptation = "no adaptation" if summary["operator"] == "none" else adaptation
    lines += _row("algorithm", f"{summary['algorithm']}; {adaptation}")
    narrow = columns is not None and columns < TABLE
    lines += _tests(summary["tests"], narrow)
    lines += _time(summary["time"], summary["state"])
    lines += _row("trouble", _trouble(summary["trouble"]))
    first = summary["launches"][0] if summary["launches"] else {}
    if "from_file" in first:
        lines += _row("begun with", f"iteration {first.get('from_iteration', '?')} of {first['from_file']}")
    for launch in summary["launches"]:
        lines += _launch(launch)
    lines += _settings(summary["not_default"], narrow)
    return "\n".join(lines if columns is None else [part for line in lines for part in _wrapped(line, columns)])


def _rollouts(number: int) -> str:
    """So many; 0: only the operator's own code knows."""
    return counted(number, "rollout") if number else "? rollouts"


def _wrapped(line: str, columns: int) -> list[str]:
    return textwrap.wrap(
        line, max(columns, 2 * WIDTH), subsequent_indent=" " * WIDTH, break_long_words=False, break_on_hyphens=False
    )


def _row(name: str, text: str) -> list[str]:
    return [f"{name:{WIDTH}}{text}"]


def _state(state: dict) -> str:
    how_far = f"{state['kind']}, iteration {state['iteration']} of {state['iterations']}"
    return f"{how_far}, written {state['last_write']}" + (f" by {state['writer']}" if state["writer"] else "")


def _tests(tests: dict, narrow: bool) -> list[str]:
    if not tests:
        return _row("reward", "no test yet")
    about = "adaptation (mean of tasks)"
    header = f"before -> after {about}" if narrow else f"{'':6}{'iteration':>10}{'before':>12}{'after':>12} {about}"
    lines = _row("reward", header)
    for name, test in tests.items():
        before, after = ("failed" if test[key] is None else f"{test[key]:.2f}" for key in ("before", "after"))
        at = test["iteration"]
        numbers = f"{at}: {before} -> {after}" if narrow else f"{at:>10}{before:>12}{after:>12}"
        if "success_after" in test:
            shares = (test[key] for key in ("success_before", "success_after"))
            numbers += f"   success {' -> '.join('failed' if each is None else f'{each:.1%}' for each in shares)}"
        lines += _row("", f"{name:6}{numbers}")
    return lines


def _time(time: dict, state: dict) -> list[str]:
    done = counted(time["rollouts"], "rollout"), counted(time["env_steps"], "environment step")
    text = ", ".join([duration(time["seconds"]), *done])
    lines = _row("time", text)
    if "iterations_per_second" not in time:
        return lines
    left = f", {duration(time['seconds_left'])} left" if state["iteration"] < state["iterations"] else ""
    rate = f"{time['iterations_per_second']:.3g} iterations/s, {time['rollouts_per_second']:,.0f} rollouts/s"
    lines += _row("rate", f"{rate}, lately{left}")
    shares = [f"{PHASES[name]} {seconds / time['seconds']:.0%}" for name, seconds in time["spent"].items()]
    return lines + _row("spent on", ", ".join(shares))


def _trouble(trouble: dict) -> str:
    recoveries = counted(trouble["recoveries"], "recovery", "recoveries")
    found = [
        f"{trouble['failed_evaluations']:,} of {counted(trouble['evaluations'], 'evaluation')} failed",
        f"{counted(trouble['redraws'], 'iteration')} drawn again",
        f"{recoveries} from {counted(trouble['ranks_lost'], 'lost rank')}",
        f"{counted(trouble['failed_test_adaptations'], 'test adaptation')} failed",
    ]
    return ", ".join(each for each in found if not each.startswith("0 ")) or "none"


def _launch(launch: dict) -> list[str]:
    """A start of the run and, indented, what it ran on; facts that a file does not have are left out."""
    ranks, threads = launch.get("ranks", 1), launch.get("threads", 1)
    where = f"{counted(ranks, 'rank')} of {counted(threads, 'thread')} on {launch.get('host', '?')}"
    job = f", Slurm job {launch['slurm_job']}" if launch.get("slurm_job") else ""
    lines = _row("launch", f"{launch.get('started', '?')}, {where}{job}")
    versions = [f"{name} {launch['version_' + name]}" for name in LIBRARIES if "version_" + name in launch]
    ours = f"esmaml_mpi {launch.get('version_esmaml_mpi', '?')}"
    if launch.get("git_commit"):
        commit, plus, _ = launch["git_commit"].partition("+")
        ours += f" ({commit[:10]}{' with changes' if plus else ''})"
    lines += _row("", ", ".join([ours, f"Python {launch.get('python', '?')}", *versions]))
    library = launch.get("mpi_library", "").split(",")[0].splitlines()  # after it: how and when it was built
    machine = f"{launch.get('cpu_count', '?')} x {launch.get('cpu', '?')}"
    if launch.get("odd_ranks"):
        machine += f" on rank 0, {launch['odd_ranks']} ranks on others that differ in last bits"
    lines += _row("", f"{machine}, {library[0]}" if library and ranks > 1 else machine)
    lines += _row("", launch["kernels"]) if "kernels" in launch else []
    return lines + [line for name, code in code_of(launch).items() for line in _row("", f"{name}: {code.summary}")]


def _settings(changed: dict, narrow: bool) -> list[str]:
    if not changed:
        return _row("settings", "all defaults")
    width = 0 if narrow else max(map(len, changed))
    lines = _row("settings", "that are not the defaults")
    for key, values in changed.items():
        default = "" if values["default"] is None else f"   (default {values['default']!r})"
        lines += _row("", f"{key:{width}} = {values['value']!r}{default}")
    return lines

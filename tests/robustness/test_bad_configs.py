"""Configurations that are no good: one line that says what to do, exit code 2, nothing written, nothing used up."""

import subprocess
import sys
import time

import pytest

from esmaml_mpi.commands import main as cli
from esmaml_mpi.config.loading import load
from esmaml_mpi.config.memory import machine_bytes, needs
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tasks import make_family

# A setting of absurd size, and what the message must name beside it.
SIZES = {
    "meta.perturbations=1000000000000": "the results of all iterations",
    "meta.iterations=1000000000000": "the results of all iterations",
    "policy.hidden=[1000000000]": "the queries of one evaluation",
    "task.horizon=1000000000000": "the observations of simulated episodes",
    "test.repeats=1000000000": "test returns",
    "adaptation.queries=1000000000": "the queries of one evaluation",
    "adaptation.steps=5000000000": "< 2^32",
    "run.threads=1000000": "<= 4096",
    "task.train_size=1000000000000000": "< 2^32",
    "task.rollouts=1000000000000": "the queries of one evaluation",
    "task.batch_size=1000000000": "at most task.train_size = 4",
}
FILES = {
    "malformed": (b"[meta", "is not valid TOML: Expected ']'"),
    "not UTF-8": (b"a = '\xff'", "is not text in UTF-8"),
    "a results file": (b"esmaml_mpi results\n\x89HDF\r\n\x1a\n", "is not text in UTF-8"),
    "a long integer": (b"[meta]\nsigma = " + b"9" * 10_000, "an integer is too long"),
    "a long hexadecimal integer": (b"[meta]\nsigma = 0x" + b"f" * 10_000, "meta.sigma = 2**39999..: a number"),
    "deep brackets": (b"a = " + b"[" * 100_000, "brackets are nested too deeply"),
    "null": (b"[run]\nname = '\0'", "is not valid TOML"),
    "too long": (b"#" * (2**24 + 1), "more than 16777216 bytes"),
}
SETS = {
    "run.name=a\nmeta.sigma=3": "without slashes and line ends",
    "run.name=" + "x" * 300: "at most 240 bytes",
    "run.name=\udcff": "UTF-8",
    "meta.sigma=1\nqueries=3": "meta.sigma = '1\\nqueries=3': a number is wanted",
    "meta.sigma=1e999": "meta.sigma = inf",
    "meta.sigma=1" + "0" * 400: "meta.sigma = 2**1328..",
    "meta.sigma": "section.key=value is wanted",
    "sigma=1": "section.key=value is wanted",
    "=": "section.key=value is wanted",
    "meta.sigma.x=1": "a number is wanted, not a table",
    "run.seed=9223372036854775808": "< 2^63",
    "task.options.goal=1": "'task.options.goal' does not exist",
    "run.unit_timeout=6e-189": "0 for no limit, or at least 0.01 seconds",
    "run.unit_timeout=1e300": "<= 1e6",
    "task.options=[1]": "a table is wanted, not a list",
}


def complaint(capsys, *arguments: str) -> str:
    """What the command says, having said nothing else."""
    assert cli.main(list(arguments)) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and printed.err.startswith("esmaml: ")
    return printed.err


@pytest.mark.parametrize("override", SIZES)
def test_absurd_sizes_are_refused_at_once_with_what_they_would_need(override, capsys):
    start = time.monotonic()
    said = complaint(capsys, "config", "--check", "--set", override)
    assert time.monotonic() - start < 2
    assert override.split("=")[0] in said and SIZES[override] in said


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_no_configuration(case, tmp_path, capsys):
    path = tmp_path / "config.toml"
    path.write_bytes(FILES[case][0])
    assert FILES[case][1] in complaint(capsys, "config", str(path))


def test_folders_devices_and_nothing(tmp_path, capsys):
    assert "Is a directory" in complaint(capsys, "config", str(tmp_path))
    assert "more than 16777216 bytes" in complaint(capsys, "config", "/dev/zero")
    assert "No such file" in complaint(capsys, "config", str(tmp_path / "absent.toml"))


@pytest.mark.parametrize("override", SETS)
def test_overrides_that_are_none(override, capsys):
    assert SETS[override] in complaint(capsys, "config", "--set", override)


PG = ["meta.algorithm=pg_maml", "adaptation.operator=policy_gradient"]
EVO = ["meta.algorithm=evo_maml", "adaptation.operator=evo_policy_gradient"]
EVO_ES = ["meta.algorithm=evo_zero_order", "adaptation.operator=evo_es_gradient"]
HUGE = {
    "adaptation.links": [
        "adaptation.operator=chain",
        "adaptation.links=[{operator='es_gradient', queries=10000000000}]",
    ],
    "adaptation.population": ["adaptation.operator=population_search", "adaptation.population=10000000000"],
    "adaptation.evaluations": [
        "adaptation.operator=hill_climbing",
        "adaptation.scheme=batch",
        "adaptation.evaluations=10000000000",
    ],
    "adaptation.candidates": [*EVO, "adaptation.candidates=10000000000"],
    "meta.query_trajectories": [*PG, "meta.query_trajectories=10000000000", "meta.iterations=1"],
    "meta.perturbations": [*EVO_ES, "meta.perturbations=10000000000", "meta.iterations=1"],
}


@pytest.mark.parametrize("key", HUGE)
def test_the_setting_that_asks_for_too_many_policies_at_once_is_named(key):
    overrides = [*HUGE[key], "policy.hidden=[100]"]
    with pytest.raises(ConfigError, match=f"{key} = .*for the (queries|noise) of one evaluation"):
        load({}, overrides).resolved()


def test_nothing_is_written_and_little_memory_used_before_a_refusal(tmp_path):
    """The whole command in a process that may have 1 GiB."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); "
        "from esmaml_mpi.commands.main import main; sys.exit(main(sys.argv[1:]))"
    )
    config = tmp_path / "config.toml"
    config.write_text("[meta]\nperturbations = 1_000_000_000_000\n[policy]\nhidden = [1_000_000_000]\n")
    command = [sys.executable, "-c", code, "train", str(config), "--output", str(tmp_path / "folder" / "run.h5")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("esmaml: ") and done.stderr.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_the_estimate_is_a_lower_bound_that_the_papers_runs_are_far_from():
    config = load({}).resolved()
    family = make_family("four_corners")
    assert sum(need.bytes for need in needs(config, family)) < 50e6 < machine_bytes()
    assert sum(need.bytes for need in needs(config, family, training=False)) < 10e6


def test_a_machine_that_is_too_small_is_compared_with_the_estimate(monkeypatch):
    config = load({})
    monkeypatch.setattr("esmaml_mpi.config.memory.machine_bytes", lambda: 10**6)
    with pytest.raises(ConfigError, match=r"one process needs at least .* MB of memory.* this machine has 1 MB"):
        config.resolved()


def test_overrides_do_not_change_the_mapping_they_are_given_for():
    tables = {"task": {"options": {"penalty": 1.0}}}
    assert load(tables, ["task.options.penalty=2.0"]).task.options == {"penalty": 2.0}
    assert tables == {"task": {"options": {"penalty": 1.0}}}


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[meta]\r\nsigma = 2\r\n")
    assert load(path).meta.sigma == 2.0


@pytest.mark.parametrize(
    ("name", "option", "words"),
    [
        ("sinusoid", "amplitude_low=7.0", "amplitude_high = 5.0"),
        ("navigation_2d", "goal_range=1e308", r"task_parameters\(0\) raised OverflowError"),
        ("six_circles", "goals=1000000", "<= 1000"),
    ],
)
def test_options_that_no_task_can_be_made_of(name, option, words, capsys):
    import re

    assert re.search(
        words, complaint(capsys, "config", "--set", f"task.name={name}", "--set", f"task.options.{option}")
    )

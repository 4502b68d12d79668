"""``esmaml submit`` with stand-ins for Slurm's commands, which note what they were asked for."""

import re
import shlex

import pytest

from esmaml_mpi.commands.main import main

EXPERIMENT = """
[policy]
hidden = []
[adaptation]
queries = 2
[meta]
iterations = 1
perturbations = 2
current_evaluations = 2
[sweep]
seeds = 3
[sweep.product.operator]
mc = {}
hc.adaptation.operator = "hill_climbing"
"""
SBATCH = '#!/bin/bash\nprintf \'%s\\n\' "$*" >>asked\necho "$((40 + $(wc -l <asked)));cluster"\n'


@pytest.fixture
def site(tmp_path, monkeypatch, capsys):
    """A folder with an experiment file and jobs/, and a Slurm that allows four indices: a function of the arguments."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tmp_path / "jobs").mkdir()
    for name in ("sweep", "train"):
        (tmp_path / "jobs" / f"{name}.slurm").write_text("")
    (tmp_path / "e.toml").write_text(EXPERIMENT)
    (tmp_path / "one.toml").write_text(EXPERIMENT.partition("[sweep]")[0])

    def tool(name: str, text: str) -> None:
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    tool("sbatch", SBATCH)
    tool("squeue", "#!/bin/bash\ntrue\n")
    tool("sacct", "#!/bin/bash\ntrue\n")
    tool("scontrol", "#!/bin/bash\necho 'MaxArraySize            = 4'\n")
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)

    def submit(*arguments: str) -> tuple[int, str, str]:
        code = main(["submit", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    submit.tool, submit.folder = tool, tmp_path
    return submit


def asked(site):
    place = site.folder / "asked"
    return [unmarked(line) for line in place.read_text().splitlines()] if place.exists() else []


def unmarked(line):
    """A command without what tells apart the jobs of different results."""
    assert not (name := re.search(r"--job-name=(\S+)", line)) or re.search("-[0-9a-f]{6}(-from4)?$", name[1])
    return re.sub(r"(--job-name=\S+)-[0-9a-f]{6}", r"\1", line)


def test_an_array_above_the_limit_is_split(site):
    code, out, _ = site("e.toml", "--ranks", "31", "--sbatch", "--time=1:00:00 --account=us", "--set", "meta.sigma=0.5")
    assert code == 0 and "job 41" in out and "job 42" in out and "6 runs submitted, 0 left out" in out
    common, end = "--parsable --time=1:00:00 --account=us --ntasks=31", "jobs/sweep.slurm e.toml --set meta.sigma=0.5"
    assert asked(site) == [
        f"{common} --array=0-3 --job-name=esmaml-e {end}",
        f"{common} --array=0-1 --job-name=esmaml-e-from4 --export=ALL,ESMAML_ARRAY_OFFSET=4 {end}",
    ]


def test_what_sbatch_is_given_beside(site):
    code, out, _ = site("e.toml", "--at-once", "2", "--sbatch", "--export=ALL,MINE=/data --time=1:00:00", "--dry-run")
    first, second = map(shlex.split, out.splitlines()[:2])
    assert code == 0 and first[1:3] == ["--time=1:00:00", "--array=0-3%2"] and "--export=ALL,MINE=/data" in first
    assert "--array=0-1%2" in second and "--export=ALL,MINE=/data,ESMAML_ARRAY_OFFSET=4" in second
    code, out, _ = site("one.toml", "--sbatch", "--time=4:00:00", "--dry-run")
    assert code == 0 and "sbatch --time=4:00:00 " in out
    assert site("one.toml", "--at-once", "2")[0] == 2
    code, out, _ = site("one.toml", "--sbatch", "--export= --time=1", "--dry-run")
    assert code == 0 and "sbatch --time=1 " in out and "--export=" in out
    for given, said in (("--array=0-3%1", "--at-once N"), ("-a 0-3", "--at-once N"), ("--job-name=x", "names of jobs")):
        code, _, err = site("e.toml", "--sbatch", given, "--dry-run")
        assert code == 2 and said in err


def test_a_dry_run_prints_and_submits_nothing(site):
    code, out, _ = site("e.toml", "--dry-run")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 3 and asked(site) == []
    assert shlex.split(lines[0])[:2] == ["sbatch", "--array=0-3"]


def test_what_is_complete_or_queued_is_left_out_and_what_failed_is_submitted_again(site):
    assert main(["sweep", "e.toml", "--only", "mc_seed0", "--jobs", "1"]) == 0
    site.tool("squeue", '#!/bin/bash\ncase "$*" in *from4*) echo "1 PENDING" ;; *) echo "2 RUNNING" ;; esac\n')
    site.tool("sacct", '#!/bin/bash\ncase "$*" in *from4*) ;; *) printf "7_1|FAILED\\n9_3|CANCELLED by 0\\n" ;; esac\n')
    code, out, _ = site("e.toml", "--status")
    states = [line.split(maxsplit=2)[2] for line in out.splitlines()[-6:]]
    assert code == 0 and states == [
        "complete",
        "missing; its last job: failed",
        "missing; running in the queue",
        "missing; its last job: cancelled",
        "missing",
        "missing; pending in the queue",
    ]
    code, out, _ = site("e.toml")
    assert code == 0 and [line.split()[1] for line in asked(site)] == ["--array=1,3", "--array=0"]
    assert "3 runs submitted, 3 left out" in out


def test_where_nobody_keeps_account_the_queue_says_how_the_last_jobs_have_ended(site):
    site.tool("sacct", "#!/bin/bash\necho 'Slurm accounting storage is disabled' >&2\nexit 1\n")
    kept = 'printf "1 FAILED\\n1 TIMEOUT\\n"'
    site.tool("squeue", f'#!/bin/bash\ncase "$*" in *from4*) ;; *--states=all*) {kept} ;; esac\n')
    code, out, _ = site("e.toml", "--only", "*_seed0", "--status")
    states = [line.split(maxsplit=2)[2] for line in out.splitlines()[-2:]]
    assert code == 0 and states == ["missing", "missing; its last job: timeout"]


def test_jobs_of_other_results_are_not_taken_for_these(site):
    """As of the same file with another --output."""
    site("one.toml", "--output", "a.h5")
    name = re.search(r"--job-name=(\S+)", (site.folder / "asked").read_text())[1]
    site.tool("squeue", f'#!/bin/bash\ncase "$*" in *--name={name}\\ *) echo "N/A RUNNING" ;; esac\n')
    assert "running in the queue" in site("one.toml", "--output", "a.h5", "--status")[1]
    assert "running in the queue" in site("one.toml", "--output", "./a.h5", "--status")[1]
    assert site("one.toml", "--output", "b.h5", "--status")[1] == "one  missing\n"


def test_a_single_run_is_looked_for_where_the_job_script_puts_it(site):
    """Which is by the name of the file; that of the run in it, here "run", is another."""
    assert main(["train", "one.toml", "--output", "results/one.h5"]) == 0
    assert "nothing to submit: 1 run complete" in site("one.toml")[1] and asked(site) == []


def test_a_single_run_is_a_job_and_elsewhere_the_scripts_are_told_where_they_are(site):
    site("one.toml", "--output", "x.h5")
    (site.folder / "work").mkdir()
    (site.folder / "work" / "one.toml").write_text((site.folder / "one.toml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(site.folder / "work")
        assert unmarked(site("one.toml", "--jobs", "../jobs", "--dry-run")[1].splitlines()[0]) == (
            f"sbatch --job-name=esmaml-one --export=ALL,ESMAML_HOME={site.folder} ../jobs/train.slurm one.toml"
        )
    assert asked(site) == ["--parsable --job-name=esmaml-one jobs/train.slurm one.toml --output x.h5"]


def test_a_search_of_settings_is_not_taken_for_a_single_run(site):
    search = (site.folder / "one.toml").read_text() + '[tune]\nsettings = ["meta.sigma"]\n'
    (site.folder / "search.toml").write_text(search)
    code, _, said = site("search.toml")
    assert code == 2 and "jobs/tune.slurm search.toml" in said and not asked(site)


def test_refusals(site, monkeypatch):
    code, _, err = site("e.toml", "--jobs", "nowhere")
    assert code == 2 and "there is no nowhere/sweep.slurm" in err
    assert "--size, --only and --at-once are of experiment files" in site("one.toml", "--only", "x")[2]
    site.tool("sbatch", "#!/bin/bash\necho 'sbatch: error: invalid account' >&2\nexit 1\n")
    code, _, err = site("e.toml")
    assert code == 1 and err == "esmaml: sbatch failed: sbatch: error: invalid account\n"
    (site.folder / "tools" / "squeue").unlink()
    monkeypatch.setenv("PATH", str(site.folder / "tools"))  # this machine may have Slurm
    code, _, err = site("e.toml")
    assert code == 2 and "there is no squeue here" in err

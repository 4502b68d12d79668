"""The environment on each node's own disk: jobs/stage.sh, with stand-ins for Slurm's sbcast and srun.

Nodes are folders: in what the stand-ins are asked for, DISK is the disk of each node in turn. The batch script's own
node is the first.
"""

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODES = ("a", "b", "c")
# Says what it was asked for, then does it for each node.
SRUN = """#!/bin/bash
echo srun >>"$LOG"
while [[ $1 == --* ]]; do shift; done
for node in a b c; do
  "${@//$DISK/$DISK.$node}" || status=1
done
exit ${status:-0}
"""
SBCAST = """#!/bin/bash
echo sbcast >>"$LOG"
for node in a b c; do cp "$2" "${3//$DISK/$DISK.$node}" || exit; done
"""
ESMAML = """#!{python}
import sys
import esmaml_mpi
print(sys.prefix, esmaml_mpi.__file__, esmaml_mpi.TEXT)
"""
COMMANDS = ("bash", "cp", "find", "ls", "mkdir", "mv", "rm", "sed", "tar", "timeout", "touch")
# A job of stage.sh's functions alone.
JOB = """set -euo pipefail
say() { printf '%s\\n' "$*" >&2; }
die() { say "$*"; exit 2; }
root=$ROOT
. "$root/jobs/site.example.sh"
. "$root/jobs/stage.sh"
stage
"$venv/bin/esmaml"
"""


class Job:
    """Runs ``JOB`` and what follows it on nodes of its own; ``log``: what Slurm was asked for."""

    def __init__(self, folder: Path) -> None:
        self.venv, self.disk, self.tools = folder / "environment", folder / "disk", folder / "tools"
        self.log, self.archive = folder / "log", folder / "environment.tar"
        for node in NODES:
            (folder / f"disk.{node}").mkdir()
        self.disk.symlink_to(self.disk.with_suffix(".a"))
        venv.create(self.venv, symlinks=True)
        paths = {"base": str(self.venv), "platbase": str(self.venv)}
        self.site = Path(sysconfig.get_path("purelib", vars=paths))
        self.package(self.site)
        self.tools.mkdir()
        for name in COMMANDS:  # and nothing else of this machine, which may have a Slurm
            found = shutil.which(name)
            assert found, name
            (self.tools / name).symlink_to(found)
        self.tool("srun", SRUN)
        self.tool("sbcast", SBCAST)
        self.program(self.venv / "bin" / "esmaml", ESMAML.format(python=self.venv / "bin" / "python"))

    def package(self, place: Path, text: str = "first") -> None:
        (place / "esmaml_mpi").mkdir(parents=True, exist_ok=True)
        (place / "esmaml_mpi" / "__init__.py").write_text(f"TEXT = {text!r}\n")

    def tool(self, name: str, text: str) -> None:
        self.program(self.tools / name, text)

    def program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def run(self, then: str = "", **environ: str) -> subprocess.CompletedProcess:
        own = {
            **{"PATH": str(self.tools), "ROOT": str(ROOT), "LOG": str(self.log)},
            **{"DISK": str(self.disk), "ESMAML_VENV": str(self.venv), "ESMAML_STAGE": str(self.disk)},
            **{"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": str(len(NODES)), "PYTHONDONTWRITEBYTECODE": "1"},
        }
        return subprocess.run(["bash", "-c", JOB + then], env=own | environ, capture_output=True, text=True)

    def left(self) -> list[str]:
        return [each.name for node in NODES for each in self.disk.with_suffix(f".{node}").iterdir()]


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path)


def asked(job: Job) -> list[str]:
    return job.log.read_text().split() if job.log.exists() else []


LOOK = 'for node in a b c; do "$DISK.$node/esmaml-7/bin/python" -c "import sys; print(sys.prefix)"; done'


@pytest.mark.parametrize("has_sbcast", [True, False])
def test_ranks_start_from_each_nodes_own_disk(job, has_sbcast):
    if not has_sbcast:
        (job.tools / "sbcast").unlink()
    done = job.run(LOOK)
    assert done.returncode == 0, done.stderr
    first, *nodes = done.stdout.splitlines()
    copies = [f"{job.disk}.{node}/esmaml-7" for node in NODES]
    prefix, module, text = first.split()
    assert text == "first" and prefix == copies[0] and module.startswith(f"{prefix}/lib")
    assert nodes == copies
    assert asked(job) == ["sbcast"] * has_sbcast + ["srun", "srun"]
    assert job.left() == [], "removed when the job ends"
    assert f"own disk: {job.disk}/esmaml-7" in done.stderr


def test_it_is_off_by_default(job):
    done = job.run(ESMAML_STAGE="")
    assert done.returncode == 0 and done.stdout.split()[0] == str(job.venv)
    assert asked(job) == [] and not job.archive.exists()


def test_the_archive_is_made_once_and_again_after_a_change(job):
    assert "making" in job.run().stderr
    assert "making" not in job.run().stderr
    os.utime(job.archive, (1e9, 1e9))
    job.package(job.site, "second")
    done = job.run()
    assert "making" in done.stderr and done.stdout.split()[-1] == "second"
    assert sorted(path.name for path in job.archive.parent.glob("*.tar*")) == [job.archive.name]
    job.archive.with_suffix(".archive-of").write_text("another environment\n")
    assert "making" in job.run().stderr
    assert "making" not in job.run().stderr


def test_a_checkout_outside_the_environment_is_copied_too(job, tmp_path):
    (job.site / "esmaml_mpi" / "__init__.py").unlink()
    (job.site / "esmaml_mpi").rmdir()
    job.package(tmp_path / "checkout", "of the checkout")
    (job.site / "checkout.pth").write_text(f"{tmp_path / 'checkout'}\n")
    done = job.run()
    assert done.returncode == 0, done.stderr
    prefix, module, text = done.stdout.split(maxsplit=2)
    assert text.strip() == "of the checkout" and module.startswith(prefix), done.stderr


@pytest.mark.parametrize("what", ["a node without room", "sbcast fails", "no place for the archive"])
def test_where_it_cannot_be_done_ranks_start_from_the_shared_environment(job, what):
    environ = {}
    if what == "a node without room":
        job.disk.with_suffix(".b").rmdir()
        job.disk.with_suffix(".b").write_text("")
        (job.tools / "sbcast").unlink()
    elif what == "sbcast fails":
        job.tool("sbcast", "#!/bin/bash\nexit 1\n")
    else:
        environ["ESMAML_STAGE_ARCHIVE"] = "/nowhere/environment.tar"
    done = job.run(**environ)
    assert done.returncode == 0 and done.stdout.split()[0] == str(job.venv), done.stderr
    assert "the ranks start from " + str(job.venv) in done.stderr
    job.disk.with_suffix(".b").unlink() if what == "a node without room" else None
    assert [*job.disk.with_suffix(".a").iterdir(), *job.disk.with_suffix(".c").iterdir()] == []
    assert list(job.archive.parent.glob("*.tar.*")) == []


def test_a_job_that_is_put_back_into_the_queue_leaves_nothing(job):
    done = job.run('unstage; echo "$venv"; ls "$DISK"')
    assert done.returncode == 0 and done.stdout.splitlines()[1:] == [str(job.venv)]
    assert asked(job) == ["sbcast", "srun", "srun"], "removed once"


def test_the_folder_is_named_by_its_whole_path(job):
    done = job.run(ESMAML_STAGE="tmp")
    assert done.returncode == 2 and "stage" in done.stderr and "'tmp'" in done.stderr

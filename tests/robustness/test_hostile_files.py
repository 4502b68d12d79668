"""Files that somebody made to harm: refused in one line, soon, with nothing but the file itself opened."""

import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import hostile
import numpy as np
import pytest
from attacks import MOST_CHARACTERS, TINY
from helpers import reseal
from mutated_files import BAD, Campaign

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.reader import read
from esmaml_mpi.results.session_file import SessionFile


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run's file and a session of it."""
    folder = tmp_path_factory.mktemp("made")
    esmaml_mpi.train(TINY, output=folder / "run.h5")
    session = str(folder / "s.session")
    assert main(["adapt", str(folder / "run.h5"), "--session", session, "--task", "0", "--trials", "1"]) == 75
    return folder


@pytest.fixture
def path(made, tmp_path):
    return Path(shutil.copy(made / "run.h5", tmp_path / "run.h5"))


@pytest.fixture
def session(made, tmp_path):
    return Path(shutil.copy(made / "s.session", tmp_path / "s.session"))


def changed(path, change, *arguments):
    with h5py.File(path, "r+") as file:
        change(file, *arguments)
    reseal(path)


HARM = {
    "external link": (hostile.external_link, "is a link to elsewhere"),
    "soft link": (hostile.soft_link, "is a link to elsewhere"),
    "second link": (hostile.second_link, "is a second link to an object"),
    "virtual": (hostile.virtual, "is made of other datasets"),
    "external storage": (hostile.external_storage, "stands in another file"),
    "huge": (hostile.huge, "its numbers are not in the file"),
    "packed": (hostile.packed, "is compressed or filtered"),
}


@pytest.mark.parametrize("place", ["parameters/value", "checkpoint/theta", "checkpoint/memory/matrix", "news/x"])
@pytest.mark.parametrize("harm", HARM)
def test_data_from_elsewhere_or_from_nowhere_are_refused(harm, place, path, tmp_path):
    change, words = HARM[harm]
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret!!" * 100)

    def edit(file):
        if place not in file:
            file[place] = np.ones(3)
        change(file, place, random.Random(0), outside)

    changed(path, edit)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ResultsError, match=words):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_the_same_of_a_session(session, tmp_path):
    for change in (hostile.external_link, hostile.virtual, hostile.external_storage, hostile.huge):
        content = session.read_bytes()
        changed(session, lambda file, change=change: change(file, "theta", random.Random(0), tmp_path / "outside"))
        with pytest.raises(ResultsError, match="not as a session should be"), SessionFile(session) as file:
            file.read()
        session.write_bytes(content)


def test_nested_links_do_not_hang(path):
    changed(path, lambda file: hostile.bomb(file, "checkpoint", None, None))
    start = time.process_time()
    with pytest.raises(ResultsError, match=r"a second link|nested more than"):
        read(path)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", ["a group in itself", "the whole file"])
def test_groups_that_contain_themselves(name, path):
    def edit(file):
        file["checkpoint/again"] = file["checkpoint"] if name == "a group in itself" else file["/"]

    changed(path, edit)
    with pytest.raises(ResultsError, match="'checkpoint/again' is a second link"):
        read(path)


@pytest.mark.parametrize("value", [np.arange(3), h5py.Empty("f8"), np.array([b"a", b"b"])], ids=str)
def test_attributes_of_odd_kinds(value, path):
    changed(path, lambda file: file["provenance/launch_0"].attrs.create("host", value))
    with pytest.raises(ResultsError, match="'host' of provenance/launch_0 is not a single text or number"):
        read(path)


def test_references_and_committed_types_are_refused(path):
    def edit(file):
        file["config"].attrs["x"] = file["train"].ref

    changed(path, edit)
    with pytest.raises(ResultsError, match="an attribute of 'config' is neither"):
        read(path)


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
@pytest.mark.parametrize("command", ["info", "evaluate", "export", "adapt", "resume", "plot"])
def test_what_is_no_file_is_refused_at_once(kind, command, tmp_path):
    """In a process of its own: it hung."""
    path = tmp_path / "run.h5"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    (tmp_path / "config.toml").write_text("")
    words = {
        "info": ["info", path],
        "evaluate": ["evaluate", path],
        "export": ["export", path, "--csv", tmp_path / "out"],
        "adapt": ["adapt", path, "--session", tmp_path / "s"],
        "resume": ["train", tmp_path / "config.toml", "--resume", "--output", path],
        "plot": ["plot", "run", path],
    }[command]
    done = subprocess.run([sys.executable, "-m", "esmaml_mpi", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "is not a file" in done.stderr, done.stderr


def test_a_session_that_is_a_fifo(tmp_path):
    os.mkfifo(tmp_path / "s")
    command = [sys.executable, "-m", "esmaml_mpi", "adapt", "--session", tmp_path / "s"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "is not a file" in done.stderr


def test_escapes_are_not_printed(path, capsys):
    def edit(file):
        for name in ("host", "cpu", "started", "command", "git_commit", "mpi_library"):
            file["provenance/launch_0"].attrs[name] = hostile.ESCAPE

    changed(path, edit)
    assert main(["info", str(path)]) == 0
    said = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in said) and r"\x1b]0;taken\x07" in said
    changed(path, lambda file: file.move("checkpoint/theta", "checkpoint/" + hostile.ESCAPE))
    changed(path, lambda file: file.__setitem__(hostile.ESCAPE, h5py.SoftLink("/x")))
    assert main(["info", str(path)]) == 1
    assert all(c.isprintable() or c == "\n" for c in capsys.readouterr().err)


@pytest.mark.parametrize("kind", ["run.h5", "s.session"])
def test_a_long_text_in_any_attribute_is_not_printed_whole(kind, made, tmp_path, capsys):
    content = (made / kind).read_bytes()
    place = tmp_path / kind
    with h5py.File(made / kind) as file:
        found = [(item, name) for item in ["/", *hostile.paths(file)] for name in file[item].attrs]
    for item, name in found:
        place.write_bytes(content)
        changed(place, lambda file, item=item, name=name: file[item].attrs.create(name, "x" * 10**5))
        info, trial = ["info", str(place)], ["adapt", "--session", str(place), "--trials", "1"]
        for words in (info, [*info, "--json"] if kind == "run.h5" else trial):
            main(words)
            said = capsys.readouterr()
            assert max(map(len, (said.out + said.err).splitlines())) < 2 * MOST_CHARACTERS, (item, name, words)


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("checkpoint/memory/matrix", None, "checkpoint/memory/matrix is missing"),
        ("checkpoint/memory/latest", np.zeros(2), "checkpoint/memory/latest has shape"),
        ("checkpoint/memory/forgotten", "text", "checkpoint/memory/forgotten is no array"),
        ("checkpoint/memory/latest", np.full(6, np.nan), "not finite"),
        ("checkpoint/unit_statistics/sums", np.zeros((2, 5)), "checkpoint/unit_statistics/sums has shape"),
        ("checkpoint/unit_statistics/sums", np.zeros((0, 5), int), "checkpoint/unit_statistics/sums is no array"),
        ("checkpoint/statistics/count", np.int64(-1), "statistics are not those"),
        ("normalization/mean", np.zeros((3, 5)), "normalization/mean has shape"),
        ("normalization/std", np.zeros((3, 2), int), "normalization/std has type"),
        ("train/iteration", np.array([0, 2, 1]), "train/iteration does not count"),
        ("parameters/iteration", np.array([0, 2, 9]), "parameters/iteration is out of order"),
    ],
)
def test_parts_of_a_checkpoint_and_of_the_series(name, value, words, path):
    def edit(file):
        del file[name]
        if value is not None:
            file[name] = value

    changed(path, edit)
    with pytest.raises(ResultsError, match=words) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fact, value", [("ranks", "four"), ("threads", "x"), ("host", 3), ("started", 1.5)])
def test_provenance_of_another_kind(fact, value, path):
    changed(path, lambda file: file["provenance/launch_0"].attrs.__setitem__(fact, value))
    with pytest.raises(ResultsError, match=f"{fact} of provenance/launch_0 is a (text|number)"):
        read(path)


# Every command that reads files; the input is what every one of them is given.
READERS = {
    "info": "info run.h5",
    "evaluate": "evaluate run.h5 --repeats 1",
    "export": "export run.h5 --csv out",
    "plot": "plot run run.h5 --output out.png",
    "report": "report run.h5 --output out.html",
    "compare": "compare run.h5 run.h5 --output out.png",
    "render": "render run.h5 --output out.png --width 120 --height 120",
    "adapt": "adapt run.h5 --session s --task 0 --trials 1",
    "resume": "train run.toml --output run.h5 --resume",
    "is complete": "train run.toml --output run.h5 --is-complete",
    "session": "adapt --session s.session --trials 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("harm", ["external link", "virtual", "external storage", "packed"])
def test_nothing_outside_the_file_is_opened(command, harm, path, session, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    (tmp_path / "run.toml").write_text(read(path).config.to_toml())
    outside = tmp_path / "outside.canary"
    outside.write_bytes(b"secret!!" * 1000)
    (tmp_path / "plugins.canary").mkdir()
    change, _ = HARM[harm]
    for file, place in ((path, "parameters/value"), (session, "theta")):
        changed(file, lambda f, place=place: change(f, place, random.Random(0), outside))
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2,creat", "-o", str(trace)]
    done = subprocess.run(
        [*strace, sys.executable, "-m", "esmaml_mpi", *READERS[command].split()],
        cwd=tmp_path,
        env={**os.environ, "HDF5_PLUGIN_PATH": str(tmp_path / "plugins.canary"), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    opened = re.findall(r'open\w*\(.*?"([^"]*)"', trace.read_text())
    assert any(name.endswith(("run.h5", "s.session")) for name in opened)  # else the trace says nothing
    assert not [name for name in opened if "canary" in name]
    assert done.returncode in (1, 2) and "secret" not in done.stdout + done.stderr, done.stderr


@pytest.mark.slow
def test_mutated_files_end_in_words(tmp_path, monkeypatch):
    """``mutated_files.py`` at a small size."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)
    campaign = Campaign(tmp_path, 5, None)
    campaign.run(300)
    assert campaign.found == [] and BAD
    assert all(counts["refused"] for kind, counts in campaign.counts.items() if kind != "policy")

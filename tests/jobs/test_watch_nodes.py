"""Nodes that a job script watches: said when they are silent, and the launcher ended when one stays so."""

import importlib.util
import socket
import subprocess
import time
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "jobs" / "watch_nodes.py"


@pytest.fixture
def watching(monkeypatch):
    """The module, with little patience."""
    found = importlib.util.spec_from_file_location("watch_nodes", FILE)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    for name, seconds in {"PAUSE": 0.05, "PATIENCE": 0.5, "WORD": 0.2, "LOST": 0.6, "GRACE": 0.3}.items():
        monkeypatch.setattr(module, name, seconds)
    return module


@pytest.fixture
def launcher():
    """A process that does not end when it is asked to."""
    process = subprocess.Popen(["bash", "-c", "trap '' TERM; while :; do sleep 0.05; done"])
    time.sleep(0.3)
    yield process
    process.kill()
    process.wait()


def test_a_node_answers_whether_or_not_anybody_listens(watching, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(watching, "PORT", server.getsockname()[1])
        assert watching.answering(["127.0.0.1"]) == {"127.0.0.1"}
    assert watching.answering(["127.0.0.1", "no-such-node.invalid"]) == {"127.0.0.1"}


def answers(watching, monkeypatch, *rounds):
    """What the nodes answer, round after round; the last for ever."""
    left = list(rounds)
    monkeypatch.setattr(watching, "answering", lambda nodes: left.pop(0) if len(left) > 1 else left[0])


def test_a_launcher_whose_node_stays_silent_is_ended(watching, monkeypatch, launcher, capsys):
    answers(watching, monkeypatch, {"n1", "n2"}, {"n1"})
    watching.watch(launcher.pid, ["n1", "n2", "n3"])
    assert launcher.wait(timeout=5) < 0
    output = capsys.readouterr()
    said = output.err.splitlines()
    assert [line.split()[1] for line in said] == ["not", "n2", "lost:"], said
    assert said[0].endswith(": n3") and "lost: n2;" in said[2] and output.out == "n2\n"


def test_a_node_that_answers_again_is_not_lost(watching, monkeypatch, launcher, capsys):
    answers(watching, monkeypatch, {"n1", "n2"}, *[{"n1"}] * 7, {"n1", "n2"})
    monkeypatch.setattr(watching, "is_there", lambda pid: time.monotonic() < end)
    end = time.monotonic() + 1.5
    watching.watch(launcher.pid, ["n1", "n2"])
    assert launcher.poll() is None
    assert "n2 answers again" in capsys.readouterr().err

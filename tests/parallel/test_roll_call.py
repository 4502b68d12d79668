"""Who calls whom while a collective call waits, what is said of the silent, and when they are given up."""

import os
import signal
import subprocess
import sys
import time

import pytest

from esmaml_mpi.parallel import activity, roll_call
from esmaml_mpi.parallel.roll_call import Person, RollCall

DOING = "iteration 12, evaluations {} to 9".format


class Net:
    """Ranks whose clock and messages a test moves; those in ``frozen`` neither send nor read."""

    def __init__(self, monkeypatch, hosts, kills=True, limit=0.0):
        self.now, self.limit, self.frozen = 1000.0, limit, set()
        self.does = dict.fromkeys(range(len(hosts)), activity.STOPPED)  # what a look at a rank finds
        self.boxes = [[] for _ in hosts]
        self.sent = []
        self.killed = []
        monkeypatch.setattr(roll_call.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(roll_call, "is_rank", lambda pid: True)
        monkeypatch.setattr(roll_call.os, "kill", lambda pid, number: self.killed.append((pid, number)))
        people = [Person(host, 100 + rank) for rank, host in enumerate(hosts)]
        self.ranks = [RollCall(End(self, rank), rank, people, kills) for rank in range(len(hosts))]
        for rank in self.ranks:
            rank._activity.of = lambda pid: self.does[pid - 100]

    def wait(self, seconds):
        """So long; the ranks that wish the job to be ended."""
        ended = set()
        for _ in range(int(seconds / 0.5)):
            self.now += 0.5
            for number, rank in enumerate(self.ranks):
                if number not in self.frozen and rank.poll(self.now - 1000, self.limit, DOING):
                    ended.add(number)
        return ended


class End:
    """One rank's end of the net."""

    def __init__(self, net, own):
        self.net, self.own = net, own

    def send(self, rank, message):
        self.net.boxes[rank].append((self.own, message))
        self.net.sent.append((self.own, rank, message[0]))

    def take(self):
        found, self.net.boxes[self.own] = self.net.boxes[self.own], []
        return found


@pytest.mark.parametrize("frozen", [0, 1, 3])
def test_a_frozen_rank_is_named_within_a_minute_once_and_said_to_be_back(monkeypatch, capsys, frozen):
    net = Net(monkeypatch, ["a"] * 4)
    net.frozen = {frozen}
    net.wait(45)
    said = capsys.readouterr().err
    assert said.count(f"rank {frozen} (process {100 + frozen} on a) has not answered for 3") == 1
    assert "stopped" in said and DOING(frozen) in said and said.count("has not answered") == 1
    net.frozen = set()
    net.wait(5)
    assert capsys.readouterr().err == f"esmaml: rank {frozen} (process {100 + frozen} on a) is back\n"


def test_one_that_is_back_because_the_wait_is_over_is_said_to_be(monkeypatch, capsys):
    net = Net(monkeypatch, ["a"] * 3)
    net.frozen = {2}
    net.wait(40)
    capsys.readouterr()
    net.ranks[0].end(40.0)
    net.ranks[1].end(40.0)
    assert capsys.readouterr().err.count("rank 2 (process 102 on a) is back") == 1


def test_a_short_wait_sends_nothing_and_answers_cost_few_messages(monkeypatch):
    net = Net(monkeypatch, ["a"] * 8)
    net.wait(4)
    assert net.sent == []
    net.wait(60)
    assert len(net.sent) < 60 * 8 * 2
    net.frozen = {5}
    before = len([1 for sender, to, kind in net.sent if to == 5])
    net.wait(300)
    assert len([1 for sender, to, kind in net.sent if to == 5]) - before < 3 * 8  # they would pile up there


def test_a_rank_that_computes_is_no_frozen_one(monkeypatch, capsys):
    net = Net(monkeypatch, ["a"] * 4, limit=20.0)
    net.frozen = {2}
    net.does[2] = activity.COMPUTING
    assert net.wait(200) == set() and net.killed == [] and capsys.readouterr().err == ""
    net.wait(200)
    assert "rank 2 (process 102 on a) has not answered for 30" in capsys.readouterr().err and net.killed == []


@pytest.mark.parametrize("frozen", [0, 2])
def test_by_a_setting_it_is_killed_by_a_rank_of_its_own_host(monkeypatch, capsys, frozen):
    net = Net(monkeypatch, ["b", "a", "b", "a", "b"], limit=20.0)
    net.frozen = {frozen}
    net.does[frozen] = activity.IDLE
    assert net.wait(32) == set()
    assert net.killed == [(100 + frozen, signal.SIGKILL)]
    assert "It is given up, and killed." in capsys.readouterr().err
    assert net.wait(30)  # MPI has not noticed
    assert "was killed and MPI has not noticed: the job is ended" in capsys.readouterr().err


def test_a_host_that_is_silent_as_a_whole_ends_the_job(monkeypatch, capsys):
    net = Net(monkeypatch, ["a", "b", "b"], limit=20.0)
    net.frozen = {1, 2}
    assert net.wait(30) == {0} and net.killed == []
    assert "nobody answers on its host, and the job is ended. --resume goes on" in capsys.readouterr().err


def test_without_fault_tolerance_the_job_is_ended(monkeypatch, capsys):
    net = Net(monkeypatch, ["a"] * 3, kills=False, limit=20.0)
    net.frozen = {0}
    assert net.wait(30) == {1} and net.killed == []
    assert "MPI cannot go on without it, and the job is ended" in capsys.readouterr().err


def test_time_in_which_all_are_stopped_is_not_counted(monkeypatch, capsys):
    """As by Ctrl-Z, or where a laptop sleeps: the first to go on would find all the others silent."""
    net = Net(monkeypatch, ["a"] * 3, limit=20.0)
    net.wait(10)
    net.now += 3600
    net.frozen = {2}
    assert net.wait(5) == set() and net.killed == [] and capsys.readouterr().err == ""


def test_waits_that_are_usual_are_not_spoken_of_where_a_host_cannot_be_asked(monkeypatch, capsys):
    net = Net(monkeypatch, ["a", "b"])
    net.frozen = {1}
    net.ranks[0]._usual = 100.0
    net.wait(140)
    assert capsys.readouterr().err == ""
    net.wait(20)
    assert "rank 1 (process 101 on b) has not answered for 15" in capsys.readouterr().err


def test_what_a_process_does_is_seen():
    found = activity.Activity()
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=subprocess.PIPE
    )
    try:
        assert sleeper.stdout.readline()
        assert found.of(sleeper.pid) == activity.COMPUTING  # until it is known
        end = time.monotonic() + 60
        while found.of(sleeper.pid) != activity.IDLE:  # for one that is on its way to sleep it may take several looks
            assert time.monotonic() < end
            found._seen[sleeper.pid] = (found._seen[sleeper.pid][0] - 10, *found._seen[sleeper.pid][1:])
            time.sleep(0.1)
        os.kill(sleeper.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED)
        assert found.of(sleeper.pid) == activity.STOPPED
    finally:
        sleeper.kill()
        sleeper.communicate()
    assert found.of(sleeper.pid) == activity.UNKNOWN
    assert found.of(os.getpid()) == activity.COMPUTING


def test_one_that_waits_for_a_process_of_its_own_computes(monkeypatch):
    """As for an environment that is isolated: the shell sleeps, what it has started does not."""
    monkeypatch.setattr(activity, "WINDOW", 0.2)
    found = activity.Activity()
    with subprocess.Popen(["sh", "-c", "while :; do :; done & wait"], start_new_session=True) as shell:
        try:
            for _ in range(5):
                assert found.of(shell.pid) == activity.COMPUTING
                time.sleep(0.3)
        finally:
            os.killpg(shell.pid, signal.SIGKILL)

"""The time limit of an evaluation, and what does not count against it."""

import subprocess
import sys
import time

import pytest

from esmaml_mpi.rollouts.deadline import DeadlineExceeded, deadline, paused


def unwanted():
    raise AssertionError("given up")


def spend(seconds):
    """Until then, awake: what is interrupted is Python code."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_block_is_interrupted_when_its_time_is_up():
    start = time.perf_counter()
    with pytest.raises(DeadlineExceeded), deadline(0.2, unwanted):
        spend(10)
    assert 0.2 <= time.perf_counter() - start < 5


def test_paused_time_does_not_count_and_is_not_interrupted():
    with deadline(0.2, unwanted):
        for _ in range(2):
            with paused():
                spend(0.5)  # longer than twice the limit together: nor is it given up


def test_the_time_before_and_after_a_pause_counts_together():
    passed = []
    with pytest.raises(DeadlineExceeded), deadline(3.0, unwanted):  # long, as a busy machine takes time away
        for _ in range(20):
            spend(1.2)
            with paused():
                passed.append(time.perf_counter())
    assert len(passed) == 2


def test_who_has_swallowed_the_interruption_gets_it_again_after_a_pause():
    passed = []
    with pytest.raises(DeadlineExceeded), deadline(0.2, unwanted):
        try:
            spend(10)
        except BaseException:
            passed.append("swallowed")
        with paused():
            passed.append("paused")
        passed.append("went on")
    assert passed == ["swallowed", "paused"]


def test_without_a_deadline_a_pause_is_nothing():
    with paused(), deadline(0, unwanted), paused():
        spend(0.01)


def test_it_is_given_up_without_a_standard_error_too(monkeypatch, capfd):
    given_up = []
    monkeypatch.setattr(sys, "__stderr__", None)  # as of a process that was started with it closed
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(DeadlineExceeded), deadline(1.0, lambda: given_up.append(True)):
        end = time.perf_counter() + 10
        while not given_up and time.perf_counter() < end:
            try:
                spend(0.01)
            except BaseException:  # whoever swallows what interrupts it hangs
                continue
        raise DeadlineExceeded("after it was given up")
    assert given_up


HOLDS = """
import ctypes, os, signal
from esmaml_mpi.rollouts.deadline import deadline

def wait_in_compiled_code():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    ctypes.PyDLL(None).sleep(60)  # without letting go of the interpreter

with deadline(0.3, lambda: os._exit(9)):
    wait_in_compiled_code()
"""


def test_compiled_code_that_holds_the_interpreter_is_ended_with_its_place():
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", HOLDS], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1 and time.perf_counter() - start < 30
    assert "Timeout" in done.stderr and "in wait_in_compiled_code" in done.stderr

"""Session: one object and one file, from Python and from the command line."""

import math
import sys

import h5py
import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.results.seal import sealed
from esmaml_mpi.results.session_file import SessionFile
from esmaml_mpi.trained.session import Trial

CLIMB = {"operator": "hill_climbing", "scheme": "batch", "evaluations": 3, "queries": 3, "sigma": 0.3}
SETTINGS = {
    "task": {"horizon": 5},
    "policy": {"hidden": [3]},
    "adaptation": CLIMB,
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "test": {"repeats": 1},
}
TRIALS = 12


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "run.h5"
    esmaml_mpi.train(SETTINGS, output=path)
    return path


def reward(parameters):
    return float(np.sin(7.0 * parameters).sum())


def test_a_session_is_the_meta_policys_adaptation_and_survives_each_trial(results, tmp_path):
    whole = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results(results)).adaptation(seed=4)
    session = esmaml_mpi.Session.create(tmp_path / "a.h5", results, seed=4)
    while not session.done:
        assert (session.ask() == whole.ask()).all() and session.trials == whole.trials
        session.tell(reward(session.ask()))
        whole.tell(reward(whole.ask()))
        session.close()
        session = esmaml_mpi.Session.open(tmp_path / "a.h5")
    session.close()
    assert session.total == TRIALS and (session.best == whole.best).all()
    assert session.history == [Trial(i, value) for i, value in enumerate(whole.rewards, start=1)]
    assert session.best_reward == max(whole.rewards) and session.confidence == whole.confidence


def test_undo_asks_the_same_again_from_every_trial(results, tmp_path):
    with esmaml_mpi.Session.create(tmp_path / "a.h5", results) as session:
        asked = []
        while not session.done:
            asked.append(session.ask())
            session.tell(reward(asked[-1]), "as it should")
            typo = session.undo()
            assert typo == Trial(len(asked), reward(asked[-1]), "as it should")
            assert session.history == [] or session.history[-1].number == len(asked) - 1
            assert (session.ask() == asked[-1]).all()
            session.tell(reward(asked[-1]))
        best = session.best
        for _ in range(TRIALS):
            session.undo()
        with pytest.raises(UsageError, match="no reward to take back"):
            session.undo()
        for expected in asked:
            assert (session.ask() == expected).all()
            session.tell(reward(expected))
        assert (session.best == best).all()


def test_notes_and_skips_are_kept(results, tmp_path):
    with esmaml_mpi.Session.create(tmp_path / "a.h5", results) as session:
        session.note("new battery")
        session.note("left\nleg \x00 loose")
        session.tell(1.0, "gerutscht \u2013 slipped")
        session.skip("fell")
        session.note("of the trial under way")
    with esmaml_mpi.Session.open(tmp_path / "a.h5") as session:
        assert session.history == [
            Trial(1, 1.0, "new battery; left leg loose; gerutscht \u2013 slipped"),
            Trial(2, -math.inf, "fell"),
        ]
        assert session.note_under_way == "of the trial under way"
        with pytest.raises(UsageError, match="at most 1000 characters"):
            session.note("x" * 1001)


def test_skip_is_refused_where_every_reward_is_needed(results, tmp_path):
    gradient = ["adaptation.operator=es_gradient"]
    with esmaml_mpi.Session.create(tmp_path / "a.h5", results, overrides=gradient) as session:
        with pytest.raises(UsageError, match="needs the reward of every trial"):
            session.skip()
        assert session.trials == 0 and session.history == []


def test_what_cannot_be_written_was_not_told(results, tmp_path, monkeypatch):
    with esmaml_mpi.Session.create(tmp_path / "a.h5", results) as session:
        session.tell(1.0)
        asked, before = session.ask(), session.path.read_bytes()

        def full(path, *parts):
            raise OSError(28, "No space left on device")

        for change in (lambda: session.tell(2.0), session.undo, lambda: session.note("x")):
            with monkeypatch.context() as patch:
                patch.setattr("esmaml_mpi.results.session_file.replace_file", full)
                with pytest.raises(ResultsError, match="No space left"):
                    change()
            assert [trial.reward for trial in session.history] == [1.0] and (session.ask() == asked).all()
            assert session.path.read_bytes() == before
        session.tell(2.0)
        assert session.trials == 2


def test_a_session_has_its_file_for_itself(results, tmp_path):
    path = tmp_path / "a.h5"
    with esmaml_mpi.Session.create(path, results) as session:
        with pytest.raises(UsageError, match="in use by another process or another Session"):
            esmaml_mpi.Session.open(path)
        session.tell(1.0)
    with pytest.raises(UsageError, match="is closed"):
        session.tell(2.0)
    assert session.trials == 1
    with pytest.raises(UsageError, match=r"exists; Session\.open goes on"):
        esmaml_mpi.Session.create(path, results)
    with pytest.raises(ResultsError, match="does not exist"):
        esmaml_mpi.Session.open(tmp_path / "b.h5")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.h5"]


def test_refusals_leave_nothing_behind(results, tmp_path):
    for options in ({"seed": -1}, {"seed": 1.5}, {"at": 7}, {"overrides": ["meta.sigma=1"]}):
        with pytest.raises((UsageError, ResultsError)):
            esmaml_mpi.Session.create(tmp_path / "a.h5", results, **options)
    assert list(tmp_path.iterdir()) == []


def test_the_command_and_python_share_the_file(results, tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.h5"
    with esmaml_mpi.Session.create(path, results, seed=9) as session:
        session.tell(reward(session.ask()))
    script = tmp_path / "trial.py"
    script.write_text(
        "import sys, numpy as np\n"
        "with np.load(sys.argv[1]) as p:\n"
        "    x = np.concatenate([p[f'{k}_{i}'].ravel() for i in range(2) for k in ('weights', 'biases')])\n"
        "print(float(np.sin(7.0 * x).sum()))\n"
    )
    command = ["adapt", "--session", str(path), "--command", f"{sys.executable} {script} {{policy}}"]
    assert main([*command, "--trials", "5"]) == 75
    with esmaml_mpi.Session.open(path) as session:
        assert session.trials == 6
        session.undo()
        session.tell(reward(session.ask()))
    assert main([*command, "--limit", "60"]) == 0
    with esmaml_mpi.Session.open(path) as session:
        assert session.done
        whole = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results(results)).adaptation(
            9, [t.reward for t in session.history]
        )
        assert (session.best == whole.best).all()


def test_a_session_of_the_first_version_goes_on(results, tmp_path):
    path = tmp_path / "a.h5"
    with esmaml_mpi.Session.create(path, results) as session:
        session.tell(1.5)
        asked = session.ask()
    inner = tmp_path / "inner.h5"
    inner.write_bytes(path.read_bytes())
    with h5py.File(inner, "a") as file:  # what version 1 did not have
        del file["notes"], file["interface"]
        file.attrs["format_version"] = 1
    path.write_bytes(sealed(inner.read_bytes()))
    with esmaml_mpi.Session.open(path) as session:
        assert session.trials == 1 and (session.ask() == asked).all()
        assert session.record.interface.action_size == 2
        session.tell(2.5, "now")
    with SessionFile(path) as file:
        assert file.read().notes == {2: "now"}

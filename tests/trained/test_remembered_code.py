"""Results of one's own need no flag: what the user has named before is imported if it is the same, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from forging import forge

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.errors import UntrustedError
from esmaml_mpi.settings import remembered

ROOT = Path(__file__).parents[2]
MODULE = """\
import gymnasium
import numpy as np


class Loud(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, goal=1.0):
        self.goal = goal
        print("engine build 2023.11")

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = float(self.np_random.uniform(-0.1, 0.1))
        return np.array([self.x, 1.0]), {}

    def step(self, action):
        self.x += 0.1 * float(action[0])
        return np.array([self.x, 1.0]), -abs(self.x - self.goal), False, False, {}
"""
EVIL = "import pathlib\npathlib.Path({marker!r}).write_text('imported')\n"
CONFIG = """\
task = { name = "gymnasium", horizon = 5, options = { environment = "things:Loud", vary_as = "attribute", vary = { goal = [-1.0, 1.0] } } }
policy = { hidden = [] }
meta = { iterations = 1, perturbations = 2, current_evaluations = 1 }
adaptation = { queries = 2 }
test = { repeats = 1 }
"""  # noqa: E501 (a table of TOML is a line)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def esmaml(*words, ranks=0, **environment) -> subprocess.CompletedProcess:
    """The command in a process of its own, as in a shell."""
    launcher = os.environ.get("ESMAML_TEST_MPIRUN", "mpirun --oversubscribe").split()
    command = [*(launcher if ranks else ()), *(["-n", str(ranks)] if ranks else ())]
    command += [str(Path(sys.executable).with_name("esmaml"))]  # `python -m` looks into the current folder first
    return subprocess.run(
        [*command, *words], capture_output=True, text=True, env={**ENVIRONMENT, **environment}, timeout=300
    )


def ok(*words, **more) -> subprocess.CompletedProcess:
    done = esmaml(*words, **more)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's folder, the current one, with a module and a configuration that names it."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "things.py").write_text(MODULE)
    (folder / "run.toml").write_text(CONFIG)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setitem(ENVIRONMENT, "XDG_STATE_HOME", str(tmp_path / "state"))
    return folder


@pytest.fixture
def downloads(own, monkeypatch):
    """A folder with what somebody has sent, the current one: results, and modules that must not be imported."""
    folder = own.parent / "downloads"
    folder.mkdir()
    for name in ("things", "gymnasium_helper", "evil_module"):
        (folder / f"{name}.py").write_text(EVIL.format(marker=str(folder / "marker")))
    return folder


@pytest.mark.parametrize("ranks", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_environment_of_ones_own_goes_from_training_to_json(ranks, own):
    """In a shell: each command is a process of its own, and the product on standard output is the product alone."""
    ok("train", "run.toml", "--output", "l.h5", ranks=ranks)
    done = ok("evaluate", "l.h5", "--json", "-", ranks=ranks)
    assert len(json.loads(done.stdout)["after"]) > 0 and "engine build" in done.stderr
    os.chdir("..")  # from anywhere
    json.loads(ok("evaluate", "own/l.h5", "--json", "-", ranks=ranks).stdout)


@pytest.mark.slow
def test_every_command_that_needs_it_has_it(own):
    ok("train", "run.toml", "--output", "l.h5")
    left = esmaml("adapt", "l.h5", "--session", "s.h5", "--task", "0", "--trials", "1")
    assert left.returncode == 75, left.stderr  # there are trials to come
    ok("adapt", "--session", "s.h5")
    ok("evaluate", "l.h5", "--set", "adaptation.queries=3", "--set", "task.horizon=6")
    program = "import esmaml_mpi; esmaml_mpi.train(esmaml_mpi.read_results('l.h5').config, quiet=True)"
    for code, word in ((0, "1"), (1, "0")):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**ENVIRONMENT, remembered.SWITCH: word},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, done.stderr
        assert ("UntrustedError" in done.stderr) == bool(code)


def test_changed_code_needs_the_word_once(own, new_process, capsys):
    assert main(["train", "run.toml", "--output", "l.h5"]) == 0
    with open("things.py", "a") as file:
        file.write("# another line\n")
    new_process()
    assert main(["evaluate", "l.h5"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"l.h5 wants to import 'things:Loud' (task.options.environment), which runs code ({own}/things.py" in said
    assert "has changed since you named it here)" in said and "--trust" in said
    for flags in (["--trust"], []):
        new_process()
        assert main(["evaluate", "l.h5", *flags]) == 0, capsys.readouterr().err


def test_checking_a_configuration_names_its_code_too(own, new_process, capsys):
    assert main(["train", "run.toml", "--output", "l.h5"]) == 0
    shutil.rmtree("../state")
    new_process()
    assert main(["evaluate", "l.h5"]) == 2
    new_process()
    assert main(["config", "run.toml", "--check"]) == 0
    new_process()
    assert main(["evaluate", "l.h5"]) == 0, capsys.readouterr().err


def _forgery(change, own, downloads) -> str:
    assert main(["train", "run.toml", "--output", "l.h5"]) == 0
    return str(forge(own / "l.h5", downloads / "theirs.h5", change))


def _arguments(tables):
    tables["task"]["options"]["arguments"] = {"goal": 3.0}


def _other_thing(tables):
    tables["task"]["options"]["environment"] = "things:os.system"


def _other_module(tables):
    tables["task"]["options"]["environment"] = "evil_module:Loud"


def _standard_library(tables):
    tables["task"]["options"] |= {"environment": "os:system", "arguments": {"command": "touch marker"}}


def _operator(tables):
    tables["adaptation"]["operator"] = "evil_module:Thing"


@pytest.mark.parametrize("change", [_arguments, _other_thing, _other_module, _standard_library, _operator])
def test_a_forged_file_gets_nothing_by_what_is_remembered(change, own, downloads, new_process, monkeypatch, capsys):
    file = _forgery(change, own, downloads)
    monkeypatch.chdir(downloads)
    for command in (["evaluate", file], ["render", file, "--output", "a.gif"]):
        new_process()
        assert main(command) == 2
        assert "theirs.h5 wants to import" in capsys.readouterr().err
    new_process()
    with pytest.raises(UntrustedError):
        esmaml_mpi.train(esmaml_mpi.read_results(file).config)
    assert not (downloads / "marker").exists()


def test_a_module_beside_somebodys_file_is_not_taken_for_ones_own(own, downloads, new_process, monkeypatch, capsys):
    """The file is as the user's own would be: it is his module that runs, and it finds nothing there either."""
    with open("things.py", "a") as module:
        module.write("try:\n    import gymnasium_helper\nexcept ImportError:\n    pass\n")
    file = _forgery(lambda tables: None, own, downloads)
    new_process()
    monkeypatch.chdir(downloads)
    assert main(["evaluate", file]) == 0, capsys.readouterr().err
    assert sys.modules["things"].__file__ == str(own / "things.py")
    (own / "things.py").unlink()
    new_process()
    assert main(["evaluate", file]) == 2
    assert f"you have named {own}/things.py, which is not found" in capsys.readouterr().err
    assert not (downloads / "marker").exists()


@pytest.mark.slow
def test_the_same_on_several_ranks(own, downloads):
    """Each rank imports for itself, and none from the folder that the command is run in."""
    with open("things.py", "a") as module:
        module.write("try:\n    import gymnasium_helper\nexcept ImportError:\n    pass\n")
    ok("train", "run.toml", "--output", "l.h5", ranks=2)
    shutil.copy("l.h5", downloads / "theirs.h5")
    os.chdir(downloads)
    ok("evaluate", "theirs.h5", ranks=2)
    assert not (downloads / "marker").exists()


@pytest.mark.parametrize("what", ["off", "no home", "a file", "damaged"])
def test_without_a_memory_the_word_is_wanted_and_no_run_fails(what, own, new_process, monkeypatch, capsys):
    state = own.parent / "state"
    if what == "off":
        monkeypatch.setenv(remembered.SWITCH, "0")
    elif what == "no home":
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.delenv("HOME", raising=False)
    elif what == "a file":
        state.write_text("in the way")
    assert main(["train", "run.toml", "--output", "l.h5"]) == 0, capsys.readouterr().err
    if what == "damaged":
        for entry in (state / "esmaml/named_code").iterdir():
            entry.write_bytes(b"\x00")
    said = capsys.readouterr().err
    assert "named_code" not in said and "remember" not in said
    for code, flags in ((2, []), (0, ["--trust"])):
        new_process()
        assert main(["evaluate", "l.h5", *flags]) == code, capsys.readouterr().err


def test_sessions_are_remembered_with_what_they_were_begun_with(own, new_process, capsys):
    text = (ROOT / "examples/own_package/own_package.py").read_text()
    Path("mine.py").write_text(text)
    small = {"task": {"horizon": 5}, "policy": {"hidden": []}, "adaptation": {"operator": "mine:BestOf"}}
    small |= {"meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1}, "test": {"repeats": 1}}
    esmaml_mpi.train(small, output="run.h5", quiet=True)
    new_process()
    with esmaml_mpi.Session.create("s.h5", "run.h5", overrides=["adaptation.sigma=0.4"]) as session:
        session.tell(1.0)
    new_process()
    with esmaml_mpi.Session.open("s.h5") as session:
        assert session.trials == 1
    shutil.rmtree("../state")
    new_process()
    with pytest.raises(UntrustedError):
        esmaml_mpi.Session.open("s.h5")
    esmaml_mpi.Session.open("s.h5", trust=True).close()
    new_process()
    esmaml_mpi.Session.open("s.h5").close()

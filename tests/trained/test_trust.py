"""Code that a file names is not imported unless the user asks for it: one forged file for each way there is."""

from pathlib import Path

import numpy as np
import pytest
from forging import forge

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.errors import UntrustedError

EVIL = """\
import pathlib
pathlib.Path({marker!r}).write_text("imported")
"""
NAME = "evil_module:Thing"
SMALL = {
    "policy": {"hidden": []},
    "task": {"horizon": 5},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "test": {"repeats": 1},
}


def _set(*path, value=NAME):
    def change(tables):
        for name in path[:-1]:
            tables = tables.setdefault(name, {})
        tables[path[-1]] = value

    return change


def _bridge(environment, arguments):
    def change(tables):
        tables["task"]["name"] = "gymnasium"
        tables["task"]["options"] = {"environment": environment, "arguments": arguments}

    return change


def _chain(tables):
    shared = {key: tables["adaptation"][key] for key in ("share_rollouts", "directions", "direction_options")}
    tables["adaptation"] = {**shared, "operator": "chain", "links": [{"operator": NAME}]}


# Each way from a file to an import, and whether a robot's adaptation goes that way too.
WAYS = {
    "family": (_set("task", "name"), False),
    "environment": (_bridge(NAME, {}), False),
    "function of a library": (_bridge("evil_module:system", {"command": "true"}), False),
    "module that registers": (_bridge("evil_module:CartPole-v1", {}), False),
    "operator": (_set("adaptation", "operator"), True),
    "link of a chain": (_chain, True),
    "sampler": (_set("adaptation", "directions"), True),
    "decoder": (_set("adaptation", "decoder"), True),
    "estimator": (_set("adaptation", "estimator"), True),
    "policy": (_set("policy", "architecture"), True),
    "algorithm": (_set("meta", "algorithm"), False),
    "meta sampler": (_set("meta", "directions"), False),
    "meta decoder": (_set("meta", "decoder"), False),
    "meta estimator": (_set("meta", "estimator"), False),
    "optimizer": (_set("meta", "optimizer"), False),
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("honest")
    esmaml_mpi.train(SMALL, output=folder / "run.h5")
    with esmaml_mpi.Session.create(folder / "session.h5", folder / "run.h5") as session:
        session.tell(1.0)
    return folder


@pytest.fixture
def place(new_process, tmp_path, monkeypatch):
    """The current folder, in which the module lies that no file may have imported."""
    monkeypatch.chdir(tmp_path)
    Path("evil_module.py").write_text(EVIL.format(marker=str(tmp_path / "marker")))
    return tmp_path


def _imported(place: Path) -> bool:
    return (place / "marker").exists()


@pytest.mark.parametrize("way", WAYS)
def test_results_are_read_without_importing_what_they_name(way, honest, place, capsys):
    file = str(forge(honest / "run.h5", place / "forged.h5", WAYS[way][0]))
    esmaml_mpi.read_results(file)
    for command in (["info"], ["info", "--json"], ["info", "--config"], ["export", "--csv", "tables"]):
        assert main([command[0], file, *command[1:]]) == 0, capsys.readouterr().err
    assert not _imported(place)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["family", "environment", "operator", "sampler", "policy", "algorithm"])
def test_pictures_and_reports_import_nothing(way, honest, place, capsys):
    pytest.importorskip("matplotlib")
    file = str(forge(honest / "run.h5", place / "forged.h5", WAYS[way][0]))
    assert main(["plot", "run", file]) == 0, capsys.readouterr().err
    assert main(["report", file, "--output", "report.html"]) == 0, capsys.readouterr().err
    for name in ("learning_curves", "final_scores", "operators", "timing"):
        main(["plot", name, file])
    assert main(["plot", "adaptation_curves", file]) == 1
    assert "pictures import nobody's code" in capsys.readouterr().err
    assert not _imported(place)


def test_an_estimator_of_training_alone_is_not_needed_to_evaluate(honest, place, capsys):
    file = str(forge(honest / "run.h5", place / "forged.h5", WAYS["meta estimator"][0]))
    assert main(["evaluate", file, "--repeats", "1"]) == 0, capsys.readouterr().err
    assert not _imported(place)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "meta estimator"])
def test_what_needs_the_code_says_so_in_one_line_and_imports_nothing(way, honest, place, capsys):
    file = str(forge(honest / "run.h5", place / "forged.h5", WAYS[way][0]))
    for command in (
        ["evaluate", file],
        ["render", file, "--output", "path.png"],
        ["adapt", file, "--session", "s.h5", "--task", "0"],
    ):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "forged.h5 wants to import 'evil_module:" in said and "--trust" in said, said
    assert not _imported(place) and not Path("s.h5").exists()


@pytest.mark.parametrize("way", WAYS)
def test_python_refuses_them_as_well(way, honest, place):
    results = esmaml_mpi.read_results(forge(honest / "run.h5", place / "forged.h5", WAYS[way][0]))
    with pytest.raises(UntrustedError):
        esmaml_mpi.train(results.config)
    if WAYS[way][1]:
        with pytest.raises(UntrustedError):
            meta = esmaml_mpi.MetaPolicy(results)
            meta.adaptation().ask()
        with pytest.raises(UntrustedError):
            esmaml_mpi.Session.create(place / "s.h5", results)
    else:  # nothing of it is needed to adapt a robot
        meta = esmaml_mpi.MetaPolicy(results)
        assert np.isfinite(meta.adaptation().ask()).all()
    assert not _imported(place)


@pytest.mark.parametrize("way", [way for way, (_, robot) in WAYS.items() if robot])
def test_sessions_and_policies_import_nothing(way, honest, place, capsys):
    session = str(forge(honest / "session.h5", place / "forged.h5", WAYS[way][0]))
    with pytest.raises(UntrustedError, match=r"forged\.h5 wants to import"):
        esmaml_mpi.Session.open(session)
    assert main(["adapt", "--session", session, "--command", "echo 1 {policy}"]) == 2
    main(["export", session, "--policy", "npz"])
    main(["export", str(forge(honest / "run.h5", place / "results.h5", WAYS[way][0])), "--policy", "npz"])
    assert not _imported(place)


@pytest.mark.parametrize("way", ["family", "environment", "operator", "policy", "optimizer"])
def test_trust_lets_them(way, honest, place, capsys):
    """What is imported then raises, as this module does; that it is said is the proof."""
    file = str(forge(honest / "run.h5", place / "forged.h5", WAYS[way][0]))
    assert main(["evaluate", file, "--trust"]) == 2
    assert _imported(place) and "evil_module" in capsys.readouterr().err


def test_what_the_user_names_needs_no_flag(honest, place, capsys):
    assert main(["evaluate", str(honest / "run.h5"), "--set", f"adaptation.operator={NAME}"]) == 2
    assert _imported(place) and "wants to import" not in capsys.readouterr().err


def test_a_run_goes_on_with_the_users_own_file_and_no_flag(place, capsys):
    """The same TOML file again, as job scripts do, from another folder."""
    Path("own").mkdir()
    Path("own/own_line.py").write_text((Path(__file__).parents[2] / "examples/own_package/own_package.py").read_text())
    Path("own/run.toml").write_text('[task]\nname = "own_line:Line"\n[adaptation]\noperator = "own_line:BestOf"\n')
    small = [part for each in ("meta.perturbations=2", "meta.current_evaluations=1", "policy.hidden=[]")
             for part in ("--set", each)]  # fmt: skip
    for iterations in ("1", "2"):
        command = ["train", "own/run.toml", "--output", "out.h5", "--resume", *small]
        assert main([*command, "--set", f"meta.iterations={iterations}"]) == 0, capsys.readouterr().err
    assert len(esmaml_mpi.read_results("out.h5").history["train"]["iteration"]) == 2

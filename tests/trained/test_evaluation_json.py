"""What ``esmaml evaluate --json`` writes, and where."""

import json

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.trained import evaluation

SETTINGS = {
    "task": {"horizon": 5},
    "policy": {"hidden": []},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "test": {"repeats": 1},
}


def test_what_failed_is_null_and_the_folder_is_made(tmp_path, monkeypatch):
    esmaml_mpi.train(SETTINGS, output=tmp_path / "run.h5", quiet=True)
    whole = evaluation.assess

    def failing(*arguments):
        reply = whole(*arguments)
        reply.after[0, 0] = np.nan
        return reply

    monkeypatch.setattr(evaluation, "assess", failing)
    path = tmp_path / "new" / "e.json"
    assert main(["evaluate", str(tmp_path / "run.h5"), "--repeats", "2", "--json", str(path)]) == 0

    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    found = json.loads(path.read_text(), parse_constant=refuse)["after"]
    assert found[0][0] is None and all(isinstance(value, float) for value in found[0][1:] + found[1])


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_computed(tmp_path, monkeypatch, capsys):
    esmaml_mpi.train(SETTINGS, output=tmp_path / "run.h5", quiet=True)
    monkeypatch.setattr(evaluation, "assess", None)
    place = tmp_path / "run.h5" / "e.json"  # below a file
    assert main(["evaluate", str(tmp_path / "run.h5"), "--json", str(place)]) == 2
    assert f"--json {place}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [
        ["adaptation.operator=trial_programme", "adaptation.queries=2"],  # whose stop_at is infinite
        ["meta.algorithm=first_order", "adaptation.queries=4"],
    ],
)
def test_it_is_json_and_other_adaptations_can_be_asked_for(tmp_path, settings):
    settings = ["task.options.reward=squared_distance", *settings]
    esmaml_mpi.train(SETTINGS, settings, output=tmp_path / "run.h5", quiet=True)
    found = []
    for number, more in enumerate(([], ["adaptation.operator=hill_climbing", "adaptation.queries=3"])):
        path = tmp_path / f"{number}.json"
        words = [word for each in more for word in ("--set", each)]
        assert main(["evaluate", str(tmp_path / "run.h5"), "--repeats", "2", "--json", str(path), *words]) == 0
        found.append(json.loads(path.read_text(), parse_constant=pytest.fail))
    assert found[0]["before"] == found[1]["before"] and found[0]["after"] != found[1]["after"]
    assert found[1]["adaptation"]["operator"] == "hill_climbing" and found[1]["rollouts_per_adaptation"] == 4

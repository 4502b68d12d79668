"""The zoo: every model is what the catalogue says, and a model that scores otherwise is noticed."""

import dataclasses

import pytest

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.interface import interface_of
from esmaml_mpi.zoo import catalogue as zoo
from esmaml_mpi.zoo import verification

MODELS = zoo.catalogue()
NAMES = [model.name for model in MODELS]
EXACT = [model.name for model in MODELS if model.exact]


def test_the_folder_holds_the_models_of_the_catalogue_and_nothing_else():
    assert {path.name for path in zoo.MODELS.iterdir()} == {"catalogue.json", *(f"{name}.h5" for name in NAMES)}
    assert len(EXACT) >= 3 and NAMES == sorted(NAMES)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_model_is_small_and_says_what_the_catalogue_says(model):
    assert len(model.content()) <= zoo.LARGEST
    results = esmaml_mpi.read_results(model.path)
    iteration, theta, _, _ = results.parameters()
    assert (iteration, len(theta)) == (model.iteration, model.parameters)
    assert (results.config.task.name, results.config.run.seed) == (model.family, model.seed)
    assert results.test_task_ids == model.scores.tasks
    assert model.exact == verification.is_exact(results.config)
    if model.name == "t_maze":  # one task: its policy needs its memory, and no adaptation
        assert model.scores.before == model.scores.after == 1.0 and results.config.policy.architecture == "gru"
    else:
        assert model.scores.after > model.scores.before + 3 * model.scores.after_error
    assert not any({"host", "command"} & set(facts) for facts in results.launches)
    task = results.config.task
    assert results.interface == interface_of(make_family(task.name, task.horizon, task.options)), "pack it again"
    assert results.config == esmaml_mpi.load_config(zoo.MODELS.parents[2] / f"zoo/{model.name}.toml").resolved()


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_the_page_has_the_scores_of_the_catalogue(model):
    page = (zoo.MODELS.parents[2] / "docs/robot.md").read_text(encoding="utf-8")
    scores, agree = model.scores, "the same bits" if model.exact else "within an interval"
    facts = f"{len(model.content()) / 1000:.0f} | {scores.before:.2f} | {scores.after:.2f} | {agree} |"
    assert f"| `{model.name}` | `{model.family}` | {model.parameters} | {facts}" in page


def test_list_and_get(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["zoo", "list"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == NAMES
    assert max(map(len, lines)) <= 80
    assert cli.main(["zoo", "get", "navigation_2d"]) == 0
    assert capsys.readouterr().out == "navigation_2d.h5\n"
    assert (tmp_path / "navigation_2d.h5").read_bytes() == zoo.find("navigation_2d").path.read_bytes()
    assert cli.main(["zoo", "get", "navigation_2d"]) == 2
    assert "navigation_2d.h5 exists. Replace it with --overwrite" in capsys.readouterr().err
    assert cli.main(["zoo", "get", "four_corners", "--output", "navigation_2d.h5", "--overwrite"]) == 0
    assert (tmp_path / "navigation_2d.h5").read_bytes() == zoo.find("four_corners").path.read_bytes()
    assert cli.main(["zoo", "get", "lion"]) == 2
    assert "it has " + ", ".join(NAMES) in capsys.readouterr().err


@pytest.mark.parametrize("name", EXACT)
def test_models_of_our_own_arithmetic_have_the_stated_bits(name, capsys):
    assert cli.main(["zoo", "verify", name]) == 0
    assert capsys.readouterr().out.rstrip().endswith("same bits")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXACT])
def test_other_models_score_as_stated(name, capsys):
    assert cli.main(["zoo", "verify", name]) == 0


def test_other_scores_are_noticed(monkeypatch, capsys):
    model = zoo.find("navigation_2d")
    scores = dataclasses.replace(model.scores, after=model.scores.after + 1e-9, digest="0" * 64)
    monkeypatch.setattr(zoo, "catalogue", lambda: [dataclasses.replace(model, scores=scores)])
    assert cli.main(["zoo", "verify"]) == 1
    assert "NOT AS STATED" in capsys.readouterr().out
    far = verification.interval(scores, "after")
    for offset, code in ((-0.8, 0), (-1.2, 1)):  # of the interval, where libraries compute a task
        moved = dataclasses.replace(scores, after=model.scores.after + offset * far)
        library = dataclasses.replace(model, scores=moved, exact=False)
        monkeypatch.setattr(zoo, "catalogue", lambda library=library: [library])
        assert cli.main(["zoo", "verify"]) == code
        assert ("within the interval" in capsys.readouterr().out) == (code == 0)


def test_a_damaged_file_is_noticed(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(zoo, "MODELS", tmp_path)
    (tmp_path / "navigation_2d.h5").write_bytes(b"another file")
    assert cli.main(["zoo", "verify", "navigation_2d"]) == 1
    assert "its checksum differs" in capsys.readouterr().err
    assert cli.main(["zoo", "get", "navigation_2d", "--output", str(tmp_path / "x.h5")]) == 1
    assert not (tmp_path / "x.h5").exists()

"""The section [adaptation], and the tables of samplers, decoders and corruption: what is accepted, dropped, refused."""

import dataclasses
import json
import re

import pytest
import tomli_w

import esmaml_mpi
from esmaml_mpi.adaptation import OPERATORS, operator_class
from esmaml_mpi.commands.main import main
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.loading import load
from esmaml_mpi.decoders import DECODERS
from esmaml_mpi.directions import DIRECTIONS
from esmaml_mpi.errors import ConfigError

TINY = {
    "task": {"horizon": 5},
    "policy": {"hidden": []},  # 6 parameters
    "meta": {"perturbations": 4, "current_evaluations": 2, "iterations": 1},
    "test": {"repeats": 1},
}
# Those that learn from more than rewards need other policies: tests/baselines.
OTHERS = "uses_recordings", "uses_memory"  # of operators that are answered by more than rewards
BY_REWARDS = [name for name in OPERATORS if not any(getattr(operator_class(name), each, False) for each in OTHERS)]
COSINES = "{kernel='cosine', ridge=0.0}"


def sets(*overrides):
    return [part for override in overrides for part in ("--set", override)]


@pytest.fixture
def command(capsys):
    """Runs the command in this process: exit code, output, errors."""
    return lambda *arguments: (main(list(map(str, arguments))), *capsys.readouterr())


@pytest.mark.parametrize(
    "operator, directions",
    [(operator, "gaussian") for operator in BY_REWARDS]
    + [(operator, "dpp") for operator in BY_REWARDS if operator != "none"],
)
def test_what_esmaml_config_prints_is_read_back_equal(command, tmp_path, operator, directions):
    chosen = [f"adaptation.operator={operator}", f"adaptation.directions={directions}", "task.corruption.fraction=0.25"]
    chosen.append("task.corruption.relative=false")  # searches measure one reward at a time
    if directions == "dpp":
        chosen += ["adaptation.direction_options.rho=3", "meta.directions=dpp", "meta.direction_options.ridge=1e-3"]
    code, text, err = command("config", *sets(*chosen))
    (tmp_path / "printed.toml").write_text(text)
    assert code == 0 and not err
    assert load(tmp_path / "printed.toml") == load({}, chosen).resolved()
    assert load(tmp_path / "printed.toml").resolved() == load({}, chosen).resolved()
    code, again, _ = command("config", tmp_path / "printed.toml")
    assert code == 0 and again == text
    told = " ".join(line.removeprefix("# ") for line in text.splitlines())
    for field in dataclasses.fields(operator_class(operator)):
        assert field.metadata["doc"] in told, field.name


@pytest.mark.parametrize("operator", BY_REWARDS)
@pytest.mark.parametrize("comments", [False, True])
def test_settings_other_than_the_defaults_survive_as_toml(operator, comments):
    tables = {
        "es_gradient": {"decoder": "lasso", "decoder_options": {"regularization": 1 / 3}, "reuse_radius": 1.5},
        "hill_climbing": {"scheme": "batch", "evaluations": 3, "reevaluate_pivot": True, "learned": ["scales"]},
        "evo_es_gradient": {"candidates": 5, "temperature": 0.5, "decoder": "ridge"},
        "population_search": {"population": 7, "survivors": 7, "generations": 1},
        "latent_search": {"latent": 3, "scheme": "one_plus_one", "spread": 0.5},
        "racing": {"rounds": 3, "candidates": 2, "reevaluations": 4},
        "trial_programme": {"queries": 3, "stop_at": -50.5},
        "none": {},
        "chain": {
            "links": [
                {"operator": "es_gradient", "decoder_options": {}},
                {"operator": "hill_climbing", "scheme": "average", "evaluations": 2},
            ]
        },
    }
    config = load({"adaptation": {"operator": operator, **tables[operator]}}).resolved()
    assert Config.from_toml(config.to_toml(comments)) == config
    assert Config.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    "comments",
    [False, True],
)
@pytest.mark.parametrize(
    "links",
    [
        [
            {
                "operator": "es_gradient",
                "queries": 10,
                "sigma": 0.123,
                "step_size": 0.045,
                "decoder": "ridge",
                "steps": 2,
            }
        ],
        [{"operator": "chain", "links": [{"operator": "hill_climbing"}]}],
    ],
    ids=["more than a line", "chain"],
)
def test_long_links_survive_as_toml(comments, links):
    config = load({"adaptation": {"operator": "chain", "links": links}}).resolved()
    assert Config.from_toml(config.to_toml(comments)) == config


@pytest.mark.parametrize("name", DIRECTIONS)
def test_every_sampler_can_be_chosen_in_both_loops(name):
    config = load(TINY, [f"adaptation.directions={name}", f"meta.directions={name}"]).resolved()
    assert config.adaptation.directions == config.meta.directions == name


@pytest.mark.parametrize("name", DECODERS)
def test_every_decoder_can_be_chosen_in_both_loops(name):
    chosen = [f"adaptation.decoder={name}", f"meta.decoder={name}", "meta.perturbations=8"]
    config = load(TINY, chosen).resolved()
    assert config.adaptation.decoder == config.meta.decoder == name


GRADIENT = {
    "operator": "es_gradient",
    "queries": 7,
    "sigma": 0.3,
    "step_size": 0.2,
    "estimator": "vanilla",
    "decoder": "ridge",
    "decoder_options": {"regularization": 2.0},
    "directions": "orthogonal",
    "share_rollouts": True,
}


@pytest.mark.parametrize("named", [True, False], ids=["operator named", "operator by default"])
def test_another_operator_drops_the_keys_that_mean_nothing_to_it_and_no_other(named):
    table = {key: value for key, value in GRADIENT.items() if named or key != "operator"}
    found = load({"adaptation": table}, ["adaptation.operator=hill_climbing"]).adaptation
    kept = dict(queries=7, sigma=0.3, directions="orthogonal", share_rollouts=True)
    assert found == operator_class("hill_climbing")(**kept)
    back = load({"adaptation": dataclasses.asdict(found)}, ["adaptation.operator=es_gradient"]).adaptation
    assert back == operator_class("es_gradient")(**kept)


def test_what_is_said_on_the_command_line_is_never_dropped():
    operator = "adaptation.operator=hill_climbing"
    with pytest.raises(ConfigError, match=r"'adaptation\.step_size' does not exist"):
        load({"adaptation": GRADIENT}, [operator, "adaptation.step_size=0.7"])
    with pytest.raises(ConfigError, match=r"'adaptation\.step_size' does not exist"):
        load({"adaptation": {"queries": 3}}, [operator, "adaptation.step_size=0.05"])


def test_an_option_said_on_the_command_line_is_not_dropped_either():
    with pytest.raises(ConfigError, match=r"'adaptation\.decoder_options' does not exist"):
        chosen = ["adaptation.decoder_options.regularization=3", "adaptation.operator=hill_climbing"]
        load({"adaptation": GRADIENT}, chosen)


def test_a_files_own_wrong_keys_are_not_dropped():
    with pytest.raises(ConfigError, match=r"'adaptation\.step_size' does not exist"):
        load({"adaptation": {**GRADIENT, "operator": "hill_climbing"}}, ["run.seed=1"])


def test_the_callers_tables_are_left_alone():
    tables = {"adaptation": dict(GRADIENT)}
    load(tables, ["adaptation.operator=hill_climbing", "adaptation.direction_options={}"])
    assert tables == {"adaptation": GRADIENT}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "run.h5"
    esmaml_mpi.train({**TINY, "adaptation": GRADIENT}, output=path)
    return path


def test_results_of_one_operator_are_evaluated_with_another(command, results):
    chosen = sets("adaptation.operator=hill_climbing", "adaptation.queries=3")
    code, out, err = command("evaluate", results, *chosen, "--repeats", 2, "--json", "-")
    assert code == 0 and not err
    found = json.loads(out)["adaptation"]
    assert (found["operator"], found["queries"], found["sigma"]) == ("hill_climbing", 3, 0.3)
    assert found["directions"] == "orthogonal" and not {"step_size", "decoder", "estimator"} & found.keys()
    code, out, err = command("evaluate", results, *sets("adaptation.operator=chain"), "--json", "-")
    assert code == 0 and json.loads(out)["adaptation"]["links"][0] == {"operator": "es_gradient"}


def test_a_wrong_operator_for_an_evaluation_is_one_line(command, results):
    code, out, err = command("evaluate", results, *sets("adaptation.operator=hill_climbing", "adaptation.steps=2"))
    assert code == 2 and not out and err.count("\n") == 1 and "adaptation.steps" in err


# What is set, and what the one line must say.
WRONG = {
    "key of another operator": (
        ["adaptation.operator=hill_climbing", "adaptation.step_size=1"],
        "'adaptation.step_size' does not exist",
    ),
    "no operator of this name": (["adaptation.operator=hillclimbing"], "Did you mean 'hill_climbing'"),
    "operator is a number": (["adaptation.operator=3"], "adaptation.operator = 3: a string is wanted"),
    "average of a sequential climb": (
        ["adaptation.operator=hill_climbing", "adaptation.evaluations=2"],
        "adaptation.evaluations = 2",
    ),
    "more survivors than policies": (
        ["adaptation.operator=population_search", "adaptation.survivors=9"],
        "adaptation.survivors = 9",
    ),
    "empty chain": (["adaptation.operator=chain", "adaptation.links=[]"], "adaptation.links = []"),
    "link without a name": (
        ["adaptation.operator=chain", "adaptation.links=[{queries=3}]"],
        "adaptation.links[0].operator",
    ),
    "link with a setting of the chain": (
        ["adaptation.operator=chain", "adaptation.links=[{operator='hill_climbing', directions='dpp'}]"],
        "adaptation.links[0].directions = 'dpp'",
    ),
    "sampler": (["adaptation.directions=ortogonal"], "Did you mean 'orthogonal'"),
    "outer sampler": (["meta.directions=ortogonal"], "meta.directions = 'ortogonal'"),
    "sampler's option": (["meta.directions=dpp", "meta.direction_options.rh=3"], "'meta.direction_options.rho'"),
    "option of another sampler": (["adaptation.direction_options.rho=3"], "'adaptation.direction_options.rho'"),
    "sampler's option's value": (
        ["adaptation.directions=dpp", "adaptation.direction_options.rho=1"],
        "adaptation.direction_options.rho = 1",
    ),
    "sampler's options": (["adaptation.direction_options=3"], "adaptation.direction_options = 3: a table is wanted"),
    "cosines of too low rank": (
        ["meta.perturbations=7", "meta.directions=dpp", f"meta.direction_options={COSINES}"],
        "7 directions are wanted, but cosines in 6 dimensions are a kernel of rank 6. Set a ridge",
    ),
    "decoder": (["adaptation.decoder=rigde"], "adaptation.decoder = 'rigde'"),
    "outer decoder": (["meta.decoder=rigde"], "Did you mean 'ridge'"),
    "decoder's option": (["meta.decoder=ridge", "meta.decoder_options.lambda=1"], "'meta.decoder_options.lambda'"),
    "decoder's option's value": (
        ["adaptation.decoder=lasso", "adaptation.decoder_options.regularization=1"],
        "adaptation.decoder_options.regularization = 1.0: a value > 0 and < 1 is wanted",
    ),
    "as many rows as parameters": (["adaptation.decoder=lp", "adaptation.queries=6"], "gets 6 rows for a policy of 6"),
    "as many outer rows as parameters": (
        ["meta.decoder=lp", "meta.perturbations=12", "meta.estimator=antithetic"],
        "gets 6 rows for a policy of 6 parameters: at least 7 are wanted",
    ),
    "an intercept is one more unknown": (
        ["adaptation.decoder=lp", "adaptation.queries=7", "adaptation.decoder_options.intercept=true"],
        "at least 8 are wanted",
    ),
    "too few rows in a chain": (
        ["adaptation.operator=chain", "adaptation.links=[{operator='es_gradient', queries=6, decoder='lp'}]"],
        "gets 6 rows for a policy of 6 parameters",
    ),
    "odd count of twins": (
        ["adaptation.estimator=antithetic", "adaptation.queries=5"],
        "adaptation.queries = 5: estimator 'antithetic' needs an even number",
    ),
    "odd count of outer twins": (["meta.estimator=antithetic", "meta.perturbations=5"], "meta.perturbations = 5"),
    "odd count of twins in a chain": (
        [
            "adaptation.operator=chain",
            "adaptation.links=[{operator='es_gradient', queries=5, estimator='antithetic'}]",
        ],
        "queries = 5: estimator 'antithetic' needs an even number",
    ),
    "reuse without a regression": (["adaptation.reuse_radius=1"], "adaptation.reuse_radius = 1.0"),
    "reuse without a pivot": (
        [
            "adaptation.decoder=ridge",
            "adaptation.reuse_radius=1",
            "adaptation.estimator=antithetic",
            "adaptation.reward_normalization=none",
        ],
        "adaptation.reuse_radius = 1.0",
    ),
    "corruption": (["task.corruption=3"], "task.corruption = 3: a table is wanted"),
    "corruption's key": (["task.corruption.frac=0.5"], "Did you mean 'task.corruption.fraction'"),
    "corruption's value": (["task.corruption.fraction=1.5"], "task.corruption.fraction = 1.5"),
    "corruption's type": (["task.corruption.relative=1"], "task.corruption.relative = 1: true or false is wanted"),
    "outliers among single rewards": (
        ["task.corruption.fraction=0.5", "adaptation.operator=hill_climbing"],
        "task.corruption.relative = true:",
    ),
}


def refused(command, folder, overrides, said):
    """Whether ``esmaml train`` refuses these settings in one line, with exit code 2, and leaves no file."""
    (folder / "c.toml").write_text(tomli_w.dumps(TINY))
    code, out, err = command("train", folder / "c.toml", *sets(*overrides), "--output", folder / "r.h5")
    assert code == 2 and not out and re.fullmatch(r"esmaml: .*\n", err), err
    assert said in err
    assert [path.name for path in folder.iterdir()] == ["c.toml"]
    return True


@pytest.mark.parametrize(
    "alone, chosen",
    [
        (True, ["operator=racing"]),
        (True, ["operator=trial_programme", "reevaluations=2"]),
        (True, ["operator=latent_search", "scheme=gaussian", "reevaluations=2"]),
        (True, ["operator=latent_search", "scheme=cma_es", "latent=2", "queries=7"]),  # the last one is left alone
        (True, ["operator=hill_climbing", "scheme=average", "evaluations=3"]),
        (True, ["operator=hill_climbing", "scheme=batch", "evaluations=3"]),  # its pivot is measured three times
        (False, ["operator=hill_climbing", "scheme=batch", "evaluations=3", "reevaluate_pivot=true"]),
        (False, ["operator=hill_climbing", "scheme=average", "evaluations=3", "reevaluate_pivot=true"]),
        (False, ["operator=trial_programme"]),
        (False, ["operator=latent_search", "scheme=gaussian"]),
        (False, ["operator=latent_search", "scheme=cma_es", "latent=2", "queries=8"]),
        (False, ["operator=population_search"]),
        (False, ["operator=es_gradient"]),
    ],
)
def test_outliers_among_rewards_that_come_alone_are_spoken_of_before_training(alone, chosen, capsys):
    config = load({}, ["task.corruption.fraction=0.5", *(f"adaptation.{each}" for each in chosen)])
    config.resolved(training=False)
    assert capsys.readouterr().err == ""
    config.resolved()
    assert ("an outlier is the reward itself" in capsys.readouterr().err) == alone
    load(config, ["task.corruption.relative=false"]).resolved()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("case", WRONG)
def test_train_says_in_one_line_what_is_wrong_before_it_starts(command, tmp_path, case):
    assert refused(command, tmp_path, *WRONG[case])


INNER_COSINES = ["adaptation.directions=dpp", f"adaptation.direction_options={COSINES}"]
# Not refused before the start, or not in these words.
MISSED = {
    "no operator of this name, beside keys of the old one": (
        ["adaptation.operator=hillclimbing", "adaptation.queries=4"],
        "Did you mean 'hill_climbing'",
    ),
    "link's operator is a list": (
        ["adaptation.operator=chain", "adaptation.links=[{operator=['hill_climbing']}]"],
        "adaptation.links[0].operator",
    ),
    "too few rows in a chain of chains": (
        [
            "adaptation.operator=chain",
            "adaptation.links=[{operator='chain', links=[{operator='es_gradient', queries=6, decoder='lp'}]}]",
        ],
        "gets 6 rows for a policy of 6 parameters",
    ),
    "too few top directions": (
        ["meta.decoder=lp", "meta.perturbations=20", "meta.top_directions=6"],
        "gets 6 rows for a policy of 6 parameters",
    ),
}


@pytest.mark.parametrize("case", MISSED)
def test_train_should_say_in_one_line_what_is_wrong_before_it_starts(command, tmp_path, monkeypatch, case):
    monkeypatch.setattr("esmaml_mpi.parallel.world.World.abort", lambda self, code: pytest.fail("aborted"))
    assert refused(command, tmp_path, *MISSED[case])


@pytest.mark.parametrize(
    "operator",
    [
        ["adaptation.queries=7"],
        ["adaptation.operator=hill_climbing", "adaptation.scheme=batch", "adaptation.evaluations=7"],
        ["adaptation.operator=population_search", "adaptation.population=7"],
        ["adaptation.operator=chain", "adaptation.links=[{operator='es_gradient', queries=7}]"],
    ],
    ids=["gradient", "batch", "population", "chain"],
)
def test_cosines_of_too_low_rank_should_be_refused_before_an_adaptation(operator):
    with pytest.raises(ConfigError, match="7 directions are wanted, but cosines in 6 dimensions"):
        load(TINY, [*operator, *INNER_COSINES]).resolved()


@pytest.mark.parametrize(
    "section, key, chosen",
    [("adaptation", "querie", "adaptation.operator=hill_climbing"), ("meta", "perturbation", "meta.algorithm=pg_maml")],
)
def test_a_slip_is_no_key_of_the_old_choice(section, key, chosen):
    with pytest.raises(ConfigError, match=key):
        load({section: {key: 3}}, [chosen])
    assert load({"adaptation": {"sigma": 0.2, "estimator": "antithetic"}}, ["adaptation.operator=hill_climbing"])

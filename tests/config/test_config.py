"""What a config accepts, what it refuses and how it says so, and what it fills in."""

import dataclasses
import re

import pytest

from esmaml_mpi.config.config import Config, changed_keys
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError

# What is set, and what the message must say: key, value, what is allowed, and the nearest name where there is one.
WRONG = {
    "section": (
        {"mete": {}},
        ["section 'mete'", "Did you mean 'meta'?", "adaptation, checkpoint, meta, policy, run, task, test"],
    ),
    "key": ({"meta": {"itrations": 3}}, ["'meta.itrations'", "Did you mean 'meta.iterations'?", "meta.algorithm, "]),
    "section like no other": ({"zzz": {}}, ["section 'zzz' does not exist. Allowed: adaptation, checkpoint, "]),
    "table": ({"meta": 3}, ["meta = 3", "a table of settings"]),
    "choice": (
        {"meta": {"optimizer": "adamw"}},
        ["meta.optimizer = 'adamw'", "Did you mean 'adam'?", "Allowed: adam, sgd"],
    ),
    "estimator": (
        {"adaptation": {"estimator": "forward"}},
        ["adaptation.estimator = 'forward'", "antithetic, forward_fd, vanilla"],
    ),
    "family": (
        {"task": {"name": "six_circle"}},
        ["task.name = 'six_circle'", "Did you mean 'six_circles'?", "sinusoid"],
    ),
    "not an integer": ({"meta": {"iterations": 2.5}}, ["meta.iterations = 2.5", "an integer is wanted, not a number"]),
    "true is no integer": ({"meta": {"iterations": True}}, ["meta.iterations = True", "an integer", "true or false"]),
    "true is no number": ({"meta": {"sigma": True}}, ["meta.sigma = True", "a number is wanted, not true or false"]),
    "not a number": ({"meta": {"sigma": "0.1"}}, ["meta.sigma = '0.1'", "a number is wanted, not a string"]),
    "not a string": ({"run": {"name": 7}}, ["run.name = 7", "a string is wanted, not an integer"]),
    "not a list": ({"policy": {"hidden": 32}}, ["policy.hidden = 32", "a list is wanted, not an integer"]),
    "list element": ({"policy": {"hidden": [32, "x"]}}, ["policy.hidden = 'x'", "an integer is wanted"]),
    "list element too small": ({"policy": {"hidden": [32, 0]}}, ["policy.hidden = 0", ">= 1"]),
    "not above": ({"meta": {"sigma": 0}}, ["meta.sigma = 0.0", "> 0"]),
    "below minimum": ({"adaptation": {"queries": 0}}, ["adaptation.queries = 0", ">= 1"]),
    "above maximum": ({"meta": {"max_failed_fraction": 1.5}}, ["meta.max_failed_fraction = 1.5", ">= 0 and <= 1"]),
    "seed": ({"run": {"seed": 2**63}}, ["run.seed = 9223372036854775808", ">= 0 and < 2^63"]),
    "infinite": ({"meta": {"step_size": float("inf")}}, ["meta.step_size = inf", "finite"]),
    "nan": ({"meta": {"step_size": float("nan")}}, ["meta.step_size = nan", "a number is wanted"]),
    "option": (
        {"task": {"options": {"penalti": 1.0}}},
        ["'task.options.penalti'", "Did you mean 'task.options.penalty'?"],
    ),
    "option value": ({"task": {"options": {"penalty": -1.0}}}, ["task.options.penalty = -1.0", ">= 0"]),
    "name with a slash": ({"run": {"name": "a/b"}}, ["run.name = 'a/b'", "without slashes"]),
    "no name": ({"run": {"name": ""}}, ["run.name = ''", "non-empty"]),
    "odd inner budget": (
        {"adaptation": {"estimator": "antithetic", "queries": 21}},
        ["adaptation.queries = 21", "'antithetic'", "even number"],
    ),
    "odd outer budget": (
        {"meta": {"estimator": "antithetic", "perturbations": 151}},
        ["meta.perturbations = 151", "'antithetic'", "even number"],
    ),
    "more top directions than directions": (
        {"meta": {"estimator": "antithetic", "top_directions": 76}},
        ["meta.top_directions = 76", "only 75 directions"],
    ),
    "batch larger than the set": (
        {"task": {"name": "sinusoid", "train_size": 4, "batch_size": 5}},
        ["task.batch_size = 5", "without replacement", "task.train_size = 4"],
    ),
    "more tasks than there are": (
        {"task": {"train_size": 5, "test_size": 1}},
        ["task.train_size = 5", "four_corners has only 4"],
    ),
    "more test tasks than there are": ({"task": {"test_size": 5}}, ["task.test_size = 5", "four_corners has only 4"]),
    "overlapping tasks": (
        {"task": {"train_size": 3, "test_size": 2}},
        ["task.train_size = 3", "task.test_size = 2", "disjoint"],
    ),
    "all tasks but other tests": ({"task": {"train_size": 4, "test_size": 2}}, ["task.test_size = 2", "must be 4"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case):
    tables, words = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        load(tables).resolved()
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_defaults_are_the_papers():
    config = load({}).resolved()
    assert (config.meta.perturbations, config.meta.current_evaluations) == (150, 150)
    assert (config.meta.sigma, config.meta.step_size, config.adaptation.sigma, config.adaptation.step_size) == (
        0.1,
        0.01,
        0.1,
        0.05,
    )
    assert (config.adaptation.queries, config.adaptation.steps, config.task.rollouts) == (20, 1, 1)
    assert config.policy.hidden == [32] and config.policy.normalize_observations and config.policy.output == "tanh"
    assert config.meta.estimator == config.adaptation.estimator == "forward_fd"
    assert config.meta.reward_normalization == config.adaptation.reward_normalization == "standardize"
    assert (config.meta.optimizer, config.meta.algorithm, config.meta.max_failed_fraction) == ("sgd", "zero_order", 0.4)
    assert (config.adaptation.operator, config.meta.top_directions) == ("es_gradient", 0)


@pytest.mark.parametrize(
    "task, sizes, train, test",
    [
        ({"name": "four_corners"}, (4, 4, 4), range(4), range(4)),
        ({"name": "six_circles"}, (1, 1, 1), range(1), range(1)),
        ({"name": "six_circles", "options": {"goals": 4, "subset": 1}}, (4, 4, 4), range(4), range(4)),
        ({"name": "navigation_2d"}, (50, 5, 5), range(50), range(50, 55)),
        ({"name": "sinusoid"}, (50, 5, 5), range(50), range(50, 55)),
        ({"name": "sinusoid", "train_size": 3}, (3, 3, 5), range(3), range(3, 8)),
        ({"name": "four_corners", "train_size": 3}, (3, 3, 1), range(3), range(3, 4)),
        ({"name": "four_corners", "train_size": 2, "batch_size": 1, "test_size": 2}, (2, 1, 2), range(2), range(2, 4)),
    ],
)
def test_task_sizes_are_50_5_5_or_n_n_n_and_tests_are_disjoint_unless_n_n_n(task, sizes, train, test):
    config = load({"task": task}).resolved()
    assert (config.task.train_size, config.task.batch_size, config.task.test_size) == sizes
    assert (config.train_tasks, config.test_tasks) == (train, test)


def test_the_horizon_and_the_options_are_filled_in_from_the_family():
    config = load({"task": {"options": {"variant": "promp", "penalty": 3}}}).resolved()
    assert (
        config.task.horizon == 100
        and config.task.options["action_limit"] == 0.2
        and config.task.options["penalty"] == 3.0
    )
    assert load({"task": {"name": "six_circles"}}).resolved().task.horizon == 200
    assert load({"task": {"horizon": 17}}).resolved().task.horizon == 17


def test_resolving_changes_a_copy_and_a_second_time_nothing():
    config = load({})
    resolved = config.resolved()
    assert config.task.horizon is None and config.task.options == {}
    assert resolved.resolved() == resolved


@pytest.mark.parametrize("comments", [False, True])
@pytest.mark.parametrize("resolve", [False, True])
def test_written_as_toml_and_read_again_it_is_the_same(comments, resolve):
    tables = {
        "run": {"name": 'a "quoted" # [name]', "seed": 2**63 - 1},
        "task": {"options": {"variant": "promp", "penalty": 1e4}},
        "policy": {"hidden": []},
        "meta": {"sigma": 1 / 3, "step_size": 1e-300},
    }
    config = load(tables).resolved() if resolve else load(tables)
    assert Config.from_toml(config.to_toml(comments)) == config


def test_comments_explain_every_setting():
    text = load({}).to_toml(comments=True)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80 and "``" not in text and "9223372036854775807" not in text
    joined = " ".join(line.removeprefix("# ") for line in lines)
    for section in dataclasses.fields(Config):
        for setting in dataclasses.fields(getattr(Config(), section.name)):
            assert setting.metadata["doc"] in joined, f"{section.name}.{setting.name}"
    assert re.search(r"\(one of adam, sgd or MODULE:CLASS\)\noptimizer = \"sgd\"$", text, re.MULTILINE)


def test_overrides_are_toml_values_or_bare_words():
    config = load(
        {"policy": {"hidden": [8]}, "run": {"seed": 1}},
        [
            "policy.hidden=[3, 4]",
            "task.name=sinusoid",
            'run.name="x y"',
            "meta.sigma=1e-2",
            "policy.normalize_observations=false",
            "task.options.input_range=2",
            "meta.sigma = 0.25",
        ],
    )
    assert (
        config.policy.hidden == [3, 4]
        and config.task.name == "sinusoid"
        and config.run.name == "x y"
        and config.run.seed == 1
    )
    assert config.meta.sigma == 0.25 and not config.policy.normalize_observations  # the last one counts
    assert config.task.options == {"input_range": 2}


@pytest.mark.parametrize(
    "override, message",
    [
        ("meta.sigma", "--set 'meta.sigma': section.key=value is wanted"),
        ("sigma=0.1", "--set 'sigma=0.1': section.key=value is wanted"),
        ("meta..sigma=0.1", "section.key=value is wanted"),
        ("meta.sigma.x=1", "meta.sigma = {'x': 1}: a number is wanted, not a table"),
        ("meta.sigma=", "meta.sigma = '': a number is wanted"),
        ("meta.sigm=1", "'meta.sigm' does not exist. Did you mean 'meta.sigma'"),
        ("task.options.penalty=high", "task.options.penalty = 'high': a number is wanted, not a string"),
    ],
)
def test_a_wrong_override_is_named(override, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load({}, [override]).resolved()


def test_files_are_read_and_what_is_wrong_with_them_said(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[run]\nname = 'here'\n[meta]\nsigma = 1\n")
    config = load(path, ["meta.iterations=3"])
    assert config.run.name == "here" and config.meta.sigma == 1.0 and config.meta.iterations == 3
    path.write_text("[run\n")
    with pytest.raises(ConfigError, match=r"config\.toml is not valid TOML: .*line 1"):
        load(path)
    with pytest.raises(ConfigError, match=r"cannot read configuration .*absent\.toml.*No such file"):
        load(tmp_path / "absent.toml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot read configuration"):
        load(path)


def test_a_config_or_a_mapping_is_as_good_as_a_file():
    config = load({"meta": {"sigma": 0.3}})
    assert load(config) == config and load(config, ["meta.sigma=0.4"]).meta.sigma == 0.4
    assert config.meta.sigma == 0.3


def test_instances_do_not_share_their_lists_and_tables():
    first, second = load({}), load({})
    first.policy.hidden.append(5)
    first.task.options["penalty"] = 1.0
    assert second.policy.hidden == [32] and second.task.options == {}


def test_changed_keys_are_named_with_both_values():
    old = load({}).resolved()
    new = load(old, ["meta.sigma=0.2", "policy.hidden=[]", "task.options.penalty=5.0"])
    assert changed_keys(old, old) == {}
    changes = {"meta.sigma": (0.1, 0.2), "policy.hidden": ([32], []), "task.options.penalty": (0.0, 5.0)}
    assert changed_keys(old, new) == changes
    assert changed_keys(load({}), load({}, ["task.horizon=3"])) == {"task.horizon": (None, 3)}

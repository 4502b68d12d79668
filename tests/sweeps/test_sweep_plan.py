"""What an experiment file means: its points, seeds, sizes and overrides, and what is refused."""

import pytest

from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.sweeps.plan import Sweep

BASE = """
[run]
name = "base"
[task]
horizon = 12
[adaptation]
queries = 6
step_size = 0.04
[meta]
iterations = 9
"""


@pytest.fixture
def make(tmp_path):
    """A sweep from what follows the configuration in its file."""

    def make(text, *overrides, size="paper"):
        path = tmp_path / "some.toml"
        path.write_text(BASE + text)
        return Sweep(path, size, overrides)

    return make


def names(sweep):
    return [run.name for run in sweep.runs()]


def test_a_plain_configuration_is_one_run_named_after_its_file(make):
    (run,) = make("").runs()
    assert (run.name, run.index, run.config.run.seed, run.config.run.name) == ("some_seed0", 0, 0, "base")


def test_seeds_are_a_number_or_a_list(make):
    assert names(make("[sweep]\nseeds = 3")) == ["some_seed0", "some_seed1", "some_seed2"]
    runs = make("[sweep]\nseeds = [7, 2]").runs()
    assert [run.config.run.seed for run in runs] == [7, 2] and runs[0].name == "some_seed7"


PRODUCT = """
[sweep]
seeds = 2
[sweep.product]
adaptation.queries = [4, 3]
meta.sigma = [0.25]
[sweep.product.operator]
mc = {}
hc.adaptation.operator = "hill_climbing"
[sweep.variants]
wide = { policy.hidden = [64], adaptation.queries = 5 }
"""


def test_the_product_comes_first_then_the_variants_and_seeds_are_the_slowest(make):
    runs = make(PRODUCT).runs()
    points = [f"queries{k}_sigma0.25_{name}" for k in (4, 3) for name in ("mc", "hc")] + ["wide"]
    assert [run.point for run in runs] == 2 * points
    assert [run.index for run in runs] == list(range(10))
    assert [run.config.run.seed for run in runs] == [0] * 5 + [1] * 5
    found = [(run.config.adaptation.queries, run.config.adaptation.operator, run.config.meta.sigma) for run in runs[:5]]
    es, hc = "es_gradient", "hill_climbing"
    assert found == [(4, es, 0.25), (4, hc, 0.25), (3, es, 0.25), (3, hc, 0.25), (5, es, 0.1)]
    assert runs[4].config.policy.hidden == [64] and runs[0].config.policy.hidden == [32]
    assert runs[1].config.run.name == "base_queries4_sigma0.25_hc"


def test_a_run_is_found_by_its_index(make):
    sweep = make(PRODUCT)
    assert len(sweep) == 10 and [sweep.run(i) for i in range(10)] == sweep.runs()
    for index in (-1, 10):
        with pytest.raises(UsageError, match=r"--index.*10 runs, 0 to 9"):
            sweep.run(index)


SIZES = (
    PRODUCT
    + """
[sizes.small]
policy.hidden = [8]
meta.iterations = 2
sweep.seeds = 1
sweep.product.adaptation.queries = [2]
sweep.product.operator.mc = false
sweep.variants.wide.adaptation.queries = 1
figure.draw = ["b.py"]
[figure]
draw = ["a.py x"]
"""
)


def test_a_size_lies_over_the_file_and_under_its_points(make):
    paper, small = make(SIZES), make(SIZES, size="small")
    assert len(paper) == 10 and paper.draw == ["a.py x"] and small.draw == ["b.py"]
    assert names(small) == ["queries2_sigma0.25_hc_seed0", "wide_seed0"]
    hc, wide = (run.config for run in small.runs())
    assert (hc.policy.hidden, hc.meta.iterations, hc.adaptation.queries) == ([8], 2, 2)
    assert (wide.policy.hidden, wide.meta.iterations, wide.adaptation.queries) == ([64], 2, 1)


def test_set_has_the_last_word_on_settings_and_on_the_sweep(make):
    runs = make(SIZES, "policy.hidden=[5]", "sweep.seeds=[4]", "meta.iterations=1", size="small").runs()
    assert {tuple(run.config.policy.hidden) for run in runs} == {(5,)}
    assert {run.config.run.seed for run in runs} == {4} and {run.config.meta.iterations for run in runs} == {1}


@pytest.mark.parametrize(
    "override, error, message",
    [
        (
            "adaptation.queries=9",
            UsageError,
            "named by their adaptation.queries: --set sweep.product.adaptation.queries=",
        ),
        ("adaptation . queries=9", UsageError, "named by their adaptation.queries"),
        ("run.seed=3", UsageError, r"--set sweep.seeds=\[...\]"),
        ("policy.hidden=[5]", ConfigError, "queries4_narrow and queries4_wide have the same settings"),
    ],
)
def test_an_override_cannot_make_names_untrue(override, error, message, make):
    text = """
[sweep.product]
adaptation.queries = [4, 6]
[sweep.product.policy_size]
narrow.policy.hidden = []
wide.policy.hidden = [64]
"""
    with pytest.raises(error, match=message):
        make(text, override).runs()
    changed = make(text, "sweep.product.adaptation.queries=[9]").run(0)
    assert (changed.name, changed.config.adaptation.queries) == ("queries9_narrow_seed0", 9)


def test_what_is_said_of_another_operator_is_dropped_wherever_the_operator_is_chosen(make):
    text = """
[sizes.small]
adaptation.step_size = 0.5
[sweep.variants]
hc.adaptation.operator = "hill_climbing"
"""
    (run,) = make(text, size="small").runs()
    assert run.config.adaptation.operator == "hill_climbing" and run.config.adaptation.queries == 6


def test_a_point_keeps_options_beside_the_one_that_it_sets(make):
    text = "[task.options]\nreward = 'bowl'\n[sweep.variants]\npenalised.task.options.penalty = 7.0"
    (run,) = make(text).runs()
    assert (run.config.task.options["penalty"], run.config.task.options["reward"]) == (7.0, "bowl")


def test_labels_of_values(make):
    text = """
[sweep.product]
adaptation.share_rollouts = [true, false]
meta.estimator = ["forward_fd"]
meta.sigma = [0.5, 1e-3]
"""
    assert [run.point for run in make(text).runs()] == [
        f"share_rollouts-{share}_forward_fd_sigma{sigma}" for share in ("true", "false") for sigma in ("0.5", "0.001")
    ]


def test_training_alone_ignores_what_describes_many_runs(make, tmp_path):
    make(SIZES)
    config = load(tmp_path / "some.toml", ["meta.sigma=0.3"])
    assert (config.adaptation.queries, config.meta.iterations, config.meta.sigma) == (6, 9, 0.3)


@pytest.mark.parametrize(
    "text, message",
    [
        ("[sweep]\nseed = 3", "'sweep.seed' does not exist. Did you mean 'sweep.seeds'"),
        ("[sweep]\nseeds = 0", "sweep.seeds = 0: how many, 1 to 100000, or"),
        ("[sweep]\nseeds = 100001", "sweep.seeds = 100001: how many, 1 to 100000, or"),
        ("[sweep]\nseeds = [1, 1]", r"sweep.seeds = \[1, 1\].*different"),
        ("[sweep]\nseeds = [-1]", r"sweep.seeds = \[-1\]"),
        ("[sweep]\nseeds = true", "sweep.seeds = True"),
        ("[sweep]\nvariants = 3", "sweep.variants = 3: a table"),
        ("[sweep.variants]\na = 3", "sweep.variants.a = 3: a table"),
        ("[sweep.variants]\n'a/b' = {}", "sweep.variants.'a/b': letters, digits"),
        ("[sweep.variants]\n'-a' = {}", "sweep.variants.'-a': letters, digits"),
        ("[sweep.variants]\n'.a' = {}", "sweep.variants.'.a': letters, digits"),
        ("[sweep.variants]\na.run.seed = 1", "sweep.variants.a.run: sweep.seeds gives the seeds"),
        ("[sweep.product]\nrun.seed = [1]", "sweep.product.run.seed: sweep.seeds gives the seeds"),
        ("[sweep.product]\nmeta.sigma = 0.1", "sweep.product.meta.sigma = 0.1: a list of values"),
        ("[sweep.product]\nmeta.sigma = []", r"sweep.product.meta.sigma = \[\]: a list of values"),
        ("[sweep.product]\nmeta.sigma = [0.1, 0.1]", "sweep.product.meta.sigma: 0.1 stands there twice"),
        ("[sweep.product]\nmeta.sigma = [0.1, 0.10000001]", "0.10000001 and 0.1 would both be called sigma0.1; name"),
        ("[sweep.product]\npolicy.hidden = [[3]]", r"\[3\] cannot be part of a file name; name the points"),
        (f"[sweep.product]\ntask.horizon = [1{'0' * 400}]", "cannot be part of a file name"),
        ("[sweep.product]\nmeta.sigm = [0.1]", "sigm0.1: key 'meta.sigm' does not exist"),
        ("[sweep.product.axis]\na = false", r"\[sweep.product.axis\]: at least one named point"),
        ("[sweep.product.a]\nb = {}\n[sweep.variants]\nb = {}", "two points are called 'b'"),
        ("[sweep.variants]\nbad.meta.iterations = -1", "bad: meta.iterations = -1: a value >= 0"),
        ("[sweep.variants]\nbad.met.iterations = 1", "bad: section 'met' does not exist"),
        ("[figure]\ndraw = 'a.py'", "figure.draw = 'a.py': a list"),
        ("[sizes.paper]\nmeta.iterations = 1", r"\[sizes.paper\]: the file as it stands"),
        ("[sizes]\nsmall = 1", "sizes.small = 1: a table"),
        ("[sizes.small]\non = 'medium'", r"sizes.small.on = 'medium': there is no such size. Allowed: paper, small"),
        ("[sizes.small]\non = 1", r"sizes.small.on = 1: there is no such size. Allowed: paper, small"),
        ("[sizes.small]\non = 'a'\n[sizes.a]\non = 'small'", r"sizes.a.on = 'small': a size cannot rest on itself"),
    ],
)
def test_what_is_wrong_is_named(make, text, message):
    with pytest.raises(ConfigError, match=message):
        make(text, size="small" if "small" in text else "paper").runs()


def test_an_unknown_size_is_refused_with_those_that_exist(make):
    with pytest.raises(UsageError, match=r"--size tiny.*no such size. Allowed: paper, small"):
        make(SIZES, size="tiny")


def test_a_size_may_rest_on_another(make):
    text = SIZES + "\n[sizes.more]\non = 'small'\nsweep.seeds = [7]\n[sizes.same]\non = 'paper'\nsweep.seeds = [7]\n"
    small, more, paper, same = (make(text, size=size).runs() for size in ("small", "more", "paper", "same"))
    for first, fresh in ((small, more), (paper, same)):
        alike = [run.config.meta for run in first if run.config.run.seed == 0]
        assert [run.config.meta for run in fresh] == alike
        assert [run.point for run in fresh] == [run.point for run in first if run.config.run.seed == 0]
        assert {run.config.run.seed for run in fresh} == {7}


def test_what_is_chosen_alone_is_checked(make, monkeypatch):
    monkeypatch.setattr("esmaml_mpi.baselines.requirement.find_spec", lambda name: None)
    text = '[sweep.variants]\nes = {}\nevo.policy.output = "identity"\nevo.meta.algorithm = "evo_maml"\n'
    text += 'evo.adaptation.operator = "evo_policy_gradient"\n'
    sweep = make(text)
    assert [run.name for run in sweep.runs(["es_*"])] == ["es_seed0"]
    with pytest.raises(ConfigError, match="needs JAX"):
        sweep.runs()
    (run,) = sweep.runs(["ev*"], resolved=False)
    assert run.config.meta.algorithm == "evo_maml" and run.index == 1
    with pytest.raises(UsageError, match="no run is called so; for example es_seed0 is one"):
        sweep.runs(["nothing"])

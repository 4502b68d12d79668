"""Which runs are one group, and what groups are called."""

import pytest
from made_up import like, train

pytestmark = pytest.mark.usefixtures("scripts")

CORNERS = {
    "task.name": "four_corners",
    "task.options.penalty": "0",
    "adaptation.operator": "es_gradient",
    "adaptation.queries": "20",
    "adaptation.steps": "1",
    "meta.algorithm": "zero_order",
    "meta.sigma": "0.1",
    "meta.current_evaluations": "150",
}
CLIMBING = {name: value for name, value in CORNERS.items() if name != "adaptation.steps"} | {
    "adaptation.operator": "hill_climbing",
    "adaptation.scheme": "sequential",
}
FIRST = {name: value for name, value in CORNERS.items() if name != "meta.current_evaluations"} | {
    "meta.algorithm": "first_order",
    "meta.use_hessian": "False",
    "meta.sigma": "0.2",
}


def labels(*groups):
    from groups import label, told

    return [label(told(own, list(groups))) for own in groups]


def test_what_differs_within_a_family():
    penalised = {**CORNERS, "task.options.penalty": "10"}
    assert labels(CORNERS, penalised, {"task.name": "sinusoid", "meta.sigma": "0.3"}) == [
        "task.name = four_corners, penalty = 0",
        "task.name = four_corners, penalty = 10",
        "task.name = sinusoid",
    ]


def test_another_choice_says_enough():
    assert labels(CORNERS, FIRST) == ["algorithm = zero_order", "algorithm = first_order"]
    assert labels(CORNERS, CLIMBING) == ["operator = es_gradient", "operator = hill_climbing"]


def test_what_differs_for_one_is_told_of_all_that_have_it():
    few, hessian = {**CORNERS, "adaptation.queries": "5"}, {**FIRST, "meta.use_hessian": "True"}
    assert labels(CORNERS, few, CLIMBING) == [
        "operator = es_gradient, queries = 20",
        "operator = es_gradient, queries = 5",
        "operator = hill_climbing, queries = 20",
    ]
    assert labels(CORNERS, FIRST, hessian) == [
        "algorithm = zero_order",
        "algorithm = first_order, use_hessian = False",
        "algorithm = first_order, use_hessian = True",
    ]


def test_what_an_algorithm_decides_on_is_not_told_beside_it():
    sampled = {**FIRST, "meta.algorithm": "pg_maml", "adaptation.operator": "policy_gradient", "policy.output": "none"}
    plain = {**CORNERS, "policy.output": "tanh"}
    assert labels(plain, sampled) == ["algorithm = zero_order", "algorithm = pg_maml"]
    climbing = {**CLIMBING, "policy.output": "tanh"}
    assert labels(plain, climbing, sampled) == [
        "operator = es_gradient, algorithm = zero_order",
        "operator = hill_climbing, algorithm = zero_order",
        "operator = policy_gradient, algorithm = pg_maml",
    ]


def test_a_key_that_one_lacks():
    newer = {**CORNERS, "meta.momentum": "0.9"}
    assert labels(CORNERS, newer) == ["momentum = not set", "momentum = 0.9"]


def test_names_that_are_not_unique_stay_whole():
    alike = {**CORNERS, "adaptation.sigma": "0.1"}
    assert labels(alike, {**alike, "meta.sigma": "0.2"}) == ["meta.sigma = 0.1", "meta.sigma = 0.2"]


def test_runs_are_grouped_by_settings_and_ordered_by_seed(runs, notes):
    from groups import group

    first, second = group([runs["k4_3"], runs["k6_1"], runs["k4_1"]], notes.append)
    assert (first.label, first.seeds) == ("queries = 4", [1, 3]) and (second.label, second.seeds) == (
        "queries = 6",
        [1],
    )
    assert notes == [] and group([runs["k4_1"]], notes.append)[0].label == "four_corners"


def test_what_a_resumed_run_may_change_makes_no_group(runs, notes):
    from groups import group

    changed = like(runs["k4_1"], 5, "meta.iterations=90", "run.threads=2", "run.plan=dynamic", "run.name=x")
    (only,) = group([runs["k4_1"], changed], notes.append)
    assert only.seeds == [1, 5]


def test_kinds_are_kept_apart(runs, notes):
    from groups import group

    kinds = group([runs["k4_1"], runs["k4_2"]], notes.append, lambda run: (run.config.run.seed,))
    assert [each.kind for each in kinds] == [(1,), (2,)] and {each.label for each in kinds} == {"four_corners"}


def test_a_run_counts_once(runs, notes, tmp_path):
    from groups import group

    longer = train(tmp_path / "longer.h5", "run.seed=1", "meta.iterations=6", "run.name=again")
    (only,) = group([runs["k4_1"], longer], notes.append)
    assert only.runs == [longer]
    assert "k4_1.h5 left out: it is the same run" in notes[0]

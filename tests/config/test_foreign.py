"""Which keys leave arithmetic to libraries."""

from importlib import import_module

import pytest

from esmaml_mpi.config.foreign import OWN, foreign
from esmaml_mpi.config.loading import load

CASES = {
    "ours": ({"task": {"name": "sinusoid"}, "meta": {"decoder": "ridge", "directions": "dpp"}}, []),
    "mujoco": ({"task": {"name": "ant_direction"}}, ['task.name = "ant_direction"']),
    "scipy": ({"meta": {"decoder": "lasso"}}, ['meta.decoder = "lasso"']),
    "both": (
        {"task": {"name": "quadruped"}, "adaptation": {"decoder": "lasso"}},
        ['task.name = "quadruped"', 'adaptation.decoder = "lasso"'],
    ),
    "few trials": ({"adaptation": {"operator": "latent_search", "scheme": "one_plus_one"}}, []),
    "cmaes": (
        {"adaptation": {"operator": "latent_search", "scheme": "cma_es"}},
        ['adaptation.scheme = "cma_es"'],
    ),
    "chain": (
        {
            "adaptation": {
                "operator": "chain",
                "links": [{"operator": "hill_climbing"}, {"operator": "es_gradient", "decoder": "lasso"}],
            }
        },
        ['adaptation.links[1].decoder = "lasso"'],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_keys_that_name_a_library_are_listed(case):
    tables, expected = CASES[case]
    assert foreign(load(tables).resolved()) == expected


def test_what_is_named_there_exists():
    from esmaml_mpi.adaptation import OPERATORS, hill_climbing, latent_search
    from esmaml_mpi.decoders import DECODERS
    from esmaml_mpi.directions import DIRECTIONS
    from esmaml_mpi.estimators import ESTIMATORS
    from esmaml_mpi.meta import ALGORITHMS
    from esmaml_mpi.meta.optimizers import OPTIMIZERS
    from esmaml_mpi.policies import POLICIES
    from esmaml_mpi.tasks import FAMILIES

    known = {
        "scheme": (*hill_climbing.SCHEMES, *latent_search.SCHEMES),
        "architecture": POLICIES,
        "estimator": ESTIMATORS,
        "optimizer": OPTIMIZERS,
        "name": FAMILIES,
        "algorithm": ALGORITHMS,
        "directions": DIRECTIONS,
        "decoder": DECODERS,
        "operator": OPERATORS,
    }
    for own in OWN.values():
        assert all(names <= set(known[key]) for key, names in own.items())


@pytest.mark.parametrize(
    "section, key, registry, libraries",
    [
        ("adaptation", "operator", "esmaml_mpi.adaptation:OPERATORS", {"policy_gradient", "evo_policy_gradient"}),
        ("meta", "algorithm", "esmaml_mpi.meta:ALGORITHMS", {"pg_maml", "e_maml", "evo_maml"}),
        ("policy", "architecture", "esmaml_mpi.policies:POLICIES", set()),
        ("meta", "optimizer", "esmaml_mpi.meta.optimizers:OPTIMIZERS", set()),
    ],
)
def test_what_is_registered_is_ours_but_for_what_needs_jax(section, key, registry, libraries):
    module, _, name = registry.partition(":")
    assert OWN[section][key] == set(getattr(import_module(module), name)) - libraries

"""Families by name, their options, variants and horizons."""

import sys

import pytest

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tasks import FAMILIES, make_family, options_of
from esmaml_mpi.tasks.description import describe_families, describe_family


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_what_it_is_registered_as(name):
    family = make_family(name)
    assert family.name == name and family.horizon == family.default_horizon
    assert make_family(name, 17).horizon == 17


def test_default_horizons_are_the_papers():
    horizons = {
        name: make_family(name).horizon for name in ("four_corners", "navigation_2d", "six_circles", "sinusoid")
    }
    assert horizons == {"four_corners": 100, "navigation_2d": 100, "six_circles": 200, "sinusoid": 100}


@pytest.mark.parametrize(
    "name, options",
    [
        ("four_corners", {}),
        ("four_corners", {"variant": "promp"}),
        ("four_corners", {"variant": "promp", "reward": "distance", "penalty": 3}),
        ("navigation_2d", {"variant": "finn", "goal_range": 2.0}),
        ("six_circles", {"goals": 4, "subset": 1}),
        ("sinusoid", {"phase_high": 0.0}),
    ],
)
def test_options_written_out_in_full_give_the_same_family(name, options):
    family = make_family(name, 30, options)
    assert make_family(name, 30, options_of(family)) == family
    assert options.items() <= options_of(family).items()


def test_a_variant_is_a_preset_that_options_override():
    promp = make_family("four_corners", None, {"variant": "promp"})
    assert (promp.action_limit, promp.position_limit, promp.start_range, promp.reward) == (
        0.2,
        float("inf"),
        0.2,
        "sparse",
    )
    assert make_family("four_corners", None, {"variant": "promp", "action_limit": 0.3}).action_limit == 0.3
    finn = make_family("navigation_2d", None, {"variant": "finn"})
    assert (finn.action_limit, finn.goal_range, finn.reward, finn.end, finn.end_distance) == (
        0.1,
        0.5,
        "distance",
        "box",
        0.01,
    )


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("four_corner", {}, "'four_corner' does not exist. Did you mean 'four_corners'"),
        (
            "four_corners",
            {"penalti": 1.0},
            "'task.options.penalti' does not exist. Did you mean 'task.options.penalty'",
        ),
        ("four_corners", {"penalty": -1.0}, "task.options.penalty = -1.0: a value >= 0"),
        ("four_corners", {"variant": "prompt"}, "task.options.variant = 'prompt'.*'promp'.*Allowed: promp, released"),
        ("navigation_2d", {"end": 3}, "task.options.end = 3: a string is wanted, not an integer"),
        ("six_circles", {"goals": 2.5}, "task.options.goals = 2.5: an integer is wanted"),
        ("sinusoid", {"horizon": 3}, "'task.options.horizon' does not exist"),
    ],
)
def test_a_wrong_name_or_option_says_what_is_right(name, options, message):
    with pytest.raises(ConfigError, match=message):
        make_family(name, None, options)


def test_a_family_without_documentation_is_listed_and_described(tmp_path, monkeypatch):
    (tmp_path / "silent_family.py").write_text(
        "from dataclasses import dataclass\n"
        "from esmaml_mpi.tasks.four_corners import FourCorners\n\n\n"
        "@dataclass(frozen=True)\nclass Silent(FourCorners):\n    name = 'silent'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(FAMILIES, "silent", "silent_family:Silent")
    monkeypatch.delitem(sys.modules, "silent_family", raising=False)
    assert "[task.options]" in describe_family("silent")
    assert "silent " in describe_families()

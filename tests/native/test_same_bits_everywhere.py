"""One hash of a run at any instruction set, NumPy dispatch, OpenBLAS kernel and variant of glibc's functions."""

import pytest
from same_bits import OURS, effect, switches, under

SWITCHES = switches()
FEW = ("zero_order_width_32", "hill_climbing_dpp", "cartpole")


@pytest.fixture(scope="module")
def as_it_is():
    return under({}, OURS)


def test_the_oldest_of_everything_gives_the_same_runs():
    first, oldest = under({}, FEW), under(list(SWITCHES.values())[-1], FEW)
    assert oldest["effect"] != first["effect"]
    assert oldest["hashes"] == first["hashes"]


@pytest.mark.slow
@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_gives_the_same_runs(switch, as_it_is):
    assert under(SWITCHES[switch], OURS)["hashes"] == as_it_is["hashes"]


@pytest.mark.slow
def test_switches_take_effect():
    """Otherwise the other tests here would compare a run with itself."""
    plain = effect()
    for name, variables in SWITCHES.items():
        found = under(variables, ())["effect"]
        if "ESMAML_NATIVE" in variables:
            asked = variables["ESMAML_NATIVE"]
            assert found["kernels"] == f"compiled kernels for {asked}" or asked == "numpy"
        if "NPY_DISABLE_CPU_FEATURES" in variables:
            assert not set(found["numpy"]) & set(variables["NPY_DISABLE_CPU_FEATURES"].split())
        if "OPENBLAS_CORETYPE" in variables and plain["openblas"]:
            assert found["openblas"] != plain["openblas"] or plain["openblas"] == variables["OPENBLAS_CORETYPE"]
        if "GLIBC_TUNABLES" in variables and plain["glibc"]:
            assert found["glibc"] != plain["glibc"], name

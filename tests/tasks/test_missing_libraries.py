"""A family whose library is not installed says how to install it."""

import sys

import pytest

from esmaml_mpi.errors import FamilyError
from esmaml_mpi.tasks import FAMILIES, make_family


@pytest.mark.parametrize("family, library", [("swimmer_forward_backward", "mujoco"), ("gymnasium", "gymnasium")])
def test_the_optional_part_is_named(family, library, monkeypatch):
    place = FAMILIES[family].partition(":")[0].rpartition(".")[0]
    for module in [name for name in sys.modules if name.startswith(place)]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(FamilyError, match=rf'Install what it imports \(pip install "esmaml-mpi\[{library}\]"\), or'):
        make_family(family)

"""What a release says of itself, it says everywhere."""

import re
from pathlib import Path

import yaml

import esmaml_mpi

ROOT = Path(__file__).parents[1]


def test_the_version_is_that_of_the_citation_and_has_a_section_of_changes():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    sections = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert citation["version"] == esmaml_mpi.__version__ and citation["license"] == "Apache-2.0"
    assert esmaml_mpi.__version__ in sections[:2]  # the first may be what is not released yet

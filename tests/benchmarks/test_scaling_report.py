"""The page about scaling shows what was measured."""

import json
from pathlib import Path

import scaling_report

DOCS = Path(scaling_report.ROOT) / "docs"


def test_the_pages_tables_are_those_of_the_measurement():
    shown = (DOCS / "scaling.md").read_text().partition(scaling_report.MARK)[2]
    assert shown == scaling_report.tables(json.loads((DOCS / "scaling.json").read_text()))


def test_a_report_goes_into_the_page_of_its_name_alone(tmp_path, capsys):
    measured = tmp_path / "measured.json"
    measured.write_text((DOCS / "scaling.json").read_text())
    page = measured.with_suffix(".md")
    page.write_text(f"words\n{scaling_report.MARK}old tables\n")
    scaling_report.report(measured)
    assert page.read_text() == f"words\n{scaling_report.MARK}{scaling_report.tables(json.loads(measured.read_text()))}"
    assert measured.with_suffix(".png").stat().st_size > 10_000

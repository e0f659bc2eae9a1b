"""The files of a report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from rehearsal.report.document import RunReport, to_document
from rehearsal.report.files import write_report
from rehearsal.report.page import to_html
from rehearsal.report.picture import DiagramError
from tests.rehearsal.report.sample_runs import each_run, failed_run, happy_run


@each_run
def test_what_is_written_is_the_document_and_the_page(report: RunReport, tmp_path: Path) -> None:
    directory = tmp_path / "some" / "out"

    write_report(report, directory)

    assert json.loads((directory / "report.json").read_text(encoding="utf-8")) == to_document(report)
    assert (directory / "report.html").read_text(encoding="utf-8") == to_html(report)
    assert sorted(path.name for path in directory.iterdir()) == ["report.html", "report.json"]


def test_a_report_that_cannot_be_made_leaves_the_last_one_alone(tmp_path: Path) -> None:
    write_report(happy_run(), tmp_path)
    before = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}

    with pytest.raises(DiagramError):
        write_report(dataclasses.replace(failed_run(), definition={}), tmp_path)

    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == before

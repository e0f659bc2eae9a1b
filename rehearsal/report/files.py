"""The files of a report."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rehearsal.report.document import RunReport, to_document
from rehearsal.report.page import to_html

PAGE = "report.html"
DOCUMENT = "report.json"


def write_report(report: RunReport, directory: Path) -> None:
    """Write `report.json` and `report.html` into `directory`, which is made where it is missing.

    A reader finds the old file or the new one, never a part of one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    document = json.dumps(to_document(report), indent=2, ensure_ascii=False) + "\n"
    for name, content in ((DOCUMENT, document), (PAGE, to_html(report))):
        unfinished = directory / f".{name}.{os.getpid()}"
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(directory / name)

"""The pictures of the state machine in the documentation: `make diagram` draws them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from rehearsal.overview import InvalidOverview, flowchart
from rehearsal.report.page import COLOURS
from rehearsal.report.picture import state_machine_svg

_REPOSITORY = Path(__file__).parent.parent
DEFINITION = _REPOSITORY / "statemachine" / "patch.asl.yaml"
OVERVIEW = _REPOSITORY / "statemachine" / "overview.yaml"
PICTURE = _REPOSITORY / "docs" / "state-machine.svg"
PAGES = (_REPOSITORY / "README.md", _REPOSITORY / "docs" / "architecture.md")
"""The pages with the overview, between the two markers."""

_BEGIN = "<!-- overview: drawn by `make diagram` -->\n"
_END = "<!-- end of the overview -->\n"


class MissingMarkers(Exception):
    """A page has no place for the overview."""


def load_definition() -> dict[str, Any]:
    """The state machine's definition, its substitutions not filled in."""
    definition: dict[str, Any] = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
    return definition


def picture() -> str:
    """The content of docs/state-machine.svg: the whole state machine."""
    return state_machine_svg(load_definition(), colours=COLOURS.read_text(encoding="utf-8")) + "\n"


def with_overview(page: str) -> str:
    """The text of a page, with the overview of the state machine between its markers.

    Raises InvalidOverview, and MissingMarkers unless the page has both markers once, in their order.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end or _BEGIN in rest or _END in after:
        raise MissingMarkers(f"expected the page to have {_BEGIN.strip()} and then {_END.strip()} once, each on a line")
    chart = flowchart(load_definition(), yaml.safe_load(OVERVIEW.read_text(encoding="utf-8")))
    return f"{before}{begin}```mermaid\n{chart}```\n{end}{after}"


def main() -> None:
    """Draw all of them anew."""
    drawn = {PICTURE: picture()}
    for path in PAGES:
        try:
            drawn[path] = with_overview(path.read_text(encoding="utf-8"))
        except (InvalidOverview, MissingMarkers) as error:
            sys.exit(f"error: {path.relative_to(_REPOSITORY)}: {error}")
    for path, content in drawn.items():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()

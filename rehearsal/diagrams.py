"""The picture of the state machine in the documentation: `python -m rehearsal.diagrams` draws it (`make diagram`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rehearsal.report.page import COLOURS
from rehearsal.report.picture import state_machine_svg

_REPOSITORY = Path(__file__).parent.parent
DEFINITION = _REPOSITORY / "statemachine" / "patch.asl.yaml"
PICTURE = _REPOSITORY / "docs" / "state-machine.svg"


def load_definition() -> dict[str, Any]:
    """The state machine's definition, its substitutions not filled in."""
    definition: dict[str, Any] = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
    return definition


def picture(definition: dict[str, Any]) -> str:
    """The content of docs/state-machine.svg."""
    return state_machine_svg(definition, colours=COLOURS.read_text(encoding="utf-8")) + "\n"


def main() -> None:
    """Draw the definition anew."""
    PICTURE.write_text(picture(load_definition()), encoding="utf-8")


if __name__ == "__main__":
    main()

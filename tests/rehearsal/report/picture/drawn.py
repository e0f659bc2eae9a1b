"""The picture of a definition as a tree of elements, and the states in it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

from rehearsal.report.picture import StateVisit, state_machine_svg

SVG = "{http://www.w3.org/2000/svg}"


def picture(machine: Mapping[str, Any], visits: Sequence[StateVisit] = ()) -> ET.Element:
    return ET.fromstring(state_machine_svg(machine, visits))


def drawn_states(svg: ET.Element) -> list[str]:
    return [name.text or "" for name in svg.iter(f"{SVG}text") if name.get("class") == "name"]

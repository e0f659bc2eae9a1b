"""Any state machine as a picture, with the path that an execution took through it.

It takes a definition in the States Language, as a mapping, and the states that were visited, and gives an SVG element:

    state_machine_svg(definition, [StateVisit("Fetch", "Task", entered=0, exited=1.5, iteration=None, error=None)])

It uses nothing but the standard library.
"""

from rehearsal.report.picture.drawing import state_machine_svg
from rehearsal.report.picture.graph import END, START, DiagramError, Edge, inner_definitions, read_edges, scopes
from rehearsal.report.picture.path import StateVisit

__all__ = [
    "END",
    "START",
    "DiagramError",
    "Edge",
    "StateVisit",
    "inner_definitions",
    "read_edges",
    "scopes",
    "state_machine_svg",
]

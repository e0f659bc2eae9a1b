"""What the picture of a state machine is made of, in pixels: boxes, routes between them, and the scopes that hold them.

A scope's own coordinates begin at its top; x is 0 in the middle of its spine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.report.picture.graph import Edge

DOT = 14.0
LANE = 14.0
LAYER_GAP = 30.0
COLUMN_GAP = 28.0
BOX_HEADER = 30.0


@dataclass(frozen=True)
class Box:
    """A node: `x` is its middle, `y` its top. `state` is its definition, empty for a start and an end."""

    name: str
    width: float
    height: float
    state: Mapping[str, Any]
    inner: tuple[Scope, ...] = ()
    x: float = 0.0
    y: float = 0.0

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Where an edge meets the side: the heading's height, for a box with states inside."""
        return self.y + (BOX_HEADER if self.inner else self.height) / 2


@dataclass(frozen=True)
class Route:
    """An edge as it is drawn: its outline, the columns that it spans with its label, and where the label stands."""

    edge: Edge
    outline: str
    left: float
    right: float
    label_at: tuple[float, float] = (0.0, 0.0)
    label_anchor: str = "start"


@dataclass(frozen=True)
class Scope:
    """One laid-out set of states: the machine's own, or those of a Map or of a Parallel's branch."""

    boxes: Mapping[str, Box]
    routes: tuple[Route, ...]
    left: float
    right: float
    height: float

    @property
    def width(self) -> float:
        return self.right - self.left


def text_width(text: str) -> float:
    """The width of `text` at the size of a state's name, near enough and rather too wide."""
    return sum(4.2 if letter in "iljtfr .,:;!'I|()-" else 10.4 if letter in "mwMW@" else 7.6 for letter in text)


def number(value: float) -> str:
    """A coordinate as SVG has it, to a tenth of a pixel."""
    return f"{round(value, 1):g}"

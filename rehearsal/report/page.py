"""A finished run as a page to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from rehearsal.report.document import RunReport
from rehearsal.report.picture import StateVisit, state_machine_svg
from rehearsal.report.words import OUTCOME_TONES, clock_time, duration, plain_cause, verdict
from rehearsal.state_machine import BUILD_WAIT, DEPLOYMENT_WAIT

_TEMPLATES = Path(__file__).with_name("templates")
COLOURS = _TEMPLATES / "colours.css"
"""The custom properties with the colours of the page, for light and dark."""

_WAITS = {BUILD_WAIT: "build", DEPLOYMENT_WAIT: "deployment"}
"""The states that have a colour of their own on the timeline."""

_TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440)
_MOST_TICKS = 8


@dataclass(frozen=True)
class _Bar:
    """A visit on the timeline; `left` and `width` in percent of the axis."""

    left: float
    width: float
    failed: bool
    tooltip: str


@dataclass(frozen=True)
class _Row:
    name: str
    kind: str
    bars: tuple[_Bar, ...]
    total: str
    errors: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class _Group:
    title: str
    rows: tuple[_Row, ...]


@dataclass(frozen=True)
class _Tick:
    left: float
    minutes: int


def to_html(report: RunReport) -> str:
    """The run as a page that needs nothing from the network."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration
    length = max([report.seconds or 0.0, *(visit.exited or visit.entered for visit in report.visits)])
    return environment.get_template("report.html.j2").render(
        report=report,
        verdict=verdict(report),
        tone={None: "neutral", "SUCCEEDED": "good"}.get(report.status, "bad"),
        outcome_tones={None: "neutral", **OUTCOME_TONES},
        cause=plain_cause(report.cause),
        groups=_timeline(report.visits, length),
        ticks=_ticks(length),
        # The picture is built as an XML tree, which escapes what it is given.
        picture=Markup(state_machine_svg(report.definition, report.visits)),
    )


def _timeline(visits: Sequence[StateVisit], length: float) -> tuple[_Group, ...]:
    """One group for the run itself and one per target; in each, a row per state in the order of first entering."""
    rows: dict[str | None, dict[str, list[StateVisit]]] = {}
    for visit in visits:
        rows.setdefault(visit.iteration, {}).setdefault(visit.name, []).append(visit)
    targets = sorted(rows, key=lambda target: (target is not None, list(rows).index(target)))
    return tuple(
        _Group(
            title="The run" if target is None else target,
            rows=tuple(_row(name, states, length) for name, states in rows[target].items()),
        )
        for target in targets
    )


def _row(name: str, visits: Sequence[StateVisit], length: float) -> _Row:
    spans = [(visit, visit.entered, length if visit.exited is None else visit.exited) for visit in visits]
    total = sum(end - start for _, start, end in spans)
    times = "once" if len(visits) == 1 else f"{len(visits)} times"
    return _Row(
        name=name,
        kind=_WAITS.get(name, visits[0].type.lower()),
        bars=tuple(
            _Bar(
                left=round(100 * start / length, 3) if length else 0.0,
                width=round(100 * (end - start) / length, 3) if length else 0.0,
                failed=visit.error is not None,
                tooltip=f"{name}: {clock_time(start)} to {clock_time(end)}"
                + (f", failed with {visit.error}" if visit.error else ""),
            )
            for visit, start, end in spans
        ),
        total=duration(total),
        errors=tuple(dict.fromkeys(visit.error for visit in visits if visit.error)),
        description=f"Entered {times}, first after {duration(visits[0].entered)}; {duration(total)} in all.",
    )


def _ticks(length: float) -> tuple[_Tick, ...]:
    minutes = length / 60
    step = next((step for step in _TICK_MINUTES if minutes / step <= _MOST_TICKS), _TICK_MINUTES[-1])
    return tuple(_Tick(round(100 * at / minutes, 3) if minutes else 0.0, at) for at in range(0, int(minutes) + 1, step))

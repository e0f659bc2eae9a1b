"""A finished run as a page to look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from rehearsal.report.document import Event, Phase, RunReport
from rehearsal.report.picture import StateVisit, state_machine_svg
from rehearsal.report.words import OUTCOME_TONES, clock_time, duration, plain_cause, verdict
from rehearsal.state_machine import BUILD_WAIT, DEPLOYMENT_WAIT

_TEMPLATES = Path(__file__).with_name("templates")
COLOURS = _TEMPLATES / "colours.css"
"""The custom properties with the colours of the page, for light and dark."""

_KINDS = {BUILD_WAIT: "build", DEPLOYMENT_WAIT: "deployment"}
"""The states that have a colour of their own on the timeline."""

_LEGEND = {
    "build": "the image is built",
    "deployment": "the stack is updated",
    "work": "a task is at work",
    "wait": "waiting, or with states inside",
    "failed": "failed, or rolling back",
    "mark": "an event",
}
"""What each colour of the timeline stands for."""

# How much of the axis a character of a label takes, where the axis is as long as it gets.
_LABEL_SHARE = 0.012

_WORDS = re.compile(r"(\s+)")
# After these, a browser may break a line within a word.
_BREAKABLE = re.compile(r"[-/?:|=&#.,]\S")

_TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440)
_MOST_TICKS = 8


@dataclass(frozen=True)
class _Bar:
    """A visit, or a status of a phase, on the timeline; `left` and `width` in percent of the axis."""

    left: float
    width: float
    failed: bool
    tooltip: str
    label: str = ""


@dataclass(frozen=True)
class _Row:
    """A line of the timeline: a phase, with a mark for each event, or a state. `kind` is its colour."""

    name: str
    kind: str
    bars: tuple[_Bar, ...]
    seconds: float
    errors: tuple[str, ...]
    description: str
    visits: int = 0
    marks: tuple[_Bar, ...] = ()

    @property
    def is_momentary(self) -> bool:
        """Whether it took no time to speak of, and has nothing else to tell."""
        return self.seconds < 1 and not self.errors


@dataclass(frozen=True)
class _Group:
    """A part of the timeline: of the run itself, or of one stack."""

    title: str
    phases: tuple[_Row, ...]
    states: tuple[_Row, ...]
    folded: tuple[_Row, ...]
    events: tuple[Event, ...]


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
    environment.filters["clock_time"] = clock_time
    environment.filters["unbroken"] = _unbroken
    environment.filters["paragraphs"] = _paragraphs
    environment.filters["lines"] = _lines
    length = max([report.seconds or 0.0, *(visit.exited or visit.entered for visit in report.visits)])
    groups = _timeline(report, length)
    # A target says itself why it failed.
    told = any(target.reason for target in report.targets if OUTCOME_TONES.get(target.outcome or "") == "bad")
    return environment.get_template("report.html.j2").render(
        report=report,
        verdict=verdict(report),
        tone={None: "neutral", "SUCCEEDED": "good"}.get(report.status, "bad"),
        outcome_tones={None: "neutral", **OUTCOME_TONES},
        cause=report.skip_reason or (None if told else plain_cause(report.cause)),
        groups=groups,
        legend=_legend(groups),
        ticks=_ticks(length),
        # The picture is built as an XML tree, which escapes what it is given.
        picture=Markup(state_machine_svg(report.definition, report.visits)),
    )


# -- text --------------------------------------------------------------------------------------------------------------


def _unbroken(text: str) -> Markup:
    """The text, with lines broken between words only: ids, ARNs and names are not, wherever their hyphens are."""
    parts = [
        Markup('<span class="unbroken">{}</span>').format(part) if _BREAKABLE.search(part) else escape(part)
        for part in _WORDS.split(text)
    ]
    return Markup("").join(parts)


def _is_whole(line: str) -> bool:
    """Whether a line is there to be copied: a command, the input of an execution, or a link."""
    return line.strip().startswith(("aws ", "{", "https://"))


def _paragraphs(text: str) -> Markup:
    """Each line as a paragraph, and those to be copied as they are."""
    return Markup("\n").join(
        Markup('<pre class="whole">{}</pre>').format(line)
        if _is_whole(line)
        else Markup("<p>{}</p>").format(_unbroken(line))
        for line in text.splitlines()
        if line.strip()
    )


def _lines(text: str) -> Markup:
    """The lines of a mail, as they are in it."""
    return Markup("\n").join(
        Markup('<span class="unbroken">{}</span>').format(line) if _is_whole(line) else _unbroken(line)
        for line in text.splitlines()
    )


# -- timeline ----------------------------------------------------------------------------------------------------------


def _timeline(report: RunReport, length: float) -> tuple[_Group, ...]:
    """One group for the run itself and one per target, in the order in which the run came to them."""
    rows: dict[str | None, dict[str, list[StateVisit]]] = {}
    for visit in report.visits:
        rows.setdefault(visit.iteration, {}).setdefault(visit.name, []).append(visit)
    groups = []
    for target in sorted(rows, key=lambda target: (target is not None, list(rows).index(target))):
        states = [_state(name, visits, length) for name, visits in rows[target].items()]
        phases = [phase for phase in report.phases if phase.stack_name == target]
        groups.append(
            _Group(
                title="The run" if target is None else target,
                phases=tuple(_phase(phase, length) for phase in phases),
                states=tuple(row for row in states if not row.is_momentary),
                folded=tuple(row for row in states if row.is_momentary),
                events=tuple(event for phase in phases for event in phase.events),
            )
        )
    return tuple(groups)


def _bar(begin: float, end: float, length: float, tooltip: str, *, failed: bool, label: str = "") -> _Bar:
    """What lasted from `begin` to `end`, as far as it is within the run."""
    begin, end = min(max(begin, 0.0), length), min(max(end, 0.0), length)
    left, width = (100 * begin / length, 100 * (end - begin) / length) if length else (0.0, 0.0)
    return _Bar(round(left, 3), round(width, 3), failed, tooltip, label)


def _phase(phase: Phase, length: float) -> _Row:
    ends = [length if step.end is None else step.end for step in phase.steps]
    bars = [
        _bar(
            step.begin,
            end,
            length,
            f"{step.status}: {clock_time(max(step.begin, 0))} to {clock_time(end)}",
            failed=step.is_failure,
            label=step.status if end - step.begin > len(step.status) * _LABEL_SHARE * length else "",
        )
        for step, end in zip(phase.steps, ends, strict=True)
    ]
    marks = [
        _bar(
            event.at,
            event.at,
            length,
            f"{clock_time(event.at)} {event.resource} {event.status}",
            failed=event.is_failure,
        )
        for event in phase.events
        if 0 <= event.at <= length
    ]
    seconds = sum(end - step.begin for step, end in zip(phase.steps, ends, strict=True))
    return _Row(
        name="Image build" if phase.stack_name is None else "Update of the stack",
        kind="build" if phase.stack_name is None else "deployment",
        bars=tuple(bars),
        seconds=seconds,
        errors=(),
        description=f"{', '.join(step.status for step in phase.steps)}; {duration(seconds)} in all.",
        marks=tuple(marks),
    )


def _state(name: str, visits: Sequence[StateVisit], length: float) -> _Row:
    spans = [(visit, visit.entered, length if visit.exited is None else visit.exited) for visit in visits]
    seconds = sum(end - start for _, start, end in spans)
    times = "once" if len(visits) == 1 else f"{len(visits)} times"
    return _Row(
        name=name,
        kind=_KINDS.get(name) or ("work" if visits[0].type == "Task" else "wait"),
        bars=tuple(
            _bar(
                start,
                end,
                length,
                f"{name}: {clock_time(start)} to {clock_time(end)}"
                + (f", failed with {visit.error}" if visit.error else ""),
                failed=visit.error is not None,
            )
            for visit, start, end in spans
        ),
        seconds=seconds,
        errors=tuple(dict.fromkeys(visit.error for visit in visits if visit.error)),
        description=f"Entered {times}, first after {duration(visits[0].entered)}; {duration(seconds)} in all.",
        visits=len(visits),
    )


def _legend(groups: Sequence[_Group]) -> list[tuple[str, str]]:
    """The colours that the timeline has, each with what it stands for."""
    rows = [row for group in groups for row in (*group.phases, *group.states)]
    found = {"failed" if bar.failed else row.kind for row in rows for bar in row.bars}
    found |= {"mark" for row in rows if row.marks}
    return [(kind, meaning) for kind, meaning in _LEGEND.items() if kind in found]


def _ticks(length: float) -> tuple[_Tick, ...]:
    minutes = length / 60
    step = next((step for step in _TICK_MINUTES if minutes / step <= _MOST_TICKS), _TICK_MINUTES[-1])
    return tuple(_Tick(round(100 * at / minutes, 3) if minutes else 0.0, at) for at in range(0, int(minutes) + 1, step))

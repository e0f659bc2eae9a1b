"""What a run amounted to: as data, as the JSON document, and as a page to look at."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from rehearsal.report.picture import StateVisit, state_machine_svg

STATUSES = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")
"""How an execution ends: `status` of DescribeExecution in the Step Functions API reference, without those of one that
still runs."""

OUTCOMES = ("PATCHED", "ALREADY_CURRENT", "DRY_RUN", "SKIPPED", "FAILED")

_OUTCOME_TONES = {"PATCHED": "good", "ALREADY_CURRENT": "good", "DRY_RUN": "", "SKIPPED": "", "FAILED": "bad", None: ""}

BUILD_WAIT = "Wait For Image"
DEPLOYMENT_WAIT = "Wait For Deployment"
SKIPPED_END = "Patch Skipped"
"""The states of `statemachine/patch.asl.yaml` that the timeline and the verdict tell from all others."""

TEMPLATES = Path(__file__).with_name("templates")
COLOURS = TEMPLATES / "colours.css"
"""The custom properties with the colours of the page, for light and dark."""

_TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440)
_MOST_TICKS = 8


class ReportError(Exception):
    """A run cannot be reported."""


class UnknownStatus(ReportError):
    """An execution's status or a target's outcome that nobody has said the meaning of."""


@dataclass(frozen=True)
class TargetReport:
    """What became of one application stack.

    `outcome` is one of `OUTCOMES`, or None for a stack that the run ended before it came to. `seconds` is virtual.
    """

    stack_name: str
    outcome: str | None
    ami_before: str | None
    ami_after: str | None
    seconds: float | None
    reason: str | None
    instances_replaced: int

    def __post_init__(self) -> None:
        if self.outcome is not None and self.outcome not in OUTCOMES:
            raise UnknownStatus(
                f"expected the outcome of stack {self.stack_name!r} to be one of {', '.join(OUTCOMES)}, "
                f"found {self.outcome!r}: give it a meaning in {__name__}"
            )


@dataclass(frozen=True)
class Notification:
    """One message as SNS published it."""

    subject: str
    message: str
    attributes: dict[str, str]


@dataclass(frozen=True)
class RunReport:
    """All that is known of a run when it is over. Every duration is in seconds of virtual time.

    `status` is one of `STATUSES`, or None where the trigger started no execution; then `execution_arn`, `error` and
    `seconds` are None too, and `cause` may say why. `definition` is the state machine's ASL.
    """

    scenario: str
    trigger: str
    execution_arn: str | None
    started_at: datetime | None
    status: str | None
    error: str | None
    cause: str | None
    seconds: float | None
    targets: tuple[TargetReport, ...]
    notifications: tuple[Notification, ...]
    build_seconds: float | None
    deploy_seconds: float | None
    overhead_seconds: float | None
    transitions: int
    invocations: int
    visits: tuple[StateVisit, ...]
    definition: dict[str, Any]

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in STATUSES:
            raise UnknownStatus(
                f"expected the execution to have ended as one of {', '.join(STATUSES)}, found {self.status!r}: "
                f"report a run when its execution is over"
            )


# -- as words --------------------------------------------------------------------------------------------------------


def duration(seconds: float | None) -> str:
    """`seconds` as a person says it, in two units at most: "48 s", "39 min 12 s", "6 h 2 min"; "-" for None."""
    if seconds is None:
        return "-"
    if 0.05 <= seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    minutes = round(whole / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def clock_time(seconds: float) -> str:
    """`seconds` since the start as a clock shows them: "00:39:12"."""
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def plain_cause(cause: str | None) -> str | None:
    """The sentence in an execution's cause.

    For a function that raised, Step Functions gives Lambda's error document (`errorMessage`, `errorType`,
    `stackTrace`: Lambda developer guide, "Understanding Lambda function errors"); everything else is text already.
    """
    if cause is None:
        return None
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    if isinstance(document, dict) and isinstance(document.get("errorMessage"), str):
        return str(document["errorMessage"])
    return cause


def verdict(report: RunReport) -> str:
    """The whole run in one sentence."""
    if report.status is None:
        return f"No execution was started by the trigger {report.trigger!r}."
    took = f"after {duration(report.seconds)}"
    if report.status == "SUCCEEDED" and any(visit.name == SKIPPED_END for visit in report.visits):
        return f"The run was skipped {took}: nothing was built, and no stack was touched."
    if report.status == "SUCCEEDED":
        return f"{_successes(report.targets)} {took}."
    named = f" with {report.error}" if report.error else ""
    ending = {"FAILED": "failed", "ABORTED": "was aborted", "TIMED_OUT": "timed out"}[report.status]
    changed = [target.stack_name for target in report.targets if target.outcome == "PATCHED"]
    left = f"{_listed(changed)} {_be(changed)} patched" if changed else "No stack was patched"
    return f"The run {ending}{named} {took}. {left}."


def _successes(targets: tuple[TargetReport, ...]) -> str:
    phrases = {
        "PATCHED": "patched",
        "ALREADY_CURRENT": "current already",
        "DRY_RUN": "previewed, and nothing changed",
        "SKIPPED": "skipped",
    }
    clauses = []
    for outcome, phrase in phrases.items():
        names = [target.stack_name for target in targets if target.outcome == outcome]
        if names:
            clauses.append(f"{_listed(names)} {_be(names)} {phrase}")
    return "; ".join(clauses) or "The run succeeded, with no stack to patch,"


def _be(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _listed(names: list[str]) -> str:
    if len(names) > 3:
        return f"{len(names)} stacks"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# -- as JSON ---------------------------------------------------------------------------------------------------------


def to_document(report: RunReport) -> dict[str, Any]:
    """The run as the JSON document that `python -m rehearsal run --json` prints; durations in seconds."""
    return {
        "execution": {
            "status": report.status,
            "error": report.error,
            "cause": report.cause,
            "seconds": _rounded(report.seconds),
        },
        "targets": [
            {
                "stackName": target.stack_name,
                "outcome": target.outcome,
                "amiBefore": target.ami_before,
                "amiAfter": target.ami_after,
                "seconds": _rounded(target.seconds),
                "reason": target.reason,
            }
            for target in report.targets
        ],
        "notifications": [
            {"subject": sent.subject, "message": sent.message, "attributes": dict(sent.attributes)}
            for sent in report.notifications
        ],
        "buildSeconds": _rounded(report.build_seconds),
        "deploySeconds": _rounded(report.deploy_seconds),
        "overheadSeconds": _rounded(report.overhead_seconds),
        "transitions": report.transitions,
        "invocations": report.invocations,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


# -- as a page -------------------------------------------------------------------------------------------------------


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
        loader=jinja2.FileSystemLoader(TEMPLATES),
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
        tone={None: "", "SUCCEEDED": "good"}.get(report.status, "bad"),
        outcome_tones=_OUTCOME_TONES,
        cause=plain_cause(report.cause),
        groups=_timeline(report.visits, length),
        ticks=_ticks(length),
        # The picture is built as an XML tree, which escapes what it is given.
        picture=Markup(state_machine_svg(report.definition, report.visits)),
    )


def write_report(report: RunReport, directory: Path) -> None:
    """Write `report.json` and `report.html` into `directory`, which is made where it is missing.

    A reader finds the old file or the new one, never a part of one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    document = json.dumps(to_document(report), indent=2, ensure_ascii=False) + "\n"
    for name, content in (("report.json", document), ("report.html", to_html(report))):
        unfinished = directory / f".{name}.{os.getpid()}"
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(directory / name)


def _timeline(visits: tuple[StateVisit, ...], length: float) -> tuple[_Group, ...]:
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


def _row(name: str, visits: list[StateVisit], length: float) -> _Row:
    spans = [(visit, visit.entered, length if visit.exited is None else visit.exited) for visit in visits]
    total = sum(end - start for _, start, end in spans)
    times = "once" if len(visits) == 1 else f"{len(visits)} times"
    return _Row(
        name=name,
        kind={BUILD_WAIT: "build", DEPLOYMENT_WAIT: "deployment"}.get(name, visits[0].type.lower()),
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

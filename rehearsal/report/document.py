"""A finished run as data, and as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autopatch.contracts import Outcome
from rehearsal.report.picture import StateVisit

STATUSES = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")
"""How an execution ends: `status` of DescribeExecution in the Step Functions API reference, without those of one that
still runs."""


class UnknownStatus(Exception):
    """An execution's status or a target's outcome that a report has no meaning for."""


@dataclass(frozen=True)
class TargetReport:
    """What became of one application stack.

    `outcome` is one of the contracts' `Outcome`s, or None for a stack that the run ended before it came to. `seconds`
    is virtual. `instances` is how many instances the stack's groups have at the end, by their AMI.
    """

    stack_name: str
    outcome: str | None
    ami_before: str | None
    ami_after: str | None
    seconds: float | None
    reason: str | None
    instances_replaced: int
    instances: Mapping[str, int]

    def __post_init__(self) -> None:
        if self.outcome is not None and self.outcome not in set(Outcome):
            raise UnknownStatus(
                f"expected the outcome of stack {self.stack_name!r} to be one of {', '.join(Outcome)}, "
                f"found {self.outcome!r}: add it to autopatch/contracts.py, and its words to rehearsal/report/words.py"
            )


@dataclass(frozen=True)
class Notification:
    """One message as SNS published it."""

    subject: str
    message: str
    attributes: dict[str, str]


@dataclass(frozen=True)
class Step:
    """A status that something had for a while, in seconds since the start; `end` is None while it still has it."""

    status: str
    begin: float
    end: float | None
    is_failure: bool


@dataclass(frozen=True)
class Event:
    """What AWS reported of a resource, in seconds since the start."""

    at: float
    resource: str
    status: str
    reason: str
    is_failure: bool


@dataclass(frozen=True)
class Phase:
    """The build of the image (`stack_name` is None), or the updates of a stack: what the run waits for."""

    stack_name: str | None
    steps: tuple[Step, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class RunReport:
    """All that is known of a run when it is over. Every duration is in seconds of virtual time.

    `status` is one of `STATUSES`, or None where the trigger started no execution; then `execution_arn`, `error` and
    `seconds` are None too, and `cause` may say why. `skip_reason` is why the whole run was skipped. `definition` is the
    state machine's ASL.
    """

    scenario: str
    trigger: str
    execution_arn: str | None
    started_at: datetime | None
    status: str | None
    error: str | None
    cause: str | None
    skip_reason: str | None
    seconds: float | None
    targets: tuple[TargetReport, ...]
    notifications: tuple[Notification, ...]
    build_seconds: float | None
    deploy_seconds: float | None
    overhead_seconds: float | None
    transitions: int
    invocations: int
    visits: tuple[StateVisit, ...]
    phases: tuple[Phase, ...]
    definition: dict[str, Any]

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in STATUSES:
            raise UnknownStatus(
                f"expected the execution to have ended as one of {', '.join(STATUSES)}, found {self.status!r}: "
                f"report a run when its execution is over"
            )


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
            {
                "subject": notification.subject,
                "message": notification.message,
                "attributes": dict(notification.attributes),
            }
            for notification in report.notifications
        ],
        "buildSeconds": _rounded(report.build_seconds),
        "deploySeconds": _rounded(report.deploy_seconds),
        "overheadSeconds": _rounded(report.overhead_seconds),
        "transitions": report.transitions,
        "invocations": report.invocations,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

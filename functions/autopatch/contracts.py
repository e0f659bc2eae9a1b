"""What passes between the states of the state machine: one frozen dataclass for each document.

A document is what stands at one place of the state (`$.run`, `$.image`, `$.update`, ...). `from_event` reads it from
a task's payload, `to_event` gives what the task returns. Moments are ISO 8601 texts in UTC there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Execution:
    """The execution that a task runs in: `$.execution`."""

    arn: str
    started_at: datetime

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Execution:
        return cls(arn=document["id"], started_at=moment(document["startTime"]))

    def token(self, purpose: str) -> str:
        """A token for one call of this execution: the same for each retry of it, and for nothing else.

        42 characters of `[a-z0-9-]`: within the 64 of Image Builder's client token and the 128 of CloudFormation's.
        """
        return f"autopatch-{hashlib.sha256(f'{self.arn} {purpose}'.encode()).hexdigest()[:32]}"


@dataclass(frozen=True)
class Target:
    """A stack to patch, with what `Plan Run` found out about it: `$.target`."""

    stack_name: str
    ami_parameter: str
    capacity_parameter: str | None
    ami_before: str
    accepted: tuple[str, ...] = ()
    """The findings of `Check Readiness` that this target accepts, by name."""

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Target:
        return cls(
            stack_name=document["stackName"],
            ami_parameter=document["amiParameter"],
            capacity_parameter=document["capacityParameter"],
            ami_before=document["amiBefore"],
            accepted=tuple(document["accepted"]),
        )

    def to_event(self) -> dict[str, Any]:
        return {
            "stackName": self.stack_name,
            "amiParameter": self.ami_parameter,
            "capacityParameter": self.capacity_parameter,
            "amiBefore": self.ami_before,
            "accepted": list(self.accepted),
        }


@dataclass(frozen=True)
class Run:
    """What this execution will do: `$.run`. The deadlines are in minutes.

    `rollback` is `automatic` or `manual`: what becomes of a target that fails its verification.
    """

    trigger: str
    reason: str | None
    dry_run: bool
    rollback: str
    pipeline_arn: str
    ami_id: str | None
    targets: tuple[Target, ...]
    build_deadline_minutes: int
    deployment_deadline_minutes: int
    verification_deadline_minutes: int

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Run:
        return cls(
            trigger=document["trigger"],
            reason=document["reason"],
            dry_run=document["dryRun"],
            rollback=document["rollback"],
            pipeline_arn=document["pipelineArn"],
            ami_id=document["amiId"],
            targets=tuple(Target.from_event(target) for target in document["targets"]),
            build_deadline_minutes=document["buildDeadlineMinutes"],
            deployment_deadline_minutes=document["deploymentDeadlineMinutes"],
            verification_deadline_minutes=document["verificationDeadlineMinutes"],
        )

    def to_event(self) -> dict[str, Any]:
        return {
            "trigger": self.trigger,
            "reason": self.reason,
            "dryRun": self.dry_run,
            "rollback": self.rollback,
            "pipelineArn": self.pipeline_arn,
            "buildNeeded": self.ami_id is None,
            "amiId": self.ami_id,
            "targets": [target.to_event() for target in self.targets],
            "buildDeadlineMinutes": self.build_deadline_minutes,
            "deploymentDeadlineMinutes": self.deployment_deadline_minutes,
            "verificationDeadlineMinutes": self.verification_deadline_minutes,
        }


@dataclass(frozen=True)
class ImageBuild:
    """The image build that the run waits for: `$.image`."""

    image_arn: str
    joined: bool
    started_at: datetime
    deadline_at: datetime
    status: str
    ready: bool
    poll_after_seconds: int
    retried: bool = False
    """Whether the build has been resumed after it had failed."""

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> ImageBuild:
        return cls(
            image_arn=document["imageArn"],
            joined=document["joined"],
            started_at=moment(document["startedAt"]),
            deadline_at=moment(document["deadlineAt"]),
            status=document["status"],
            ready=document["ready"],
            poll_after_seconds=document["pollAfterSeconds"],
            retried=document["retried"],
        )

    def to_event(self) -> dict[str, Any]:
        return {
            "imageArn": self.image_arn,
            "joined": self.joined,
            "startedAt": text_of(self.started_at),
            "deadlineAt": text_of(self.deadline_at),
            "status": self.status,
            "ready": self.ready,
            "pollAfterSeconds": self.poll_after_seconds,
            "retried": self.retried,
        }


@dataclass(frozen=True)
class Freeze:
    """Whether the run may go on: `$.freeze`.

    `status` is OPEN, WAIT (until the next opening) or SKIP, which ends the run for the `reason`.
    """

    status: str
    reason: str | None = None
    poll_after_seconds: int = 0

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Freeze:
        return cls(document["status"], document["reason"], document["pollAfterSeconds"])

    def to_event(self) -> dict[str, Any]:
        return {"status": self.status, "reason": self.reason, "pollAfterSeconds": self.poll_after_seconds}


@dataclass(frozen=True)
class Ami:
    """The AMI that the run rolls out: `$.ami`."""

    ami_id: str
    name: str | None = None

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Ami:
        return cls(ami_id=document["amiId"], name=document.get("name"))

    def to_event(self) -> dict[str, Any]:
        return {"amiId": self.ami_id, "name": self.name}


@dataclass(frozen=True)
class Update:
    """How far one target has come: `$.update`; on the way back to its old AMI, `$.wayBack`.

    `status` is NOT_STARTED; BUSY (the stack is, with something else), FROZEN (a change calendar is closed) or
    PREVIEWING (the change set is being made); READY, or OUTDATED (the preview, by what
    happened since); UPDATING, ROLLING_BACK or CANCELLED (by us, at the deadline; it rolls back);
    UPDATED or SETTLING (the instances are not all as they should be yet); or DONE, which comes with an `outcome`.
    `ami_after` is the AMI that the update leads to. `begun_at` is when the run turned to the target, on the way back as
    well; `started_at` is when the waiting for the present deadline began. `capacities` holds the desired capacity of
    each Auto Scaling group, by its logical id, as it was when the change set was made.
    """

    status: str = "NOT_STARTED"
    outcome: str | None = None
    detail: str | None = None
    stack_id: str | None = None
    ami_before: str | None = None
    ami_after: str | None = None
    is_way_back: bool = False
    change_set_id: str | None = None
    capacities: Mapping[str, int] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    begun_at: datetime | None = None
    started_at: datetime | None = None
    deadline_at: datetime | None = None
    finished_at: datetime | None = None
    poll_after_seconds: int = 0

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Update:
        return cls(
            status=document["status"],
            outcome=document.get("outcome"),
            detail=document.get("detail"),
            stack_id=document.get("stackId"),
            ami_before=document.get("amiBefore"),
            ami_after=document.get("amiAfter"),
            is_way_back=document.get("isWayBack", False),
            change_set_id=document.get("changeSetId"),
            capacities=document.get("capacities", {}),
            changes=tuple(document.get("changes", [])),
            begun_at=_optional_moment(document.get("begunAt")),
            started_at=_optional_moment(document.get("startedAt")),
            deadline_at=_optional_moment(document.get("deadlineAt")),
            finished_at=_optional_moment(document.get("finishedAt")),
            poll_after_seconds=document.get("pollAfterSeconds", 0),
        )

    def to_event(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "outcome": self.outcome,
            "detail": self.detail,
            "stackId": self.stack_id,
            "amiBefore": self.ami_before,
            "amiAfter": self.ami_after,
            "isWayBack": self.is_way_back,
            "changeSetId": self.change_set_id,
            "capacities": dict(self.capacities),
            "changes": list(self.changes),
            "begunAt": text_of(self.begun_at) if self.begun_at else None,
            "startedAt": text_of(self.started_at) if self.started_at else None,
            "deadlineAt": text_of(self.deadline_at) if self.deadline_at else None,
            "finishedAt": text_of(self.finished_at) if self.finished_at else None,
            "pollAfterSeconds": self.poll_after_seconds,
        }

    def done(self, outcome: str, at: datetime, detail: str | None = None) -> Update:
        return replace(self, status="DONE", outcome=outcome, detail=detail, finished_at=at, poll_after_seconds=0)

    def waiting(self, status: str, at: datetime, deadline_minutes: int) -> Update:
        """The update in `status`, with a deadline that counts from `at`."""
        return replace(self, status=status, started_at=at, deadline_at=at + timedelta(minutes=deadline_minutes))


@dataclass(frozen=True)
class Failure:
    """An error that the state machine caught: the Error and Cause of Step Functions."""

    error: str
    cause: str

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Failure:
        return cls(error=document.get("Error", "States.Unknown"), cause=document.get("Cause") or "")

    def to_event(self) -> dict[str, Any]:
        return {"Error": self.error, "Cause": self.cause}

    @property
    def message(self) -> str:
        """What the failed function said: Lambda makes a JSON document of it, with the stack trace beside."""
        try:
            document = json.loads(self.cause)
        except ValueError:
            return self.cause or "no cause was given"
        message = document.get("errorMessage") if isinstance(document, dict) else None
        return message if isinstance(message, str) else self.cause


OUTCOMES = ("PATCHED", "ALREADY_CURRENT", "DRY_RUN", "SKIPPED", "FAILED")


@dataclass(frozen=True)
class TargetResult:
    """How one target ended; `outcome` is one of OUTCOMES.

    `changes` is the preview of the update, a line a resource. `rolled_back` says that the stack is on its old AMI
    again, by CloudFormation or by this run.
    """

    stack_name: str
    outcome: str
    ami_before: str | None
    ami_after: str | None
    seconds: int | None = None
    reason: str | None = None
    error: str | None = None
    stack_id: str | None = None
    stack_status: str | None = None
    changes: tuple[str, ...] = ()
    rolled_back: bool = False

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> TargetResult:
        return cls(
            stack_name=document["stackName"],
            outcome=document["outcome"],
            ami_before=document["amiBefore"],
            ami_after=document["amiAfter"],
            seconds=document["seconds"],
            reason=document["reason"],
            error=document["error"],
            stack_id=document["stackId"],
            stack_status=document["stackStatus"],
            changes=tuple(document["changes"]),
            rolled_back=document["rolledBack"],
        )

    def to_event(self) -> dict[str, Any]:
        return {
            "stackName": self.stack_name,
            "outcome": self.outcome,
            "amiBefore": self.ami_before,
            "amiAfter": self.ami_after,
            "seconds": self.seconds,
            "reason": self.reason,
            "error": self.error,
            "stackId": self.stack_id,
            "stackStatus": self.stack_status,
            "changes": list(self.changes),
            "rolledBack": self.rolled_back,
        }


@dataclass(frozen=True)
class Summary:
    """How the run ended for all its targets: `$.summary`."""

    targets: tuple[TargetResult, ...] = ()
    failure: Failure | None = None

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Summary:
        return cls(
            targets=tuple(TargetResult.from_event(target) for target in document["targets"]),
            failure=Failure.from_event(document["failure"]) if document["failure"] else None,
        )

    def to_event(self) -> dict[str, Any]:
        return {
            "allPatched": self.failure is None,
            "targets": [target.to_event() for target in self.targets],
            "failure": self.failure.to_event() if self.failure else None,
        }


def moment(text: str) -> datetime:
    """The aware datetime of an ISO 8601 text; one without an offset is in UTC."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def text_of(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _optional_moment(text: str | None) -> datetime | None:
    return moment(text) if text else None

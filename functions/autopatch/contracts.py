"""What passes between the states of the state machine: one frozen dataclass for each document.

A document is what stands at one place of the state (`$.run`, `$.image`, `$.update`, ...). `from_event` reads it from
a task's payload, `to_event` gives what the task returns. Moments are ISO 8601 texts in UTC there.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from autopatch.errors import InvalidInput
from autopatch.settings import STACK_NAME

TRIGGERS = ("manual", "schedule", "base-image")
MAX_TARGETS = 10

AMI_ID = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_PARAMETER_NAME = re.compile(r"[a-zA-Z0-9]{1,255}")


@dataclass(frozen=True)
class Execution:
    """The execution that a task runs in: `$.execution`."""

    arn: str
    started_at: datetime

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Execution:
        return cls(arn=document["id"], started_at=moment(document["startTime"]))

    def update_tokens(self, stack_name: str) -> tuple[str, str]:
        """The tokens of this execution's update of a stack, and of its cancellation."""
        return self.token(f"update {stack_name}"), self.token(f"cancel {stack_name}")

    def token(self, purpose: str) -> str:
        """A token for one call of this execution: the same for each retry of it, and for nothing else.

        42 characters of `[a-z0-9-]`: within the 64 of Image Builder's client token and the 128 of CloudFormation's.
        """
        return f"autopatch-{hashlib.sha256(f'{self.arn} {purpose}'.encode()).hexdigest()[:32]}"


@dataclass(frozen=True)
class RequestedTarget:
    """A stack to patch, as a person or the deployment names it."""

    stack_name: str
    ami_parameter: str | None = None
    capacity_parameter: str | None = None


@dataclass(frozen=True)
class ExecutionInput:
    """What the execution was started with; every key is optional."""

    trigger: str = "manual"
    reason: str | None = None
    targets: tuple[RequestedTarget, ...] | None = None
    ami_id: str | None = None
    dry_run: bool = False

    @classmethod
    def from_event(cls, document: Any) -> ExecutionInput:
        """Raises InvalidInput, naming the key, for anything that cannot be meant."""
        if not isinstance(document, dict):
            raise InvalidInput(
                f"the execution's input: expected a JSON object such as {{}}, found {_found(document)}; "
                "start the execution again with an object"
            )
        _check_keys(document, ("trigger", "reason", "targets", "amiId", "dryRun"), "the execution's input")
        read = cls(
            trigger=_one_of(document, "trigger", TRIGGERS, "manual"),
            reason=_text(document, "reason"),
            targets=_targets(document["targets"]) if "targets" in document else None,
            ami_id=_name(document, "amiId", AMI_ID, "the id of an AMI, such as ami-0123456789abcdef0"),
            dry_run=_flag(document, "dryRun"),
        )
        if read.trigger == "base-image" and read.ami_id is not None:
            raise InvalidInput(
                "amiId: expected none beside the trigger 'base-image', which asks for a new image, "
                f"found {read.ami_id!r}; leave one of the two out"
            )
        return read


@dataclass(frozen=True)
class Target:
    """A stack to patch, with what `Plan Run` found out about it: `$.target`."""

    stack_name: str
    ami_parameter: str
    capacity_parameter: str | None
    ami_before: str

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Target:
        return cls(
            stack_name=document["stackName"],
            ami_parameter=document["amiParameter"],
            capacity_parameter=document["capacityParameter"],
            ami_before=document["amiBefore"],
        )

    def to_event(self) -> dict[str, Any]:
        return {
            "stackName": self.stack_name,
            "amiParameter": self.ami_parameter,
            "capacityParameter": self.capacity_parameter,
            "amiBefore": self.ami_before,
        }


@dataclass(frozen=True)
class Run:
    """What this execution will do: `$.run`. The deadlines are in minutes."""

    trigger: str
    reason: str | None
    dry_run: bool
    pipeline_arn: str
    ami_id: str | None
    targets: tuple[Target, ...]
    build_deadline_minutes: int
    deployment_deadline_minutes: int

    @classmethod
    def from_event(cls, document: Mapping[str, Any]) -> Run:
        return cls(
            trigger=document["trigger"],
            reason=document["reason"],
            dry_run=document["dryRun"],
            pipeline_arn=document["pipelineArn"],
            ami_id=document["amiId"],
            targets=tuple(Target.from_event(target) for target in document["targets"]),
            build_deadline_minutes=document["buildDeadlineMinutes"],
            deployment_deadline_minutes=document["deploymentDeadlineMinutes"],
        )

    def to_event(self) -> dict[str, Any]:
        return {
            "trigger": self.trigger,
            "reason": self.reason,
            "dryRun": self.dry_run,
            "pipelineArn": self.pipeline_arn,
            "buildNeeded": self.ami_id is None,
            "amiId": self.ami_id,
            "targets": [target.to_event() for target in self.targets],
            "buildDeadlineMinutes": self.build_deadline_minutes,
            "deploymentDeadlineMinutes": self.deployment_deadline_minutes,
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
        }


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
    """How far one target has come: `$.update`.

    `status` is NOT_STARTED, BUSY (the stack is, with something else), UPDATING, ROLLING_BACK, CANCELLED (by us, at the
    deadline; it rolls back) or DONE, which comes with an `outcome`. `started_at` is when the waiting for the present
    deadline began.
    """

    status: str = "NOT_STARTED"
    outcome: str | None = None
    detail: str | None = None
    stack_id: str | None = None
    ami_before: str | None = None
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


@dataclass(frozen=True)
class TargetResult:
    """How one target ended; `outcome` is PATCHED, ALREADY_CURRENT, DRY_RUN or FAILED."""

    stack_name: str
    outcome: str
    ami_before: str | None
    ami_after: str | None
    seconds: int | None = None
    reason: str | None = None
    error: str | None = None
    stack_id: str | None = None
    stack_status: str | None = None

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


def _check_keys(document: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in document:
        if key not in known:
            close = difflib.get_close_matches(key.lower(), [name.lower() for name in known], n=1, cutoff=0.5)
            nearest = next((name for name in known if close and name.lower() == close[0]), None)
            hint = f"did you mean {nearest!r}?" if nearest else "leave it out"
            raise InvalidInput(f"{where}: expected only the keys {', '.join(known)}, found {key!r}; {hint}")


def _targets(value: Any) -> tuple[RequestedTarget, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TARGETS:
        found = f"a list of {len(value)}" if isinstance(value, list) else _found(value)
        raise InvalidInput(f"targets: expected a list of 1 to {MAX_TARGETS} stacks, found {found}; name the stacks")
    targets = tuple(_target(entry, f"targets[{index}]") for index, entry in enumerate(value))
    names = [target.stack_name for target in targets]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(
                f"targets: expected each stack once, found {name!r} {names.count(name)} times; name it once"
            )
    return targets


def _target(value: Any, where: str) -> RequestedTarget:
    if isinstance(value, str):
        value = {"stackName": value}
    if not isinstance(value, dict):
        raise InvalidInput(
            f"{where}: expected a stack name or an object with stackName, found {_found(value)}; name the stack"
        )
    _check_keys(value, ("stackName", "amiParameter", "capacityParameter"), where)
    stack_name = _name(value, "stackName", STACK_NAME, "the name of a stack", where)
    if stack_name is None:
        raise InvalidInput(f"{where}.stackName: expected the name of a stack, found nothing; name the stack")
    return RequestedTarget(
        stack_name=stack_name,
        ami_parameter=_name(value, "amiParameter", _PARAMETER_NAME, "the name of a stack parameter", where),
        capacity_parameter=_name(value, "capacityParameter", _PARAMETER_NAME, "the name of a stack parameter", where),
    )


def _one_of(document: Mapping[str, Any], key: str, accepted: tuple[str, ...], default: str) -> str:
    value = document.get(key, default)
    if value not in accepted:
        close = difflib.get_close_matches(str(value), accepted, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"leave it out for {default!r}"
        raise InvalidInput(f"{key}: expected one of {', '.join(accepted)}, found {_found(value)}; {hint}")
    return str(value)


def _text(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    if key in document and not isinstance(value, str):
        raise InvalidInput(f"{key}: expected a text, found {_found(value)}; quote it or leave it out")
    return value


def _flag(document: Mapping[str, Any], key: str) -> bool:
    value = document.get(key, False)
    if not isinstance(value, bool):
        raise InvalidInput(f"{key}: expected true or false, found {_found(value)}; write it without quotes")
    return value


def _name(
    document: Mapping[str, Any], key: str, pattern: re.Pattern[str], expected: str, where: str | None = None
) -> str | None:
    if key not in document:
        return None
    value = document[key]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        place = f"{where}.{key}" if where else key
        raise InvalidInput(f"{place}: expected {expected}, found {_found(value)}; correct it or leave it out")
    return value


def _found(value: Any) -> str:
    """A value as a person wrote it in JSON, for an error message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

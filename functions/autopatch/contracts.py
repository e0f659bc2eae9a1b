"""What passes between the states of the state machine: a type for each document, and one for each phase of a target.

A document is what the state has at one place (`$.run`, `$.image`, `$.update`, ...), with keys in camelCase and moments
as RFC 3339 strings. `read` makes it of a task's payload, and `write` makes of it what the task returns.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec

from autopatch.aws.cloudformation.rollback_configuration import RollbackConfiguration
from autopatch.errors import InvalidDocument
from autopatch.settings import Rollback

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Document(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a state has in one place, or what a task is given."""


_Document = TypeVar("_Document", bound=Document)


def read(document: object, kind: type[_Document]) -> _Document:
    """The document as a `kind`.

    Raises InvalidDocument, naming the place, for a key that is missing or unknown, and for a value of another type.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise InvalidDocument(
            f"expected the documents that this version of AMI Autopatch passes between its states, found: {error}; "
            "if it was deployed while this execution ran, start the execution again"
        ) from error


def write(document: Document) -> dict[str, Any]:
    """The document as JSON has it."""
    written: dict[str, Any] = msgspec.to_builtins(document)
    return written


# -- the run ------------------------------------------------------------------------------------------------------


class Execution(Document, frozen=True):
    """The execution that a task runs in: `$.execution`."""

    arn: str = msgspec.field(name="id")
    started_at: Moment = msgspec.field(name="startTime")

    @property
    def account_id(self) -> str:
        """The account that everything is in."""
        return self.arn.split(":")[4]

    def token(self, purpose: str) -> str:
        """A token for one call of this execution: the same for each retry of it, and for nothing else.

        42 characters of `[a-z0-9-]`: within the 64 of Image Builder's client token and the 128 of CloudFormation's.
        """
        return f"autopatch-{hashlib.sha256(f'{self.arn} {purpose}'.encode()).hexdigest()[:32]}"


class Trigger(StrEnum):
    """What starts a run."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    BASE_IMAGE = "base-image"


class Target(Document, frozen=True):
    """A stack to patch, as `Plan Run` knows it: `$.target`."""

    stack_name: str
    ami_parameter: str
    capacity_parameter: str | None
    ami_before: str
    accepted: tuple[str, ...] = ()
    """The names of findings of the readiness check that do not stop this target from being patched."""


class Refused(Document, frozen=True):
    """A target in which nothing is changed, because of what was found before anything was built."""

    stack_name: str
    error: str
    reason: str
    ami_before: str | None = None
    """None when that is not known."""


class Run(Document, frozen=True):
    """What this execution will do: `$.run`. The deadlines are in minutes."""

    trigger: Trigger
    reason: str | None
    dry_run: bool
    rollback: Rollback
    pipeline_arn: str
    ami_id: str | None
    """The AMI to roll out; None for the one that the pipeline is to build."""
    targets: tuple[Target, ...]
    build_deadline_minutes: int
    deployment_deadline_minutes: int
    verification_deadline_minutes: int
    refused: tuple[Refused, ...] = ()
    """Targets that are not patched; how the run ends tells of them too."""


class FreezeStatus(StrEnum):
    """Whether a run may begin."""

    OPEN = "OPEN"
    WAIT = "WAIT"
    """Not before the change calendar opens."""
    SKIP = "SKIP"
    """No: it ends, for a reason."""


class Freeze(Document, frozen=True):
    """Whether the run may begin: `$.freeze`."""

    status: FreezeStatus
    reason: str | None = None
    poll_after_seconds: int = 0


class ImageBuild(Document, frozen=True):
    """The image build that the run waits for: `$.image`."""

    image_arn: str
    joined: bool
    """Whether somebody else had started it."""
    started_at: Moment
    """When the run began to wait for it."""
    deadline_at: Moment
    status: str
    """The image's status as Image Builder has it; RETRIED when the build has just been resumed."""
    ready: bool
    poll_after_seconds: int
    retried: bool = False
    """Whether the build has been resumed after it had failed."""


class Ami(Document, frozen=True):
    """The AMI that the run rolls out: `$.ami`."""

    ami_id: str
    name: str | None = None


# -- a target, by phase: `$.update`, and `$.rollback` for the update back to the old AMI -----------------------------


class Outcome(StrEnum):
    """How a target ends."""

    PATCHED = "PATCHED"
    """Its instances run the AMI, and serve."""
    ALREADY_CURRENT = "ALREADY_CURRENT"
    """They ran it before."""
    DRY_RUN = "DRY_RUN"
    """The update was previewed, and nothing was to be changed."""
    SKIPPED = "SKIPPED"
    """A change calendar is closed."""
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    """The run lost sight of its update, or of the way back: how the stack stands is not known."""


class _Phase(Document, frozen=True, kw_only=True, tag_field="phase"):
    pass


class NotStarted(_Phase, frozen=True, kw_only=True, tag="NOT_STARTED"):
    """The run has not turned to the target yet, or has not rolled it back."""


class Underway(_Phase, frozen=True, kw_only=True):
    """What all phases have in which the run waits for something."""

    started_at: Moment
    """When the run started on the target."""
    deadline_at: Moment
    """Until when it waits in this phase."""
    poll_after_seconds: int = 0


class PendingStatus(StrEnum):
    """Why a target has no preview."""

    CALENDAR_CLOSED = "CALENDAR_CLOSED"
    """Or AWS cannot say just now whether it is open."""
    CALENDAR_OPEN = "CALENDAR_OPEN"
    """It is to be previewed now."""
    STACK_BUSY = "STACK_BUSY"
    """Somebody else's operation on the stack is in progress."""
    PREVIEW_OUTDATED = "PREVIEW_OUTDATED"
    """The preview that there was does not hold any more; it is to be previewed again."""


class Pending(Underway, frozen=True, kw_only=True, tag="PENDING"):
    """A target without a preview of its update."""

    status: PendingStatus
    capacity: int | None = None
    """The desired capacity that the preview has to bring with it, if any."""


class Monitoring(Document, frozen=True):
    """The alarms and the bake time that the stack had `before` the run, and those `during` the update."""

    before: RollbackConfiguration
    during: RollbackConfiguration


class PreviewStatus(StrEnum):
    """How far the preview is from being executed."""

    CREATING = "CREATING"
    INSTANCES_UNHEALTHY = "INSTANCES_UNHEALTHY"
    """It is made, and waits only for instances that may become healthy by themselves."""
    READY = "READY"


class Preview(Underway, frozen=True, kw_only=True, tag="PREVIEW"):
    """The update of a target, as a change set."""

    status: PreviewStatus
    stack_id: str
    ami_before: str
    ami_after: str
    change_set_id: str
    capacities: dict[str, int]
    """The desired capacities of the groups by their logical ids; when READY, of those that the update changes."""
    monitoring: Monitoring
    capacity: int | None = None
    """The desired capacity that it brings with it, if any."""
    sets_capacity: bool = False
    """Whether the update sets the desired capacity of a group, when READY."""
    pauses_minutes: int = 0
    """How long the update pauses by what it is told to, when READY: the bake time and its groups' own."""
    changes: tuple[str, ...] = ()
    """What it would do, a line a resource, when READY."""


class UpdateStatus(StrEnum):
    """How far an update has come."""

    UPDATING = "UPDATING"
    ROLLING_BACK = "ROLLING_BACK"
    """By CloudFormation."""
    CANCELLED = "CANCELLED"
    """By the run, at the deadline: CloudFormation rolls it back."""
    UPDATED = "UPDATED"
    VERIFYING = "VERIFYING"
    """It is made, and not all instances are as they should be yet."""


class StackUpdate(Underway, frozen=True, kw_only=True, tag="UPDATE"):
    """An update of a stack by this execution."""

    status: UpdateStatus
    is_rollback: bool = False
    """Whether it leads back to the AMI that the stack ran before the run."""
    update_started_at: Moment
    stack_id: str
    ami_before: str
    ami_after: str
    capacities: dict[str, int]
    """The desired capacities of the groups that it changes, by their logical ids, as they were before it."""
    monitoring: Monitoring
    sets_capacity: bool
    """Whether it sets the desired capacity of a group, as an update back then does too."""
    pauses_minutes: int
    """How long it pauses by what it is told to: this is added to its deadline."""
    changes: tuple[str, ...] = ()
    """What it does, a line a resource, as its preview had it."""


class Verified(_Phase, frozen=True, kw_only=True, tag="VERIFIED"):
    """An update that is made, with its instances running the AMI and serving."""

    started_at: Moment
    """When the run started on the target."""
    stack_id: str
    ami_before: str
    ami_after: str
    seconds: int
    """From the start of the update to this proof."""
    detail: str
    monitoring: Monitoring
    changes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return Outcome.PATCHED


class Unchanged(_Phase, frozen=True, kw_only=True, tag="UNCHANGED"):
    """A target that the run is done with without an update: ALREADY_CURRENT, DRY_RUN or SKIPPED."""

    outcome: Outcome
    ami_before: str
    stack_id: str | None = None
    seconds: int = 0
    detail: str | None = None
    changes: tuple[str, ...] = ()
    """What the update would do, a line a resource, for a dry run."""

    @property
    def ami_after(self) -> str:
        return self.ami_before


# -- the alarms and the bake time that the stack had before the run: `$.restoration` -------------------------------


class Restoring(Underway, frozen=True, kw_only=True, tag="RESTORING"):
    """They are to be put back."""

    alarms_until: Moment
    """Until when an alarm that is in ALARM is waited for."""

    change_set_id: str | None = None
    """The change set that does it, when it is made."""
    is_updating: bool = False
    """Whether the update that does it has been started."""


class Restored(_Phase, frozen=True, kw_only=True, tag="RESTORED"):
    """The stack has them, or what somebody else has given it since, or is gone."""


class NotRestored(_Phase, frozen=True, kw_only=True, tag="NOT_RESTORED"):
    """The stack has those of the run, which has given up."""

    reason: str
    """What the stack has, what it had, and why they were not put back."""
    way_out: str
    """What an operator does about it."""


# -- how it ended ---------------------------------------------------------------------------------------------------


class Failure(Document, frozen=True, forbid_unknown_fields=False):
    """An error that the state machine caught: the Error and Cause of Step Functions."""

    error: str = msgspec.field(name="Error", default="States.Unknown")
    cause: str | None = msgspec.field(name="Cause", default=None)

    @property
    def message(self) -> str:
        """What the failed function said: Lambda makes a JSON document of it, with the stack trace beside."""
        cause = self.cause or "no cause was given"
        try:
            document = json.loads(cause)
        except ValueError:
            return cause
        message = document.get("errorMessage") if isinstance(document, dict) else None
        return message if isinstance(message, str) else cause


class RecordedResult(Document, frozen=True, tag_field="record", tag="RESULT"):
    """A target of which nothing failed, as the Map records it: an item of `$.results`.

    `restoration_failure` is the failure to put the alarms and the bake time back.
    """

    target: Target
    update: Verified | Unchanged
    restoration: NotStarted | Restoring | Restored | NotRestored
    restoration_failure: Failure | None


class RecordedFailure(Document, frozen=True, tag_field="record", tag="FAILURE"):
    """A target of which a task failed, as the Map records it: an item of `$.results`.

    `rollback_failure` is the failure of the update back to the old AMI.
    """

    target: Target
    update: NotStarted | Pending | Preview | StackUpdate
    failure: Failure
    rollback: NotStarted | Pending | StackUpdate | Verified
    rollback_failure: Failure | None
    restoration: NotStarted | Restoring | Restored | NotRestored
    restoration_failure: Failure | None


class TargetResult(Document, frozen=True):
    """How one target ended.

    `changes` is the preview of the update, a line a resource. `rolled_back` says that the stack is on its old AMI
    again, by CloudFormation or by this run.
    """

    stack_name: str
    outcome: Outcome
    ami_before: str | None
    ami_after: str | None
    seconds: int | None = None
    reason: str | None = None
    error: str | None = None
    stack_id: str | None = None
    stack_status: str | None = None
    changes: tuple[str, ...] = ()
    rolled_back: bool = False
    left_to_do: str | None = None
    """What an operator has to do about the stack's alarms and bake time."""


class Summary(Document, frozen=True):
    """How the run ended for all its targets: `$.summary`.

    The failure stands for those of all targets that are FAILED or UNKNOWN.
    """

    targets: tuple[TargetResult, ...] = ()
    failure: Failure | None = None

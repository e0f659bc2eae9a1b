"""The way of a target to its update: not frozen, not busy, previewed as a change set, and that found ready.

Where the target is goes through the state machine: each look takes the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from autopatch import readiness
from autopatch.aws.cloudformation.change_sets import ChangeSet, ChangeSetState
from autopatch.aws.cloudformation.stacks import GROUP_TYPE, Stack, not_updatable
from autopatch.contracts import (
    FreezeStatus,
    NotStarted,
    Outcome,
    Pending,
    PendingStatus,
    Preview,
    PreviewStatus,
    Unchanged,
)
from autopatch.errors import TargetNotReady, UnexpectedChanges
from autopatch.freezing import freeze
from autopatch.polling import look_again
from autopatch.readiness import Finding, GroupChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopatch.aws.cloudformation.change_sets import ChangeSets
    from autopatch.aws.cloudformation.stacks import Stacks
    from autopatch.aws.ec2 import Ec2, MachineImage
    from autopatch.aws.service_quotas import ServiceQuotas
    from autopatch.aws.systems_manager import SystemsManager
    from autopatch.contracts import Ami, Execution, Run, Target
    from autopatch.fleet import Fleets, GroupFleet
    from autopatch.holds import Holds
    from autopatch.settings import FreezeSettings, UpdateSettings

_Waiting = TypeVar("_Waiting", Pending, Preview)


@dataclass(frozen=True)
class Gateways:
    """What the check asks AWS through."""

    stacks: Stacks
    change_sets: ChangeSets
    fleets: Fleets
    ec2: Ec2
    quotas: ServiceQuotas
    systems_manager: SystemsManager
    holds: Holds


class ReadinessChecker:
    """One target of one run, and what is needed to judge it."""

    def __init__(
        self,
        *,
        execution: Execution,
        run: Run,
        target: Target,
        ami: Ami,
        freeze_settings: FreezeSettings,
        update_settings: UpdateSettings,
        gateways: Gateways,
    ) -> None:
        self._execution = execution
        self._run = run
        self._target = target
        self._ami = ami
        self._freeze_settings = freeze_settings
        self._update_settings = update_settings
        self._ask = gateways

    def check(self, so_far: NotStarted | Pending | Preview, now: datetime) -> Pending | Preview | Unchanged:
        """Where the target is now: waiting, previewed, or done with since nothing is to be changed.

        Raises TargetNotReady with all that is to be fixed, UnexpectedChanges when the update would do more than bring
        up other instances.
        """
        frozen = self._frozen(so_far, now)
        if frozen is not None:
            return frozen
        pending = self._pending(so_far, PendingStatus.STACK_BUSY, now)
        stack = self._ask.stacks.stack(self._target.stack_name)
        if stack.state.is_busy:
            self._forget(so_far)
            return self._waiting(pending, stack, now)
        if not stack.state.is_ready:
            raise not_updatable(stack)
        fleet = self._ask.fleets.of_stack(stack.name)
        if stack.parameters[self._target.ami_parameter] == self._ami.ami_id:
            return self._already_current(stack, fleet)
        if not isinstance(so_far, Preview):
            return self._previewing(pending, stack, fleet, now)
        change_set = self._ask.change_sets.change_set(so_far.change_set_id, stack.name)
        if change_set.state is ChangeSetState.CREATING:
            return self._waiting(replace(so_far, status=PreviewStatus.CREATING), stack, now)
        if change_set.state is ChangeSetState.GONE or _capacities(fleet) != so_far.capacities:
            # An obsolete one is still there, and no other can be made under its name.
            self._forget(so_far)
            return self._previewing(pending, stack, fleet, now)
        return self._judged(so_far, stack, fleet, change_set, now)

    # -- before the preview ----------------------------------------------------------------------------------------

    def _pending(self, so_far: NotStarted | Pending | Preview, status: PendingStatus, now: datetime) -> Pending:
        started_at = now if isinstance(so_far, NotStarted) else so_far.started_at
        deadline = timedelta(minutes=self._run.deployment_deadline_minutes)
        deadline_at = now + deadline if isinstance(so_far, NotStarted) else so_far.deadline_at
        return Pending(status=status, started_at=started_at, deadline_at=deadline_at)

    def _forget(self, so_far: NotStarted | Pending | Preview) -> None:
        if isinstance(so_far, Preview):
            self._ask.change_sets.delete(so_far.change_set_id, self._target.stack_name)

    def _frozen(self, so_far: NotStarted | Pending | Preview, now: datetime) -> Pending | Unchanged | None:
        frozen = freeze(self._freeze_settings, self._ask.systems_manager, self._execution.started_at, now)
        if frozen.status is FreezeStatus.OPEN:
            return None
        self._forget(so_far)
        if frozen.status is FreezeStatus.SKIP:
            return Unchanged(outcome=Outcome.SKIPPED, ami_before=self._target.ami_before, detail=frozen.reason)
        # The time until then counts neither as time elapsed nor for the deadline.
        wait = timedelta(seconds=frozen.poll_after_seconds)
        pending = self._pending(so_far, PendingStatus.CALENDAR_CLOSED, now)
        return replace(
            pending,
            started_at=pending.started_at + wait,
            deadline_at=pending.deadline_at + wait,
            poll_after_seconds=frozen.poll_after_seconds,
        )

    def _already_current(self, stack: Stack, fleet: tuple[GroupFleet, ...]) -> Unchanged:
        """ALREADY_CURRENT; that the parameter holds the AMI is not enough, the instances have to run it."""
        if findings := list(readiness.current_findings(self._ami.ami_id, self._target.ami_parameter, fleet)):
            raise _not_ready(stack, findings)
        return Unchanged(outcome=Outcome.ALREADY_CURRENT, ami_before=self._ami.ami_id, stack_id=stack.stack_id)

    def _previewing(
        self, pending: Pending, stack: Stack, fleet: tuple[GroupFleet, ...], now: datetime
    ) -> Pending | Preview:
        values = self._new_values(stack, fleet)
        change_set_id = self._ask.change_sets.begin(
            stack,
            values,
            has_transforms=self._ask.stacks.template_summary(stack.name).has_transforms,
            role_arn=self._update_settings.cloudformation_role_arn,
            alarm_arns=self._update_settings.alarm_arns,
            bake_minutes=self._update_settings.bake_minutes,
            name=self._execution.token(f"preview {stack.stack_id} {sorted(values.items())}"),
        )
        if change_set_id is None:
            return self._waiting(pending, stack, now)
        preview = Preview(
            status=PreviewStatus.CREATING,
            started_at=pending.started_at,
            deadline_at=pending.deadline_at,
            stack_id=stack.stack_id,
            ami_before=stack.parameters[self._target.ami_parameter],
            ami_after=self._ami.ami_id,
            change_set_id=change_set_id,
            capacities=_capacities(fleet),
        )
        return self._waiting(preview, stack, now)

    def _new_values(self, stack: Stack, fleet: tuple[GroupFleet, ...]) -> dict[str, str]:
        """The AMI, and the live capacity where a parameter of the stack carries it.

        A group that is replaced is created with the template's capacity (AutoScalingReplacingUpdate in the
        CloudFormation user guide): one that has scaled out would come back small.
        """
        values = {self._target.ami_parameter: self._ami.ami_id}
        if self._target.capacity_parameter is not None:
            if len(fleet) != 1:
                raise TargetNotReady(
                    f"stack {stack.name}: expected one Auto Scaling group whose capacity "
                    f"{self._target.capacity_parameter} carries, found {len(fleet)}; leave capacityParameter out"
                )
            values[self._target.capacity_parameter] = str(fleet[0].group.desired_capacity)
        return values

    # -- the preview -----------------------------------------------------------------------------------------------

    def _judged(
        self, preview: Preview, stack: Stack, fleet: tuple[GroupFleet, ...], change_set: ChangeSet, now: datetime
    ) -> Preview | Unchanged:
        """READY, DRY_RUN, or waiting for instances; a change set that will not be executed is deleted."""
        changed = _changed_groups(fleet, change_set)
        findings = self._findings(stack, fleet, changed)
        if self._may_settle(findings, preview, now):
            return self._waiting(replace(preview, status=PreviewStatus.INSTANCES_UNHEALTHY), stack, now)
        our_parameters = {self._target.ami_parameter, self._target.capacity_parameter or ""}
        unexpected = readiness.unexpected_changes(change_set.changes, our_parameters)
        if findings or unexpected or self._run.dry_run:
            self._ask.change_sets.delete(change_set.change_set_id, stack.name)
        if unexpected:
            raise UnexpectedChanges(
                _list(
                    f"stack {stack.name}: expected that only its instances would change, found:",
                    unexpected,
                )
                + "\ngive what is not to change with the AMI a parameter of its own, or make these changes by an "
                "update of their own, and start the execution again"
                + (_list("\nand the stack is not ready:", findings) if findings else "")
            )
        if findings:
            raise _not_ready(stack, findings)
        changes = tuple(str(change) for change in change_set.changes)
        if self._run.dry_run:
            return Unchanged(
                outcome=Outcome.DRY_RUN,
                ami_before=preview.ami_before,
                stack_id=stack.stack_id,
                seconds=round((now - preview.started_at).total_seconds()),
                detail=f"would set {self._target.ami_parameter} from {preview.ami_before} to {preview.ami_after}",
                changes=changes,
            )
        capacities = {group.logical_id: group.fleet.group.desired_capacity for group in changed}
        return replace(
            preview, status=PreviewStatus.READY, capacities=capacities, changes=changes, poll_after_seconds=0
        )

    def _may_settle(self, findings: Sequence[Finding], preview: Preview, now: datetime) -> bool:
        """Whether nothing but instances is amiss, which a group that scales just now mends by itself."""
        patience = timedelta(minutes=self._run.verification_deadline_minutes)
        return bool(findings) and now < preview.started_at + patience and all(finding.may_pass for finding in findings)

    def _findings(self, stack: Stack, fleet: tuple[GroupFleet, ...], changed: tuple[GroupChange, ...]) -> list[Finding]:
        image = self._ask.ec2.image(self._ami.ami_id)
        found = [
            *self._hold_findings(image),
            *readiness.stack_findings(stack),
            *readiness.ami_findings(self._ami.ami_id, image, fleet),
            *readiness.fleet_findings(fleet),
            *readiness.group_findings(changed, self._target.ami_parameter),
            *readiness.room_findings(changed, self._ask.ec2.free_addresses, self._used_and_quota),
        ]
        return [finding for finding in found if finding.name not in self._target.accepted]

    def _hold_findings(self, image: MachineImage | None) -> list[Finding]:
        hold = self._ask.holds.covering(self._ami.ami_id, image.name if image else "")
        if hold is None:
            return []
        return [Finding("Held", f"an AMI that may be rolled out, not {self._ami.ami_id}", str(hold), hold.release)]

    def _used_and_quota(self) -> tuple[int, int]:
        running = self._ask.ec2.running_instances().values()
        used = sum(instance.virtual_cpus for instance in running if instance.is_standard)
        return used, self._ask.quotas.standard_virtual_cpus()

    # -- waiting ---------------------------------------------------------------------------------------------------

    def _waiting(self, target: _Waiting, stack: Stack, now: datetime) -> _Waiting:
        minutes = self._run.deployment_deadline_minutes
        if now >= target.deadline_at and isinstance(target, Preview):
            raise TargetNotReady(
                f"stack {stack.name}: expected a preview of its update within {minutes} minutes that still holds when "
                "it is to be executed, found none; see the stack's change sets and events, and start a run again"
            )
        if now >= target.deadline_at:
            raise TargetNotReady(
                f"stack {stack.name}: expected it to settle within {minutes} minutes, found it still {stack.status}; "
                "see what updates it, and start a run again when it has settled"
            )
        return look_again(target, now)


def _capacities(fleet: Sequence[GroupFleet]) -> dict[str, int]:
    return {group.logical_id: group.group.desired_capacity for group in fleet}


def _changed_groups(fleet: tuple[GroupFleet, ...], change_set: ChangeSet) -> tuple[GroupChange, ...]:
    changes = {change.logical_id: change for change in change_set.changes if change.resource_type == GROUP_TYPE}
    return tuple(GroupChange(group, changes[group.logical_id]) for group in fleet if group.logical_id in changes)


def _not_ready(stack: Stack, findings: Sequence[Finding]) -> TargetNotReady:
    return TargetNotReady(_list(f"stack {stack.name} is not ready:", findings))


def _list(title: str, lines: Sequence[object]) -> str:
    return "\n".join([title, *(f"- {line}" for line in lines)])

"""Judge the preview of a target's update, and what it runs on today: only what is found ready is executed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autopatch.assessment import Assessment, Situation, assess
from autopatch.aws.cloudformation.change_sets import ChangeSetState
from autopatch.aws.cloudformation.stacks import not_updatable
from autopatch.aws.cloudwatch import AlarmState
from autopatch.contracts import Outcome, Pending, PendingStatus, Preview, PreviewStatus, Unchanged
from autopatch.findings import ALARM_NOT_OK, not_ready
from autopatch.fleet import desired_capacities
from autopatch.polling import or_look_again, pending_again, wait_for_preview, wait_for_stack
from autopatch.templates import read_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopatch.aws.cloudformation.change_sets import Change, ChangeSet, ChangeSets
    from autopatch.aws.cloudformation.stacks import Stack, Stacks
    from autopatch.aws.cloudwatch import Alarm, CloudWatch
    from autopatch.aws.ec2 import Ec2
    from autopatch.aws.service_quotas import ServiceQuotas
    from autopatch.contracts import Run, Target
    from autopatch.fleet import Fleets, GroupFleet
    from autopatch.holds import Holds


@dataclass(frozen=True)
class ReadinessChecker:
    """One target of one run, whose update is being previewed."""

    run: Run
    target: Target
    stacks: Stacks
    change_sets: ChangeSets
    fleets: Fleets
    ec2: Ec2
    quotas: ServiceQuotas
    holds: Holds
    cloudwatch: CloudWatch
    ami_owners: frozenset[str]

    def check(self, preview: Preview, now: datetime) -> Preview | Pending | Unchanged:
        """The preview, CREATING, INSTANCES_UNHEALTHY or READY; STACK_BUSY or PREVIEW_OUTDATED; or DRY_RUN.

        A change set that will not be executed is deleted.

        Raises TargetNotReady with all that is to be fixed, UnexpectedChanges when the update would do more than bring
        up other instances.
        """
        return or_look_again(preview, now, lambda: self._check(preview, now))

    def _check(self, preview: Preview, now: datetime) -> Preview | Pending | Unchanged:
        stack = self.stacks.stack(self.target.stack_name)
        if stack.state.is_busy:
            self._delete(preview)
            return wait_for_stack(preview, self.run, stack, now)
        if not stack.state.is_ready:
            raise not_updatable(stack)
        change_set = self.change_sets.change_set(preview.change_set_id, stack.name)
        if change_set.state is ChangeSetState.CREATING:
            return wait_for_preview(preview, self.run, self.target, now)
        fleet = self.fleets.of_stack(stack.name)
        alarms = self.cloudwatch.alarms(preview.monitoring.during.alarm_arns)
        if (
            change_set.state is ChangeSetState.GONE
            or desired_capacities(fleet) != preview.capacities
            or self._is_to_be_left_out(alarms)
        ):
            # An obsolete one is still there, and no other can be made under its name.
            self._delete(preview)
            return pending_again(preview, PendingStatus.PREVIEW_OUTDATED)
        assessment = assess(self._situation(preview, stack, fleet, change_set, alarms))
        capacity = assessment.capacity_to_carry
        if self.target.capacity_parameter is not None and preview.capacity is None and capacity is not None:
            self._delete(preview)
            return pending_again(preview, PendingStatus.PREVIEW_OUTDATED, capacity)
        return self._judge(preview, change_set.changes, assessment, now)

    def _is_to_be_left_out(self, alarms: Mapping[str, Alarm]) -> bool:
        """Whether an alarm has gone off since the preview, and the target accepts to be updated without it."""
        return ALARM_NOT_OK in self.target.accepted and any(
            alarm.state is AlarmState.ALARM for alarm in alarms.values()
        )

    def _delete(self, preview: Preview) -> None:
        self.change_sets.delete(preview.change_set_id, self.target.stack_name)

    def _situation(
        self,
        preview: Preview,
        stack: Stack,
        fleet: tuple[GroupFleet, ...],
        change_set: ChangeSet,
        alarms: Mapping[str, Alarm],
    ) -> Situation:
        image = self.ec2.image(preview.ami_after)
        return Situation(
            target=self.target,
            stack=stack,
            fleet=fleet,
            changes=change_set.changes,
            template=read_template(change_set.template, change_set.parameters, stack.stack_id),
            ami_id=preview.ami_after,
            image=image,
            owners=self.ami_owners,
            ran_before=lambda: self.ec2.launch_template_amis(self.stacks.launch_template_ids(stack.name)),
            ami_before=preview.ami_before,
            image_before=self.ec2.image(preview.ami_before) if preview.ami_before else None,
            hold=self.holds.covering(preview.ami_after, image.name if image else ""),
            monitoring=preview.monitoring.during,
            alarms=alarms,
            free_addresses=self.ec2.free_addresses,
            used_and_quota=self._used_and_quota,
        )

    def _used_and_quota(self) -> tuple[int, int]:
        running = self.ec2.running_instances().values()
        used = sum(instance.virtual_cpus for instance in running if instance.is_standard)
        return used, self.quotas.standard_virtual_cpus()

    def _judge(
        self, preview: Preview, changes: tuple[Change, ...], assessment: Assessment, now: datetime
    ) -> Preview | Unchanged:
        # Instances that a group brings up just now are given as long as those of an update.
        patience = timedelta(minutes=self.run.verification_deadline_minutes)
        if assessment.may_pass and now < preview.started_at + patience:
            unhealthy = replace(preview, status=PreviewStatus.INSTANCES_UNHEALTHY)
            return wait_for_preview(unhealthy, self.run, self.target, now)
        if assessment.findings or assessment.unexpected:
            self._delete(preview)
            raise not_ready(self.target.stack_name, assessment.findings, assessment.unexpected)
        lines = tuple(str(change) for change in changes)
        if self.run.dry_run:
            self._delete(preview)
            return Unchanged(
                outcome=Outcome.DRY_RUN,
                ami_before=preview.ami_before,
                stack_id=preview.stack_id,
                seconds=round((now - preview.started_at).total_seconds()),
                detail=f"would set {self.target.ami_parameter} from {preview.ami_before} to {preview.ami_after}",
                changes=lines,
            )
        return replace(
            preview,
            status=PreviewStatus.READY,
            capacities=desired_capacities(group.fleet for group in assessment.changed),
            sets_capacity=assessment.sets_capacity,
            pauses_minutes=assessment.pauses_minutes,
            changes=lines,
            poll_after_seconds=0,
        )

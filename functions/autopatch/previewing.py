"""Preview the update of a target as a change set, when nothing else is in progress on its stack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from autopatch.aws.cloudformation.rollback_configuration import RollbackTrigger
from autopatch.aws.cloudformation.stacks import UpdateRequest, not_updatable
from autopatch.aws.cloudwatch import AlarmState
from autopatch.contracts import Monitoring, Outcome, Pending, Preview, PreviewStatus, Unchanged
from autopatch.findings import ALARM_NOT_OK, alarm_count_findings, current_findings, not_ready
from autopatch.fleet import desired_capacities
from autopatch.polling import or_look_again, wait_for_preview, wait_for_stack
from autopatch.service_roles import role_to_give, service_role_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopatch.aws.cloudformation.change_sets import ChangeSets
    from autopatch.aws.cloudformation.rollback_configuration import RollbackConfiguration
    from autopatch.aws.cloudformation.stacks import Stack, Stacks
    from autopatch.aws.cloudwatch import CloudWatch
    from autopatch.contracts import Ami, Execution, Run, Target
    from autopatch.fleet import Fleets, GroupFleet
    from autopatch.saved_alarms import SavedAlarms
    from autopatch.settings import UpdateSettings


@dataclass(frozen=True)
class UpdatePreviewer:
    """One target of one run, whose calendars are open."""

    execution: Execution
    run: Run
    target: Target
    ami: Ami
    settings: UpdateSettings
    stacks: Stacks
    change_sets: ChangeSets
    fleets: Fleets
    cloudwatch: CloudWatch
    saved_alarms: SavedAlarms

    def preview(self, pending: Pending, now: datetime) -> Pending | Preview | Unchanged:
        """The preview, CREATING; or STACK_BUSY; or ALREADY_CURRENT.

        Raises TargetNotReady when the stack can be neither updated nor waited for, or is busy until the deadline.
        """
        return or_look_again(pending, now, lambda: self._preview(pending, now))

    def _preview(self, pending: Pending, now: datetime) -> Pending | Preview | Unchanged:
        stack = self.stacks.stack(self.target.stack_name)
        if stack.state.is_busy:
            return wait_for_stack(pending, self.run, stack, now)
        if not stack.state.is_ready:
            raise not_updatable(stack)
        fleet = self.fleets.of_stack(stack.name)
        if stack.parameters[self.target.ami_parameter] == self.ami.ami_id:
            return self._already_current(stack, fleet)
        own = self.saved_alarms.own(stack)
        monitoring = Monitoring(before=own, during=self._monitoring(own))
        change_set_id = self._begin(stack, pending.capacity, monitoring.during)
        if change_set_id is None:
            return wait_for_stack(pending, self.run, stack, now)
        preview = Preview(
            status=PreviewStatus.CREATING,
            started_at=pending.started_at,
            deadline_at=pending.deadline_at,
            stack_id=stack.stack_id,
            ami_before=stack.parameters[self.target.ami_parameter],
            ami_after=self.ami.ami_id,
            change_set_id=change_set_id,
            capacities=desired_capacities(fleet),
            monitoring=monitoring,
            capacity=pending.capacity,
        )
        return wait_for_preview(preview, self.run, self.target, now)

    def _already_current(self, stack: Stack, fleet: Sequence[GroupFleet]) -> Unchanged:
        """ALREADY_CURRENT; that the parameter holds the AMI is not enough, the instances have to run it."""
        if findings := list(current_findings(self.ami.ami_id, self.target.ami_parameter, fleet)):
            raise not_ready(stack.name, findings)
        return Unchanged(outcome=Outcome.ALREADY_CURRENT, ami_before=self.ami.ami_id, stack_id=stack.stack_id)

    def _monitoring(self, own: RollbackConfiguration) -> RollbackConfiguration:
        """The stack's own alarms and bake time, and those of the deployment.

        An alarm that has gone off would roll the update back at once. If the target accepts that, it is left out.
        """
        wanted = self.settings.alarm_arns
        alarms = self.cloudwatch.alarms(list(dict.fromkeys([*own.alarm_arns, *wanted])))
        kinds = {arn: "CompositeAlarm" for arn, alarm in alarms.items() if alarm.is_composite}
        triggers = [RollbackTrigger(arn, f"AWS::CloudWatch::{kinds.get(arn, 'Alarm')}") for arn in wanted]
        monitoring = own.with_more(triggers, self.settings.bake_minutes)
        if ALARM_NOT_OK not in self.target.accepted:
            return monitoring
        return monitoring.without([arn for arn, alarm in alarms.items() if alarm.state is AlarmState.ALARM])

    def _begin(self, stack: Stack, capacity: int | None, monitoring: RollbackConfiguration) -> str | None:
        """The id of the change set, which is made once, however often it is asked for; None for a busy stack."""
        accepted, deployment_role_arn = self.target.accepted, self.settings.cloudformation_role_arn
        # A stack of this name may have been created anew since the run was planned.
        findings = [
            *service_role_findings(stack, accepted, deployment_role_arn),
            *alarm_count_findings(monitoring.alarm_arns),
        ]
        if findings:
            raise not_ready(stack.name, findings)
        values = {self.target.ami_parameter: self.ami.ami_id}
        if capacity is not None and self.target.capacity_parameter is not None:
            values[self.target.capacity_parameter] = str(capacity)
        # Whether a stack has the role and the alarms of a change set that is never executed is not documented.
        is_executed = not self.run.dry_run
        changes_monitoring = is_executed and not monitoring.is_like(stack.rollback_configuration)
        return self.change_sets.begin(
            UpdateRequest(
                stack,
                values,
                has_transforms=self.stacks.template_summary(stack.name).has_transforms,
                role_arn=role_to_give(accepted, deployment_role_arn) if is_executed else None,
                rollback_configuration=monitoring if changes_monitoring else None,
            ),
            name=self.execution.token(f"preview {stack.stack_id} {sorted(values.items())} {monitoring}"),
            description="AMI Autopatch: instances on another AMI",
        )

"""Preview the update of a target as a change set, when nothing else is in progress on its stack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from autopatch.aws.cloudformation.stacks import not_updatable
from autopatch.contracts import Outcome, Pending, Preview, PreviewStatus, Unchanged
from autopatch.errors import TargetNotReady
from autopatch.findings import current_findings, not_ready
from autopatch.fleet import desired_capacities
from autopatch.polling import wait_for_preview, wait_for_stack
from autopatch.service_roles import role_to_give, service_role_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopatch.aws.cloudformation.change_sets import ChangeSets
    from autopatch.aws.cloudformation.stacks import Stack, Stacks
    from autopatch.contracts import Ami, Execution, Run, Target
    from autopatch.fleet import Fleets, GroupFleet
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

    def preview(self, pending: Pending, now: datetime) -> Pending | Preview | Unchanged:
        """The preview, CREATING; or STACK_BUSY; or ALREADY_CURRENT.

        Raises TargetNotReady when the stack can be neither updated nor waited for, or is busy until the deadline.
        """
        stack = self.stacks.stack(self.target.stack_name)
        if stack.state.is_busy:
            return wait_for_stack(pending, self.run, stack, now)
        if not stack.state.is_ready:
            raise not_updatable(stack)
        fleet = self.fleets.of_stack(stack.name)
        if stack.parameters[self.target.ami_parameter] == self.ami.ami_id:
            return self._already_current(stack, fleet)
        change_set_id = self._begin(stack, fleet)
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
        )
        return wait_for_preview(preview, self.run, self.target, now)

    def _already_current(self, stack: Stack, fleet: Sequence[GroupFleet]) -> Unchanged:
        """ALREADY_CURRENT; that the parameter holds the AMI is not enough, the instances have to run it."""
        if findings := list(current_findings(self.ami.ami_id, self.target.ami_parameter, fleet)):
            raise not_ready(stack.name, findings)
        return Unchanged(outcome=Outcome.ALREADY_CURRENT, ami_before=self.ami.ami_id, stack_id=stack.stack_id)

    def _begin(self, stack: Stack, fleet: Sequence[GroupFleet]) -> str | None:
        """The id of the change set, which is made once, however often it is asked for; None for a busy stack."""
        accepted, deployment_role_arn = self.target.accepted, self.settings.cloudformation_role_arn
        # A stack of this name may have been created anew since the run was planned.
        if findings := list(service_role_findings(stack, accepted, deployment_role_arn)):
            raise not_ready(stack.name, findings)
        values = self._new_values(stack, fleet)
        return self.change_sets.begin(
            stack,
            values,
            has_transforms=self.stacks.template_summary(stack.name).has_transforms,
            # Whether a stack has the role of a change set that is never executed is not documented.
            role_arn=None if self.run.dry_run else role_to_give(accepted, deployment_role_arn),
            alarm_arns=self.settings.alarm_arns,
            bake_minutes=self.settings.bake_minutes,
            name=self.execution.token(f"preview {stack.stack_id} {sorted(values.items())}"),
        )

    def _new_values(self, stack: Stack, fleet: Sequence[GroupFleet]) -> dict[str, str]:
        """The AMI, and the live capacity where a parameter of the stack carries it.

        A group that is replaced is created with the template's capacity (AutoScalingReplacingUpdate in the
        CloudFormation user guide): one that has scaled out would come back small.
        """
        values = {self.target.ami_parameter: self.ami.ami_id}
        if self.target.capacity_parameter is not None:
            if len(fleet) != 1:
                raise TargetNotReady(
                    f"stack {stack.name}: expected one Auto Scaling group whose capacity "
                    f"{self.target.capacity_parameter} carries, found {len(fleet)}; leave capacityParameter out"
                )
            values[self.target.capacity_parameter] = str(fleet[0].group.desired_capacity)
        return values

"""Execute the previewed update of a stack, once, and only while its preview holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autopatch.contracts import Pending, PendingStatus, Preview, StackUpdate, UpdateStatus
from autopatch.operations import OwnOperation
from autopatch.polling import look_again

if TYPE_CHECKING:
    from autopatch.aws.auto_scaling import AutoScaling
    from autopatch.aws.cloudformation.change_sets import ChangeSets
    from autopatch.aws.cloudformation.stacks import Stacks
    from autopatch.contracts import Execution, Run, Target


@dataclass(frozen=True)
class StackUpdater:
    """One target of one run, whose change set is ready."""

    execution: Execution
    run: Run
    target: Target
    stacks: Stacks
    change_sets: ChangeSets
    auto_scaling: AutoScaling

    def update(self, preview: Preview, now: datetime) -> StackUpdate | Pending:
        """The update; or a target whose preview does not hold any more, so that another one has to be made."""
        ours = OwnOperation.update(self.execution, self.target.stack_name)
        # An earlier attempt of this task may have started the update already.
        if ours.as_it_is(self.stacks, preview.stack_id, self.execution.started_at) is None:
            if self._capacities(preview) != preview.capacities:
                self.change_sets.delete(preview.change_set_id, self.target.stack_name)
                return _outdated(preview)
            if not self.change_sets.execute(preview.change_set_id, self.target.stack_name, ours.token):
                return _outdated(preview)
        updating = StackUpdate(
            status=UpdateStatus.UPDATING,
            started_at=preview.started_at,
            update_started_at=now,
            deadline_at=now + timedelta(minutes=self.run.deployment_deadline_minutes),
            stack_id=preview.stack_id,
            ami_before=preview.ami_before,
            ami_after=preview.ami_after,
            capacities=preview.capacities,
            changes=preview.changes,
        )
        return look_again(updating, now)

    def _capacities(self, preview: Preview) -> dict[str, int]:
        """The desired capacities that the groups of the preview have now, by the groups' logical ids."""
        names = self.stacks.group_names(self.target.stack_name)
        changing = {logical_id: name for logical_id, name in names.items() if logical_id in preview.capacities}
        groups = self.auto_scaling.groups(changing.values())
        return {logical_id: groups[name].desired_capacity for logical_id, name in changing.items()}


def _outdated(preview: Preview) -> Pending:
    return Pending(
        status=PendingStatus.PREVIEW_OUTDATED, started_at=preview.started_at, deadline_at=preview.deadline_at
    )

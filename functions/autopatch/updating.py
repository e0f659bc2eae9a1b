"""Execute the previewed update of a stack, once, and only while its preview holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autopatch.contracts import FreezeStatus, Pending, PendingStatus, Preview, StackUpdate, UpdateStatus
from autopatch.freezing import freeze
from autopatch.operations import OwnOperation
from autopatch.polling import look_again, pending_again

if TYPE_CHECKING:
    from autopatch.aws.auto_scaling import AutoScaling
    from autopatch.aws.cloudformation.change_sets import ChangeSets
    from autopatch.aws.cloudformation.stacks import Stacks
    from autopatch.aws.systems_manager import SystemsManager
    from autopatch.contracts import Execution, Run, Target
    from autopatch.saved_alarms import SavedAlarms
    from autopatch.settings import CalendarSettings


@dataclass(frozen=True)
class StackUpdater:
    """One target of one run, whose preview is ready."""

    execution: Execution
    run: Run
    target: Target
    settings: CalendarSettings
    stacks: Stacks
    change_sets: ChangeSets
    auto_scaling: AutoScaling
    systems_manager: SystemsManager
    saved_alarms: SavedAlarms

    def update(self, preview: Preview, now: datetime) -> StackUpdate | Pending:
        """The update, UPDATING; or CALENDAR_CLOSED or PREVIEW_OUTDATED when the preview is not to be executed.

        A change set that will not be executed is deleted.
        """
        ours = OwnOperation.update(self.execution, self.target.stack_name)
        # An earlier attempt of this task may have started the update already.
        if ours.find(self.stacks, preview.stack_id, self.execution.started_at) is not None:
            return self._updating(preview, now)
        if freeze(self.settings, self.systems_manager, self.execution.started_at, now).status is not FreezeStatus.OPEN:
            return self._given_up(preview, PendingStatus.CALENDAR_CLOSED)
        if self._capacities(preview) != preview.capacities:
            return self._given_up(preview, PendingStatus.PREVIEW_OUTDATED)
        self.saved_alarms.save(self.target.stack_name, preview.stack_id, preview.monitoring)
        if self.change_sets.execute(preview.change_set_id, self.target.stack_name, ours.token):
            return self._updating(preview, now)
        # A call whose answer was lost is sent again by the SDK: what it is then told may be about our own update.
        if ours.find(self.stacks, preview.stack_id, self.execution.started_at) is not None:
            return self._updating(preview, now)
        return self._given_up(preview, PendingStatus.PREVIEW_OUTDATED)

    def _given_up(self, preview: Preview, status: PendingStatus) -> Pending:
        # One that another operation has made obsolete is still there, and no other can be made under its name.
        self.change_sets.delete(preview.change_set_id, self.target.stack_name)
        return pending_again(preview, status)

    def _updating(self, preview: Preview, now: datetime) -> StackUpdate:
        updating = StackUpdate(
            status=UpdateStatus.UPDATING,
            started_at=preview.started_at,
            update_started_at=now,
            deadline_at=now + timedelta(minutes=self.run.deployment_deadline_minutes + preview.pauses_minutes),
            stack_id=preview.stack_id,
            ami_before=preview.ami_before,
            ami_after=preview.ami_after,
            capacities=preview.capacities,
            monitoring=preview.monitoring,
            sets_capacity=preview.sets_capacity,
            pauses_minutes=preview.pauses_minutes,
            changes=preview.changes,
        )
        return look_again(updating, now)

    def _capacities(self, preview: Preview) -> dict[str, int]:
        """The desired capacities that the groups of the preview have now, by the groups' logical ids."""
        names = self.stacks.group_names(self.target.stack_name)
        changing = {logical_id: name for logical_id, name in names.items() if logical_id in preview.capacities}
        groups = self.auto_scaling.groups(changing.values())
        return {logical_id: groups[name].desired_capacity for logical_id, name in changing.items()}

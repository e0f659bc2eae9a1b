"""Execute the previewed update of a stack, once, and only while its preview holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from autopatch.operations import OwnOperation
from autopatch.polling import look_again

if TYPE_CHECKING:
    from autopatch.aws.auto_scaling import AutoScaling
    from autopatch.aws.cloudformation.change_sets import ChangeSets
    from autopatch.aws.cloudformation.stacks import Stacks
    from autopatch.contracts import Execution, Run, Target, Update


@dataclass(frozen=True)
class StackUpdater:
    """One target of one run, whose change set is ready."""

    execution: Execution
    run: Run
    target: Target
    stacks: Stacks
    change_sets: ChangeSets
    auto_scaling: AutoScaling

    def update(self, so_far: Update, now: datetime) -> Update:
        """UPDATING; or OUTDATED when the preview no longer holds, so that the target has to be checked again."""
        assert so_far.stack_id and so_far.change_set_id
        ours = OwnOperation.update(self.execution, self.target.stack_name)
        # An earlier attempt of this task may have started the update already.
        if ours.as_it_is(self.stacks, so_far.stack_id, self.execution.started_at) is None:
            if self._capacities(so_far) != so_far.capacities:
                self.change_sets.delete(so_far.change_set_id, self.target.stack_name)
                return replace(so_far, status="OUTDATED")
            if not self.change_sets.execute(so_far.change_set_id, self.target.stack_name, ours.token):
                return replace(so_far, status="OUTDATED")
        return look_again(so_far.waiting("UPDATING", now, self.run.deployment_deadline_minutes), now)

    def _capacities(self, so_far: Update) -> dict[str, int]:
        names = self.stacks.group_names(self.target.stack_name)
        known = {logical_id: name for logical_id, name in names.items() if logical_id in so_far.capacities}
        groups = self.auto_scaling.groups(known.values())
        return {logical_id: groups[name].desired_capacity for logical_id, name in known.items()}

"""What caused the failure of an update: the launches of an Auto Scaling group, its instances, their console output."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from autopatch.aws.auto_scaling import Activity, AutoScaling
from autopatch.aws.cloudformation.stacks import GROUP_TYPE, Operation, ResourceFailure
from autopatch.aws.ec2 import Ec2, Instance
from autopatch.errors import AutopatchError

_INSTANCES_SHOWN = 4
_CONSOLES_SHOWN = 2
_CONSOLE_LINES = 8


@dataclass(frozen=True)
class Diagnosis:
    """Adds details to the event of a failed resource. It only reads, and its own failures hide nothing."""

    auto_scaling: AutoScaling
    ec2: Ec2

    def behind(self, failure: ResourceFailure, since: datetime) -> str:
        """Lines to append to the failure, each after a line break; "" when there is nothing to add.

        At most some 4,000 characters: a state of the state machine holds 256 KiB.
        """
        if failure.resource_type != GROUP_TYPE or not failure.physical_id:
            return ""
        try:
            activities = self.auto_scaling.activities(failure.physical_id, since)
            lines = _failed_launches(activities) + self._instances(activities)
        except AutopatchError as error:
            lines = [f"what its group launched could not be read: {error}"]
        return "".join(f"\n- {line}" for line in lines)

    def exoneration(self, operation: Operation) -> str | None:
        """Why a failed update does not show that its AMI is bad; None when it does.

        It does when instances came up and were not accepted: the group missed their signals, although it could launch
        every instance. A policy, a permission, a quota, a name that is taken, want of capacity, an alarm or a
        cancellation say nothing of the AMI.
        """
        failure = operation.first_failure
        if failure is None:
            return "no resource failed before CloudFormation began to roll back"
        if failure.resource_type != GROUP_TYPE or not failure.physical_id or not failure.lacks_signals:
            return f"{failure.logical_id} failed for another reason than its instances"
        try:
            since_it_began = self.auto_scaling.activities(failure.physical_id, operation.began_at)
        except AutopatchError as error:
            return f"what {failure.logical_id} launched could not be read: {error}"
        # What the group launches after the failure belongs to the rollback.
        activities = [activity for activity in since_it_began if activity.started_at <= failure.at]
        if any(activity.has_failed for activity in activities):
            return f"{failure.logical_id} could not launch all instances"
        if not any(activity.launched for activity in activities):
            return f"{failure.logical_id} launched no instance"
        return None

    def _instances(self, activities: tuple[Activity, ...]) -> list[str]:
        launched = [activity.launched for activity in activities if activity.launched]
        instances = self.ec2.instances(launched)
        shown = launched[:_INSTANCES_SHOWN]
        lines = [_in_words(instance_id, instances.get(instance_id)) for instance_id in shown]
        if len(launched) > len(shown):
            lines.append(f"and {len(launched) - len(shown)} more instances")
        for instance_id in launched[:_CONSOLES_SHOWN]:
            console = [line for line in self.ec2.console_output(instance_id).splitlines() if line.strip()]
            if console:
                end = " | ".join(line.strip()[:160] for line in console[-_CONSOLE_LINES:])
                lines.append(f"the console of {instance_id} ends with: {end}")
        return lines


def _failed_launches(activities: tuple[Activity, ...]) -> list[str]:
    """The messages of launches that failed, each message once."""
    counts: dict[str, int] = {}
    for activity in activities:
        if activity.has_failed:
            text = activity.message or activity.description
            counts[text] = counts.get(text, 0) + 1
    return [f"{count} launch{'es' if count > 1 else ''} failed: {text[:500]}" for text, count in counts.items()]


def _in_words(instance_id: str, instance: Instance | None) -> str:
    if instance is None:
        return f"{instance_id} was launched, and is unknown to EC2 by now"
    return f"{instance_id} ({instance.instance_type}, {instance.ami_id}) was launched, and is {instance.state} now"

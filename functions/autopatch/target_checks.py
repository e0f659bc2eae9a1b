"""What is found of the targets before anything is built: all that does not depend on the AMI, and will not pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autopatch.aws.cloudformation.stacks import GROUP_TYPE, not_updatable
from autopatch.contracts import Refused
from autopatch.dependents import dependents
from autopatch.errors import AutopatchError, TargetNotReady, TransientAwsFault
from autopatch.findings import alarm_count_findings, alarm_findings, fleet_findings, not_ready, stack_findings
from autopatch.fleet import GroupFleet
from autopatch.group_changes import GroupChange
from autopatch.group_findings import capacity_parameter_findings, group_findings, reach_findings
from autopatch.stack_policies import MODIFY, REPLACE, stack_policy_findings
from autopatch.templates import read_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopatch.aws.auto_scaling import AutoScaling
    from autopatch.aws.cloudformation.stacks import Stack, Stacks
    from autopatch.aws.cloudwatch import CloudWatch
    from autopatch.contracts import Run, Target
    from autopatch.findings import Finding
    from autopatch.templates import Template

_ANY_AMI = "ami-00000000000000000"
_LATER = ("NotKnownBefore", "UnhealthyInstances")
"""What the preview may still say, and what is waited for."""


@dataclass(frozen=True)
class TargetChecker:
    """The targets of one run; `alarm_arns` are the deployment's rollback alarms."""

    run: Run
    alarm_arns: tuple[str, ...]
    stacks: Stacks
    auto_scaling: AutoScaling
    cloudwatch: CloudWatch

    def check(self) -> Run:
        """The run with the targets that can be patched, as far as that is known; the others are among the refused.

        Raises TargetNotReady, with what is found of all of them, when none is left.
        """
        ready, refused = [], list(self.run.refused)
        for target in self.run.targets:
            try:
                # What runs the AMI already is not updated.
                if self.run.ami_id != target.ami_before:
                    self._check(target)
            except TransientAwsFault:
                raise
            except AutopatchError as error:
                refused.append(Refused(target.stack_name, type(error).__name__, str(error), target.ami_before))
            else:
                ready.append(target)
        if not ready:
            raise TargetNotReady("\n".join(target.reason for target in refused))
        return replace(self.run, targets=tuple(ready), refused=tuple(refused))

    def _check(self, target: Target) -> None:
        stack = self.stacks.stack(target.stack_name)
        if stack.state.is_busy:
            # Another operation may change all that would be judged.
            return
        if not stack.state.is_ready:
            raise not_updatable(stack)
        values = {**stack.resolved_parameters, target.ami_parameter: self.run.ami_id or _ANY_AMI}
        template = read_template(self.stacks.template(stack.name), values, stack.stack_id)
        findings = [
            finding
            for finding in self._findings(target, stack, template)
            if finding.name not in (*target.accepted, *_LATER) and not finding.may_pass
        ]
        if findings:
            raise not_ready(stack.name, findings)

    def _findings(self, target: Target, stack: Stack, template: Template) -> Iterator[Finding]:
        changing = dependents(template.document, target.ami_parameter)
        names = self.stacks.group_names(stack.name)
        groups = self.auto_scaling.groups(names.values())
        fleet = [GroupFleet(logical_id, groups[name], ()) for logical_id, name in names.items()]
        changed = [GroupChange.read(group, {}, template) for group in fleet if group.logical_id in changing]
        yield from stack_findings(stack)
        yield from fleet_findings(fleet)
        yield from reach_findings(fleet, changing, template, target.ami_parameter)
        yield from capacity_parameter_findings(changed, template, target.capacity_parameter)
        for finding in group_findings(changed, target.capacity_parameter):
            # A parameter that carries the capacity does so as soon as the preview shows that it has to.
            is_carried = finding.name == "CapacityShrinks" and target.capacity_parameter is not None
            if not is_carried:
                yield finding
        alarm_arns = list(dict.fromkeys([*stack.rollback_configuration.alarm_arns, *self.alarm_arns]))
        yield from alarm_count_findings(alarm_arns)
        yield from alarm_findings(alarm_arns, self.cloudwatch.alarms(alarm_arns))
        yield from stack_policy_findings(self.stacks.policy(stack.name), _actions(changed))


def _actions(changed: list[GroupChange]) -> Iterator[tuple[str, str, str]]:
    """What the update does to the groups: whether one that WillReplace is modified or replaced is not documented."""
    for group in changed:
        yield MODIFY, group.logical_id, GROUP_TYPE
        if group.replaces_group is True:
            yield REPLACE, group.logical_id, GROUP_TYPE

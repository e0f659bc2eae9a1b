"""Groups of a stack and their changes, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autopatch.aws.auto_scaling import Group, GroupInstance
from autopatch.aws.cloudformation.change_sets import Cause, Change
from autopatch.aws.cloudformation.stacks import GROUP_TYPE
from autopatch.aws.ec2 import Instance, MachineImage
from autopatch.findings import Finding
from autopatch.fleet import GroupFleet, Member
from autopatch.group_changes import GroupChange
from autopatch.templates import Template

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/web/1"
OLD, NEW = "ami-0f1e2d3c4b5a69788", "ami-0123456789abcdef0"
ACCOUNT = "123456789012"
IMAGE = MachineImage(NEW, "golden-image", "available", "x86_64", ACCOUNT)
PARAMETER = Cause("ParameterReference", "AmazonMachineImage")
# On record: a DirectModification that repeats a reference is Dynamic, a value that has moved by itself is Static.
REPEATED = Cause("DirectModification", None, "Dynamic")
DIRECT = Cause("DirectModification", None)
REPLACING = {"AutoScalingReplacingUpdate": {"WillReplace": "true"}}
SIGNALS = {"ResourceSignal": {"Count": "2", "Timeout": "PT15M"}}


def member(instance_id: str = "i-1", ami: str = OLD, trouble: str | None = None, **more: Any) -> Member:
    facts = {"instance_type": "t3.micro", "architecture": "x86_64", "virtual_cpus": 2, "is_on_demand": True, **more}
    return Member(instance_id, Instance(instance_id=instance_id, ami_id=ami, state="running", **facts), trouble)


def fleet(*members: Member, logical_id: str = "Group", desired: int | None = None, subnets: int = 2) -> GroupFleet:
    members = members or (member("i-1"), member("i-2"))
    group = Group(
        name=f"stack-{logical_id}-1",
        min_size=1,
        max_size=8,
        desired_capacity=len(members) if desired is None else desired,
        instances=tuple(GroupInstance(member.instance_id, "InService", "Healthy") for member in members),
        subnet_ids=tuple(f"subnet-{number}" for number in range(subnets)),
        target_group_arns=(),
        load_balancer_names=(),
    )
    return GroupFleet(logical_id, group, members)


def changed(
    policy: dict[str, Any] | None = None,
    creation: dict[str, Any] | None = None,
    properties: dict[str, Any] | None = None,
    running: GroupFleet | None = None,
    after: dict[str, Any] | None = None,
) -> GroupChange:
    """A group that an update changes, with these attributes in its template; `after` is what the change set shows."""
    resource = {"Type": GROUP_TYPE, "Properties": {"DesiredCapacity": 2} if properties is None else properties}
    resource |= {} if policy is None else {"UpdatePolicy": policy}
    resource |= {} if creation is None else {"CreationPolicy": creation}
    document = {"Resources": {"Group": resource}, "Parameters": {"Size": {"Type": "Number", "NoEcho": True}}}
    reason = Cause("ResourceAttribute", "Template.LatestVersionNumber")
    change = Change("Modify", "Group", GROUP_TYPE, "Conditional", ("LaunchTemplate",), (reason,), after or {})
    return GroupChange.read(running or fleet(), change.after, Template(document, {}, STACK_ID))


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    assert str(finding) == f"{finding.name}: expected {finding.expected}, found {finding.found}; {finding.fix}"
    return finding

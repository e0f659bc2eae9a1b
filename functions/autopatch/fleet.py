"""What runs in a stack's Auto Scaling groups, from Auto Scaling, EC2 and Elastic Load Balancing together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from autopatch.aws.auto_scaling import AutoScaling, Group
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.ec2 import Ec2, Instance
from autopatch.aws.elastic_load_balancing import ElasticLoadBalancing, TargetHealth


@dataclass(frozen=True)
class Member:
    """One instance of a group; `trouble` is what keeps it from serving, None when nothing does."""

    instance_id: str
    instance: Instance | None
    trouble: str | None
    is_set_aside: bool = False
    """Whether it is to serve no more, which says nothing of its AMI."""

    @property
    def ami_id(self) -> str | None:
        return self.instance.ami_id if self.instance else None


@dataclass(frozen=True)
class GroupFleet:
    """A group of the stack, with its members."""

    logical_id: str
    group: Group
    members: tuple[Member, ...]

    @property
    def serving(self) -> int:
        """How many of its instances serve."""
        return sum(member.trouble is None for member in self.members)


def desired_capacities(fleet: Iterable[GroupFleet]) -> dict[str, int]:
    """The desired capacity of each group, by its logical id."""
    return {group.logical_id: group.group.desired_capacity for group in fleet}


@dataclass(frozen=True)
class Fleets:
    """Looks at what runs in a stack's groups."""

    stacks: Stacks
    auto_scaling: AutoScaling
    ec2: Ec2
    load_balancing: ElasticLoadBalancing

    def of_stack(self, stack_name: str) -> tuple[GroupFleet, ...]:
        """Each Auto Scaling group of the stack, with its instances as they are now.

        Raises TargetNotReady when a group that the stack lists does not exist.
        """
        names = self.stacks.group_names(stack_name)
        groups = self.auto_scaling.groups(names.values())
        ids = [instance.instance_id for group in groups.values() for instance in group.instances]
        instances = self.ec2.instances(ids)
        return tuple(
            GroupFleet(logical_id, groups[name], self._members(groups[name], instances))
            for logical_id, name in names.items()
        )

    def launched(self, group_name: str, since: datetime) -> int:
        """How many instances the group has launched successfully since then."""
        activities = self.auto_scaling.activities(group_name, since)
        return sum(activity.launched is not None and activity.status == "Successful" for activity in activities)

    def _members(self, group: Group, instances: dict[str, Instance]) -> tuple[Member, ...]:
        balancers = [(arn.split(":")[-1], self.load_balancing.target_health(arn)) for arn in group.target_group_arns]
        balancers += [(name, self.load_balancing.classic_health(name)) for name in group.load_balancer_names]
        members = []
        for launched in group.instances:
            instance = instances.get(launched.instance_id)
            troubles = [] if launched.is_serving else [f"{launched.lifecycle_state} and {launched.health_status}"]
            troubles += _troubles_behind(launched.instance_id, balancers)
            if instance is None:
                troubles.append("unknown to EC2")
            elif instance.state != "running":
                troubles.append(instance.state)
            trouble = ", ".join(troubles) or None
            members.append(Member(launched.instance_id, instance, trouble, launched.is_set_aside))
        return tuple(members)


def _troubles_behind(instance_id: str, balancers: list[tuple[str, dict[str, TargetHealth]]]) -> list[str]:
    troubles = []
    for name, health in balancers:
        target = health.get(instance_id)
        if target is None:
            troubles.append(f"not registered in {name}")
        elif not target.is_healthy:
            troubles.append(f"{target.text} in {name}")
    return troubles

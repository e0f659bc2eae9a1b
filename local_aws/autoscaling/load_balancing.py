"""The instances of groups as targets: they are registered when they come into service, and drain when they leave.

Source: Amazon EC2 Auto Scaling User Guide, "How lifecycle hooks work in Auto Scaling groups", "Suspend and resume
Amazon EC2 Auto Scaling processes" (AddToLoadBalancer); User Guide for Application Load Balancers, "Deregistration
delay".
"""

from __future__ import annotations

from typing import Any

from local_aws.core import clock
from local_aws.elbv2 import health, load_balancers


def register(backend: Any, group_name: str) -> None:
    """Register those instances of moto's group that are in service with its target groups.

    Those that came into service while AddToLoadBalancer was suspended stay outside.
    """
    group = backend.autoscaling_groups[group_name]
    states = [state for state in _serving(group) if state.instance.state == "running"]
    for target_group in target_groups(group):
        new = [state.instance_id for state in states if state.instance_id not in target_group.targets]
        target_group.register([{"Id": identifier, "Port": target_group.port} for identifier in new])


def refresh_classic(backend: Any, group_name: str) -> None:
    """Have the Classic Load Balancers of moto's group balance over those instances that are in service."""
    group = backend.autoscaling_groups[group_name]
    wanted = {state.instance_id for state in _serving(group)}
    for balancer in _classic(group):
        present = set(balancer.instance_ids)
        backend.elb_backend.register_instances(balancer.name, wanted - present, from_autoscaling=True)
        backend.elb_backend.deregister_instances(balancer.name, present - wanted, from_autoscaling=True)


def deregister(group: Any, instance_id: str) -> float:
    """Take an instance out of all that balances over it; returns for how many seconds it drains."""
    delays = [0.0]
    for target_group in target_groups(group):
        if instance_id not in target_group.targets and instance_id not in target_group.terminated_targets:
            continue
        if instance_id in target_group.targets:
            target_group.deregister([{"Id": instance_id}])
        if load_balancers.using(target_group):
            delays.append(float(target_group.attributes["deregistration_delay.timeout_seconds"]))
    for balancer in _classic(group):
        if instance_id in balancer.instance_ids:
            group.autoscaling_backend.elb_backend.deregister_instances(
                balancer.name, [instance_id], from_autoscaling=True
            )
            draining = balancer.attributes["connection_draining"]
            delays.append(float(draining.get("timeout") or 300) if draining["enabled"] else 0.0)
    return max(delays)


def unhealthy_from(group: Any, instance: Any, since: float) -> float | None:
    """The first moment, not before `since`, at which a load balancer of the group finds the instance unhealthy.

    In virtual seconds; None for never.
    """
    moments = [
        health.unhealthy_from(target_group, instance, target_group.targets[instance.id]["RegisteredAt"], since)
        for target_group in _balanced(group, instance)
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def healthy_at(group: Any, instance: Any) -> float | None:
    """When all load balancers of the group find the instance healthy, in virtual seconds; None for never."""
    moments = [
        health.healthy_at(target_group, instance, target_group.targets[instance.id]["RegisteredAt"])
        for target_group in _balanced(group, instance)
    ]
    known = [moment for moment in moments if moment is not None]
    return max(known, default=clock.current().time()) if len(known) == len(moments) else None


def target_groups(group: Any) -> list[Any]:
    """moto's target groups that are attached to the group, as far as they still exist."""
    by_arn = group.autoscaling_backend.elbv2_backend.target_groups
    return [by_arn[arn] for arn in group.target_group_arns if arn in by_arn]


def _balanced(group: Any, instance: Any) -> list[Any]:
    """The target groups in which the instance is and whose targets a load balancer checks."""
    return [
        target_group
        for target_group in target_groups(group)
        if instance.id in target_group.targets
        and target_group.health_check_enabled
        and load_balancers.using(target_group)
    ]


def _serving(group: Any) -> list[Any]:
    return [state for state in group.active_instances() if not getattr(state, "is_left_out", False)]


def _classic(group: Any) -> list[Any]:
    """moto's Classic Load Balancers of the group, as far as they still exist."""
    by_name = group.autoscaling_backend.elb_backend.load_balancers
    return [by_name[name] for name in group.load_balancer_names if name in by_name]

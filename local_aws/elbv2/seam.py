"""Elastic Load Balancing: a target is healthy once its instance has answered enough health checks.

In moto every registered target is healthy at once, whether or not a load balancer uses the group, a group that a load
balancer has used once is shown as used for good, and a target is an instance, whatever its port.

Source: Elastic Load Balancing API Reference, TargetHealth; User Guide for Application Load Balancers, "Health checks
for Application Load Balancer target groups", "Deregistration delay".
"""

from __future__ import annotations

import functools
from typing import Any

from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeLoadBalancer, FakeTargetGroup

from local_aws.core import clock
from local_aws.core.errors import NotModelled
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.elbv2 import load_balancers
from local_aws.elbv2.health import state as health_state

expect_parameters(FakeTargetGroup.register, "self", "targets")
expect_parameters(FakeTargetGroup.deregister, "self", "targets")
expect_parameters(FakeTargetGroup.health_for, "self", "target", "ec2_backend")
expect_parameters(
    FakeHealthStatus.__init__, "self", "instance_id", "port", "health_port", "status", "reason", "description"
)
expect_attributes(FakeTargetGroup, "deregister_terminated_instances")
expect_parameters(ELBv2Backend.describe_target_health, "self", "target_group_arn", "targets")
expect_attributes(FakeLoadBalancer, "availability_zones")

_register, _deregister, _health_for = FakeTargetGroup.register, FakeTargetGroup.deregister, FakeTargetGroup.health_for
_describe = ELBv2Backend.describe_target_health
_deregister_terminated = FakeTargetGroup.deregister_terminated_instances


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    FakeTargetGroup.register = _register_now
    FakeTargetGroup.deregister = _deregister_now
    FakeTargetGroup.deregister_terminated_instances = _deregister_terminated_now
    FakeTargetGroup.health_for = _health
    ELBv2Backend.describe_target_health = _describe_health
    FakeTargetGroup.load_balancer_arns = property(_load_balancer_arns, _keep_no_load_balancer_arns)


def _load_balancer_arns(group: Any) -> list[str]:
    return [str(balancer.arn) for balancer in load_balancers.using(group)]


def _keep_no_load_balancer_arns(_group: Any, _arns: list[str]) -> None:
    """moto sets an empty list at first."""


def _register_now(group: Any, targets: list[dict[str, Any]]) -> None:
    for target in targets:
        registered = group.targets.get(target["Id"])
        if registered is not None and _asked_port(group, target) != int(registered["Port"]):
            raise NotModelled(f"the embedded AWS does not model the target {target['Id']} on two ports of one group")
    before = {identifier: target["RegisteredAt"] for identifier, target in group.targets.items()}
    _register(group, targets)
    now = clock.current().time()
    for target in targets:
        group.targets[target["Id"]]["RegisteredAt"] = before.get(target["Id"], now)


def _deregister_now(group: Any, targets: list[dict[str, Any]]) -> None:
    _deregister(group, targets)
    for target in targets:
        group.deregistered_targets[target["Id"]]["DeregisteredAt"] = clock.current().time()


def _deregister_terminated_now(group: Any, instance_ids: list[str]) -> None:
    _deregister_terminated(group, instance_ids)
    for identifier in instance_ids:
        if identifier in group.terminated_targets:
            group.terminated_targets[identifier].setdefault("DeregisteredAt", clock.current().time())


def _describe_health(backend: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> list[Any]:
    """Unless some are named, of all targets: those that are registered, and those that drain."""
    described: list[Any] = _describe(backend, target_group_arn, targets)
    group = backend.target_groups[target_group_arn]
    if not targets:
        gone = [*group.deregistered_targets.values(), *group.terminated_targets.values()]
        states = [_health_after_deregistration(group, target, backend.ec2_backend) for target in gone]
        described += [state for state in states if state.status == "draining"]
    return described


def _health(group: Any, target: dict[str, Any], ec2_backend: Any) -> Any:
    identifier = target["Id"]
    if identifier not in group.targets or not _is_asked(target, group.targets[identifier]):
        return _health_after_deregistration(group, target, ec2_backend)
    health = _health_for(group, target, ec2_backend)
    if health.status != "healthy":
        return health
    instance, balancers = ec2_backend.get_instance_by_id(identifier), load_balancers.using(group)
    if not balancers:
        return _status(
            health,
            "unused",
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        )
    zones = {zone.zone_name for balancer in balancers for zone in balancer.availability_zones}
    if instance is not None and instance.availability_zone not in zones:
        return _status(
            health,
            "unused",
            "Target.NotInUse",
            "Target is in an Availability Zone that is not enabled for the load balancer",
        )
    if not group.health_check_enabled:
        return _status(
            health, "unavailable", "Target.HealthCheckDisabled", "Health checks are disabled for this target group"
        )
    state = health_state(group, instance, group.targets[identifier]["RegisteredAt"])
    if state == "unhealthy":
        return _status(health, state, "Target.Timeout", "Request timed out")
    if state == "initial":
        return _status(health, state, "Elb.InitialHealthChecking", "Initial health checks in progress")
    return health


def _health_after_deregistration(group: Any, target: dict[str, Any], ec2_backend: Any) -> Any:
    """A deregistered target drains for the deregistration delay, and is no target from then on."""
    identifier = target["Id"]
    deregistered = group.deregistered_targets.get(identifier) or group.terminated_targets.get(identifier)
    health = FakeHealthStatus(identifier, _asked_port(group, target), group.health_check_port, "")
    if identifier in group.targets or (deregistered is not None and not _is_asked(target, deregistered)):
        return _status(health, "unused", "Target.NotRegistered", "Target is not registered to the target group")
    if deregistered is None:
        return _health_for(group, target, ec2_backend)
    health = FakeHealthStatus(identifier, deregistered["Port"], group.health_check_port, "")
    delay = float(group.attributes["deregistration_delay.timeout_seconds"])
    if clock.current().time() < deregistered["DeregisteredAt"] + delay:
        return _status(health, "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
    return _status(health, "unused", "Target.NotRegistered", "Target is not registered to the target group")


def _is_asked(target: dict[str, Any], registered: dict[str, Any]) -> bool:
    """Whether the target that a request names is the registered one. Without a port, the one of its Id is."""
    return "Port" not in target or int(target["Port"]) == int(registered["Port"])


def _asked_port(group: Any, target: dict[str, Any]) -> int:
    return int(target.get("Port") or group.port or 0)


def _status(health: Any, status: str, reason: str, description: str) -> Any:
    health.status, health.reason, health.description = status, reason, description
    return health

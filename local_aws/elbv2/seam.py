"""Elastic Load Balancing: a target is healthy once its instance has answered enough health checks.

moto finds every registered target healthy at once, whether or not a load balancer uses the group.

Source: Elastic Load Balancing API Reference, TargetHealth; User Guide for Application Load Balancers, "Health checks
for Application Load Balancer target groups", "Deregistration delay".
"""

from __future__ import annotations

import functools
from typing import Any

from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup

from local_aws.core import clock
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.elbv2.health import healthy_at

expect_parameters(FakeTargetGroup.register, "self", "targets")
expect_parameters(FakeTargetGroup.deregister, "self", "targets")
expect_parameters(FakeTargetGroup.health_for, "self", "target", "ec2_backend")
expect_parameters(
    FakeHealthStatus.__init__, "self", "instance_id", "port", "health_port", "status", "reason", "description"
)
expect_attributes(FakeTargetGroup, "deregister_terminated_instances")

_register, _deregister, _health_for = FakeTargetGroup.register, FakeTargetGroup.deregister, FakeTargetGroup.health_for
_deregister_terminated = FakeTargetGroup.deregister_terminated_instances


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    FakeTargetGroup.register = _register_now
    FakeTargetGroup.deregister = _deregister_now
    FakeTargetGroup.deregister_terminated_instances = _deregister_terminated_now
    FakeTargetGroup.health_for = _health


def _register_now(group: Any, targets: list[dict[str, Any]]) -> None:
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


def _health(group: Any, target: dict[str, Any], ec2_backend: Any) -> Any:
    identifier = target["Id"]
    if identifier not in group.targets:
        return _gone(group, target, ec2_backend)
    found = _health_for(group, target, ec2_backend)
    if found.status != "healthy":
        return found
    if not group.load_balancer_arns:
        return _status(
            found,
            "unused",
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        )
    if not group.health_check_enabled:
        return _status(
            found, "unavailable", "Target.HealthCheckDisabled", "Health checks are disabled for this target group"
        )
    registered_at, now = group.targets[identifier]["RegisteredAt"], clock.current().time()
    expected = healthy_at(group, ec2_backend.get_instance_by_id(identifier), registered_at)
    if expected is not None and now >= expected:
        return found
    failing_after = int(group.health_check_interval_seconds) * int(group.unhealthy_threshold_count)
    if expected is None and now >= registered_at + failing_after:
        return _status(found, "unhealthy", "Target.Timeout", "Request timed out")
    return _status(found, "initial", "Elb.InitialHealthChecking", "Initial health checks in progress")


def _gone(group: Any, target: dict[str, Any], ec2_backend: Any) -> Any:
    """What was deregistered drains for the deregistration delay, and is then no target any more."""
    identifier = target["Id"]
    was = group.deregistered_targets.get(identifier) or group.terminated_targets.get(identifier)
    delay = float(group.attributes["deregistration_delay.timeout_seconds"])
    draining = was is not None and clock.current().time() < was["DeregisteredAt"] + delay
    known = {**target, "Port": was["Port"]} if was else target
    found = FakeHealthStatus(identifier, known.get("Port", group.port), group.health_check_port, "")
    if draining:
        return _status(found, "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
    if was is None:
        return _health_for(group, target, ec2_backend)
    return _status(found, "unused", "Target.NotRegistered", "Target is not registered to the target group")


def _status(found: Any, status: str, reason: str, description: str) -> Any:
    found.status, found.reason, found.description = status, reason, description
    return found

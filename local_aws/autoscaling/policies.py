"""Scaling policies: an alarm that goes off executes those that it names, and so does ExecutePolicy.

No metric changes the state of an alarm here (`local_aws.cloudwatch.seam`), so that a policy that tracks a target never
acts, as on AWS while its metric has no data.

Source: Amazon EC2 Auto Scaling User Guide, "Step and simple scaling policies for Amazon EC2 Auto Scaling"; API
Reference, ExecutePolicy, ScalingPolicy, StepAdjustment.
"""

from __future__ import annotations

import json
import math
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import autoscaling_backends
from moto.core.responses import EmptyResult
from moto.utilities.arns import parse_arn

from local_aws.autoscaling import capacity
from local_aws.autoscaling.groups import is_suspended, members
from local_aws.cloudwatch import alarms
from local_aws.core import clock
from local_aws.core.errors import NotModelled


def execute(response: Any) -> EmptyResult:
    """ExecutePolicy."""
    backend, name = response.autoscaling_backend, response._get_param("PolicyName")
    found = [policy for policy in backend.policies.values() if name in (policy.name, policy.arn)]
    if not found:
        raise ValidationError(f"PolicyName not found - No policy found with name {name}")
    (policy,) = found
    if policy.policy_type == "StepScaling":
        value, threshold = response._get_param("MetricValue"), response._get_param("BreachThreshold")
        if value is None or threshold is None:
            raise ValidationError("Metric value and breach threshold are required for step scaling policies")
        breach = float(value) - float(threshold)
    elif policy.policy_type == "SimpleScaling":
        breach = 0.0
    else:
        raise ValidationError(f"Policy of type {policy.policy_type} can not be executed")
    group = backend.autoscaling_groups[policy.auto_scaling_group_name]
    if response._get_bool_param("HonorCooldown", False) and _is_cooling(group):
        raise AutoscalingClientError("ScalingActivityInProgress", "The group is in its cooldown period")
    _scale(group, policy, breach, f"a user request executed policy {policy.name}")
    return EmptyResult()


def execute_for_alarm(policy_arn: str, alarm: Any) -> None:
    """Execute the policy because moto's alarm has gone off; one that no longer exists is left alone."""
    arn = parse_arn(policy_arn)
    backend = autoscaling_backends[arn.account][arn.region]
    for policy in list(backend.policies.values()):
        group = backend.autoscaling_groups.get(policy.auto_scaling_group_name)
        if policy.arn != policy_arn or group is None or is_suspended(group, "AlarmNotification"):
            continue
        if policy.policy_type not in ("SimpleScaling", "StepScaling"):
            raise NotModelled(f"the embedded AWS does not model the execution of a {policy.policy_type} policy")
        if policy.policy_type == "SimpleScaling" and _is_cooling(group):
            continue
        reason = f"a monitor alarm {alarm.name} in state ALARM triggered policy {policy.name}"
        _scale(group, policy, _breach(alarm), reason)


def consider_alarms(group: Any) -> None:
    """Execute the policies of the group whose alarms are in ALARM, now that AlarmNotification is resumed."""
    for policy in list(group.autoscaling_backend.policies.values()):
        if policy.auto_scaling_group_name == group.name:
            for alarm in alarms.gone_off(group.account_id, group.region, policy.arn):
                execute_for_alarm(policy.arn, alarm)


def _breach(alarm: Any) -> float:
    """How far the metric is beyond the alarm's threshold; 0 where SetAlarmState does not tell."""
    try:
        data = json.loads(alarm.state_reason_data or "{}")
        return float(data["recentDatapoints"][-1]) - float(alarm.threshold)
    except (ValueError, TypeError, KeyError, IndexError):
        return 0.0


def _is_cooling(group: Any) -> bool:
    return clock.current().time() < float(getattr(group, "cooling_until", -math.inf))


def _scale(group: Any, policy: Any, breach: float, reason: str) -> None:
    adjustment = policy.scaling_adjustment
    if policy.policy_type == "StepScaling":
        adjustment = next(
            (int(step["ScalingAdjustment"]) for step in policy.step_adjustments if _fits(step, breach)), 0
        )
    desired = int(group.desired_capacity)
    wanted = _adjusted(desired, policy.adjustment_type, int(adjustment), int(policy.min_adjustment_magnitude or 0))
    wanted = max(group.min_size, min(wanted, group.max_size))
    if wanted == desired == len(members(group)):
        return
    if policy.policy_type == "SimpleScaling":
        cooldown = policy.cooldown if policy.cooldown is not None else group.default_cooldown
        group.cooling_until = clock.current().time() + int(cooldown)
    capacity.set_desired(group, wanted, reason)


def _fits(step: dict[str, Any], breach: float) -> bool:
    """Above the threshold a lower bound is inclusive and an upper one is not; below, it is the other way round."""
    least = float(step.get("MetricIntervalLowerBound", -math.inf))
    most = float(step.get("MetricIntervalUpperBound", math.inf))
    return least <= breach < most if breach >= 0 else least < breach <= most


def _adjusted(desired: int, kind: str, adjustment: int, least: int) -> int:
    """The capacity after the adjustment. A change of percent is rounded towards zero, but is at least one instance."""
    if kind == "ExactCapacity":
        return adjustment
    if kind == "ChangeInCapacity":
        return desired + adjustment
    exact = desired * adjustment / 100
    change = math.trunc(exact) or (0 if exact == 0 else int(math.copysign(1, exact)))
    if change and abs(change) < least:
        change = int(math.copysign(least, change))
    return desired + change

"""When health checks find a target healthy, and when not.

The checks begin at the registration, every HealthCheckIntervalSeconds. A target is initial until it has passed or
failed enough of them. Source: User Guide for Application Load Balancers, "Health checks for Application Load Balancer
target groups".
"""

from __future__ import annotations

import math
from typing import Any

from local_aws.core import clock


def healthy_at(target_group: Any, instance: Any, registered_at: float) -> float | None:
    """When a target that was registered at that moment is healthy, in virtual seconds; None for never.

    `instance` is moto's, or None for a target that is no instance, which answers from the first check on. An instance
    answers from its `serves_at` (None: never) until its `serves_until`.
    """
    serves_at = getattr(instance, "serves_at", registered_at)
    if serves_at is None:
        return None
    if serves_at == -math.inf:
        return float(serves_at)
    healthy = max(float(serves_at), registered_at) + _checks(target_group, target_group.healthy_threshold_count)
    return healthy if healthy <= _serves_until(instance) else None


def unhealthy_from(target_group: Any, instance: Any, registered_at: float, since: float) -> float | None:
    """The first moment, not before `since`, at which the target is unhealthy, in virtual seconds; None for never.

    One that does not answer yet fails its checks, too.
    """
    failing = _checks(target_group, target_group.unhealthy_threshold_count)
    healthy, at_first = healthy_at(target_group, instance, registered_at), max(since, registered_at + failing)
    if healthy is None or at_first < healthy:
        return at_first
    until = _serves_until(instance)
    return None if until == math.inf else max(since, until + failing)


def state(target_group: Any, instance: Any, registered_at: float) -> str:
    """The state of the target now: initial, healthy or unhealthy."""
    now, healthy = clock.current().time(), healthy_at(target_group, instance, registered_at)
    if unhealthy_from(target_group, instance, registered_at, now) == now:
        return "unhealthy"
    return "initial" if healthy is None or now < healthy else "healthy"


def _checks(target_group: Any, count: Any) -> int:
    return int(target_group.health_check_interval_seconds) * int(count)


def _serves_until(instance: Any) -> float:
    return float(getattr(instance, "serves_until", math.inf))

"""When a load balancer finds a target healthy."""

from __future__ import annotations

import math
from typing import Any


def healthy_at(target_group: Any, instance: Any, registered_at: float) -> float | None:
    """When the target group finds a target healthy that was registered then, in virtual seconds; None for never.

    `instance` is None for a target that is none of EC2's, which answers as soon as it is asked. The first checks begin
    at the registration (User Guide for Application Load Balancers, "Health checks for target groups").
    """
    serves_at = getattr(instance, "serves_at", registered_at)
    if serves_at is None:
        return None
    if serves_at == -math.inf:
        return serves_at
    checks = int(target_group.health_check_interval_seconds) * int(target_group.healthy_threshold_count)
    return max(float(serves_at), registered_at) + checks

"""When health checks make a target healthy."""

from __future__ import annotations

import math
from typing import Any


def healthy_at(target_group: Any, instance: Any, registered_at: float) -> float | None:
    """When a target that was registered at that moment is healthy, in virtual seconds; None for never.

    `instance` is None for a target that is no instance, which answers from the first check on. The checks begin at the
    registration (User Guide for Application Load Balancers, "Health checks for target groups").
    """
    serves_at = getattr(instance, "serves_at", registered_at)
    if serves_at is None:
        return None
    if serves_at == -math.inf:
        return serves_at
    checks = int(target_group.health_check_interval_seconds) * int(target_group.healthy_threshold_count)
    return max(float(serves_at), registered_at) + checks

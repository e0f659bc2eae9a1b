"""How the groups of a stack behave during an operation on it: as the settings say, or well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local_aws.autoscaling.settings import StackInstances
from local_aws.core import clock


@dataclass(frozen=True)
class Behaviour:
    """How new instances behave. When `is_instant`, launches and terminations take no time, and what is launched has
    served for long."""

    instances: StackInstances = field(default_factory=StackInstances)
    is_instant: bool = False


WELL = Behaviour()

_by_stack: clock.PerClock[dict[str, Behaviour]] = clock.PerClock(dict)


def begin(stack_name: str, behaviour: Behaviour) -> None:
    """From now on, the groups behave so that the stack creates, and those that it gives a new launch source."""
    _by_stack()[stack_name] = behaviour


def of_stack(group: Any) -> Behaviour:
    """The present behaviour of the stack of moto's group; WELL for one of no stack."""
    return _by_stack().get(stack_name(group), WELL)


def stack_name(group: Any) -> str:
    """The name of the stack that has created the group; "" when none has."""
    return _tag(group, "aws:cloudformation:stack-name")


def stack_resource(group: Any) -> tuple[str, str]:
    """The id of the stack that has created the group, and the group's logical id in it; empty when none has."""
    return _tag(group, "aws:cloudformation:stack-id"), _tag(group, "aws:cloudformation:logical-id")


def _tag(group: Any, key: str) -> str:
    return next((str(tag["Value"]) for tag in group.tags if tag["Key"] == key), "")

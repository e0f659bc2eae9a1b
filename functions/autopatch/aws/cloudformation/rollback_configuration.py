"""CloudFormation's rollback configuration: the alarms that roll an operation on a stack back, and its bake time."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class RollbackTrigger:
    """An alarm; `type` is AWS::CloudWatch::Alarm or AWS::CloudWatch::CompositeAlarm."""

    arn: str
    type: str


@dataclass(frozen=True)
class RollbackConfiguration:
    """The alarms that are monitored during an operation, and for how many minutes after all resources are deployed.

    CloudFormation saves the one that an operation brings with the stack, and applies it to later operations that bring
    none (CloudFormation API reference, RollbackConfiguration).
    """

    triggers: tuple[RollbackTrigger, ...] = ()
    minutes: int = 0

    @property
    def alarm_arns(self) -> tuple[str, ...]:
        return tuple(trigger.arn for trigger in self.triggers)

    def with_more(self, triggers: Iterable[RollbackTrigger], minutes: int) -> RollbackConfiguration:
        """With these alarms as well, each once, and a bake time of at least so many minutes."""
        added = [trigger for trigger in triggers if trigger.arn not in self.alarm_arns]
        return RollbackConfiguration((*self.triggers, *added), max(self.minutes, minutes))

    def without(self, alarm_arns: Collection[str]) -> RollbackConfiguration:
        """Without these alarms."""
        return replace(self, triggers=tuple(trigger for trigger in self.triggers if trigger.arn not in alarm_arns))

    @property
    def digest(self) -> str:
        """The same for configurations that are like each other, and for no others: 32 characters of `[0-9a-f]`."""
        triggers = sorted((trigger.arn, trigger.type) for trigger in self.triggers)
        return hashlib.sha256(repr((triggers, self.minutes)).encode()).hexdigest()[:32]

    def is_like(self, other: RollbackConfiguration) -> bool:
        """Whether both monitor the same, in whichever order the alarms are."""
        return set(self.triggers) == set(other.triggers) and self.minutes == other.minutes

    def __str__(self) -> str:
        alarms = ", ".join(self.alarm_arns) or "none"
        return f"rollback alarms: {alarms}; bake time: {self.minutes} minutes"

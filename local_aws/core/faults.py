"""Faults of AWS's APIs: which calls fail, how, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from local_aws.core import clock, settings
from local_aws.core.clock import PerClock


@dataclass(frozen=True)
class Fault:
    """Calls of `action` (as in the API, such as `UpdateStack`) of `service` (as boto3 names it) that fail.

    `error` and `message` are what AWS answers, with the HTTP status `status`. The first `after_calls` matching calls
    go well, the next `times` fail; with `times` None all do from then on. `where` narrows the match to calls whose
    parameters have these values, in which `*` stands for any characters. With `seconds`, it is an outage: calls
    fail for that long from the first one that fails, and go well again afterwards. With `answer_lost`, the call takes
    effect, and its connection closes before the answer; only calls in this process can meet that.
    """

    service: str
    action: str
    error: str
    message: str = "The request was denied due to a planned fault"
    status: int = 400
    times: int | None = 1
    after_calls: int = 0
    seconds: float | None = None
    answer_lost: bool = False
    where: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.service == "s3":
            raise settings.InvalidSettings("faults of s3 are not modelled: moto answers its calls another way")
        if self.seconds is not None and self.times is not None:
            raise settings.InvalidSettings(
                f"faults of {self.service} {self.action}: expected times or seconds, found both; set times to null"
            )

    def matches(self, service: str, action: str, parameters: Mapping[str, Any]) -> bool:
        """Whether the fault is for calls of that action with these parameters."""
        return (self.service, self.action) == (service, action) and all(
            fnmatchcase(str(parameters.get(name)), str(value)) for name, value in self.where.items()
        )


@dataclass(frozen=True)
class Faults:
    """The faults of one embedded AWS, each counted from its first matching call."""

    planned: tuple[Fault, ...] = ()


_calls: PerClock[Counter[int]] = PerClock(Counter)
"""How many calls each planned fault has matched, by its position."""
_failing_since: PerClock[dict[int, float]] = PerClock(dict)
"""When the first call of each planned outage failed, by its position."""
_spared = False


@contextmanager
def spared() -> Iterator[None]:
    """Let no call inside meet a fault: for calls that set a test or a run up, or look at it."""
    global _spared
    outer, _spared = _spared, True
    try:
        yield
    finally:
        _spared = outer


def wanted(service: str, action: str) -> bool:
    """Whether any fault concerns this action at all."""
    planned = settings.current(Faults).planned
    return not _spared and any(fault.service == service and fault.action == action for fault in planned)


def take(service: str, action: str, parameters: Mapping[str, Any]) -> Fault | None:
    """The fault that this call meets, or None. Counts the call."""
    met = None
    for position, fault in enumerate(settings.current(Faults).planned):
        if not fault.matches(service, action, parameters):
            continue
        _calls()[position] += 1
        number = _calls()[position] - fault.after_calls
        if met is None and number > 0 and _still_fails(position, fault, number):
            met = fault
    return met


def _still_fails(position: int, fault: Fault, number: int) -> bool:
    """Whether the matching call of that number, counted from the first that fails, fails as well."""
    if fault.seconds is None:
        return fault.times is None or number <= fault.times
    now = clock.current().time()
    return now < _failing_since().setdefault(position, now) + fault.seconds

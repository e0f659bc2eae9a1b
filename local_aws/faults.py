"""Faults of AWS's APIs that a scenario asks for: which calls fail, how, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Fault:
    """Calls of `action` (as in the API, such as `UpdateStack`) of `service` (as boto3 names it) that fail.

    `error` and `message` are what AWS answers, with the HTTP status `status`. The first `after_calls` matching calls
    go well, the next `times` fail; with `times` None all do from then on. `where` narrows the match to calls whose
    parameters have these values, in which `*` stands for any characters.
    """

    service: str
    action: str
    error: str
    message: str = "The request was denied due to a fault of the scenario"
    status: int = 400
    times: int | None = 1
    after_calls: int = 0
    where: dict[str, Any] = field(default_factory=dict)


_faults: tuple[Fault, ...] = ()
_calls: list[int] = []
_spared = False


def configure(faults: tuple[Fault, ...]) -> None:
    """Use `faults` from now on, each from its first call."""
    global _faults
    _faults = faults
    _calls[:] = [0] * len(faults)


@contextmanager
def spared() -> Iterator[None]:
    """Inside, no call meets a fault: for those that are none of the run's, such as its deployment."""
    global _spared
    outer, _spared = _spared, True
    try:
        yield
    finally:
        _spared = outer


def wanted(service: str, action: str) -> bool:
    """Whether any fault concerns this action at all."""
    return not _spared and any(fault.service == service and fault.action == action for fault in _faults)


def take(service: str, action: str, parameters: Mapping[str, Any]) -> Fault | None:
    """The fault that this call meets, or None. Counts the call."""
    met = None
    for position, fault in enumerate(_faults):
        if fault.service != service or fault.action != action:
            continue
        if not all(fnmatchcase(str(parameters.get(name)), str(wanted)) for name, wanted in fault.where.items()):
            continue
        _calls[position] += 1
        number = _calls[position] - fault.after_calls
        if met is None and number > 0 and (fault.times is None or number <= fault.times):
            met = fault
    return met

"""Systems Manager: change calendars, which moto takes for no documents, and GetCalendarState.

Source: Systems Manager User Guide, "AWS Systems Manager Change Calendar"; API Reference, GetCalendarState: OPEN only if
all calendars are, and the time at which that changes next.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import icalendar
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from local_aws.core import clock
from local_aws.core.guard import expect_attributes, expect_parameters

expect_parameters(SimpleSystemManagerResponse.create_document, "self")
expect_parameters(SimpleSystemManagerResponse.delete_document, "self")
expect_attributes(SimpleSystemManagerBackend, "create_document")
expect_parameters(SimpleSystemManagerBackend.get_parameters, "self", "names")
expect_parameters(
    SimpleSystemManagerBackend.put_parameter,
    *("self", "name", "description", "value", "parameter_type", "allowed_pattern", "keyid", "overwrite", "tags"),
    *("data_type", "tier", "policies"),
)

_KIND = "ChangeCalendar"
_DEFAULT_TYPES = {"DEFAULT_OPEN": True, "DEFAULT_CLOSED": False}

_create_document = SimpleSystemManagerResponse.create_document
_delete_document = SimpleSystemManagerResponse.delete_document


@dataclass(frozen=True)
class Calendar:
    """A change calendar: open by default or not, and the spans in which it is otherwise, from and to."""

    is_open_by_default: bool
    events: tuple[tuple[datetime, datetime], ...]

    def is_open(self, at: datetime) -> bool:
        return self.is_open_by_default != any(begin <= at < end for begin, end in self.events)

    @property
    def moments(self) -> list[datetime]:
        """When the state may change."""
        return [moment for event in self.events for moment in event]


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    SimpleSystemManagerResponse.create_document = _create_any_document
    SimpleSystemManagerResponse.delete_document = _delete_any_document
    SimpleSystemManagerResponse.get_calendar_state = _get_calendar_state


def _calendars(response: Any) -> dict[str, Calendar]:
    backend = response.ssm_backend
    if not hasattr(backend, "change_calendars"):
        backend.change_calendars = {}
    found: dict[str, Calendar] = backend.change_calendars
    return found


def _create_any_document(response: Any) -> Any:
    if response._get_param("DocumentType") != _KIND:
        return _create_document(response)
    name = response._get_param("Name")
    if name in _calendars(response):
        raise JsonRESTError("DocumentAlreadyExists", "The specified document already exists.")
    if response._get_param("DocumentFormat", "JSON") != "TEXT":
        raise JsonRESTError("InvalidDocumentContent", "A change calendar has the document format TEXT.")
    _calendars(response)[name] = _read(response._get_param("Content"))
    described = {"Name": name, "DocumentType": _KIND, "DocumentFormat": "TEXT", "Status": "Active"}
    return ActionResult({"DocumentDescription": described})


def _delete_any_document(response: Any) -> Any:
    if _calendars(response).pop(response._get_param("Name"), None) is None:
        return _delete_document(response)
    return ActionResult({})


def _read(content: str) -> Calendar:
    try:
        document = icalendar.Calendar.from_ical(content)
    except ValueError as error:
        raise JsonRESTError("InvalidDocumentContent", f"The content for the document is not valid: {error}") from error
    kind = str(document.get("X-CALENDAR-TYPE", ""))
    if kind not in _DEFAULT_TYPES:
        raise JsonRESTError(
            "InvalidDocumentContent", f"The X-CALENDAR-TYPE has to be DEFAULT_OPEN or DEFAULT_CLOSED, not {kind!r}"
        )
    events = []
    for event in document.walk("VEVENT"):
        if "RRULE" in event:
            raise JsonRESTError(
                "NotImplemented", "The embedded AWS does not model recurring events of change calendars"
            )
        events.append((event.decoded("DTSTART").astimezone(UTC), event.decoded("DTEND").astimezone(UTC)))
    return Calendar(_DEFAULT_TYPES[kind], tuple(events))


def _get_calendar_state(response: Any) -> Any:
    names = response._get_param("CalendarNames")
    given = response._get_param("AtTime")
    at = datetime.fromisoformat(given).astimezone(UTC) if given else clock.current().now().replace(microsecond=0)
    calendars = [_calendar(response, name) for name in names]

    def is_open(moment: datetime) -> bool:
        return all(calendar.is_open(moment) for calendar in calendars)

    later = sorted(moment for calendar in calendars for moment in calendar.moments if moment > at)
    transition = next((moment for moment in later if is_open(moment) != is_open(at)), None)
    answer = {"State": "OPEN" if is_open(at) else "CLOSED", "AtTime": _text(at)}
    if transition is not None:
        answer["NextTransitionTime"] = _text(transition)
    return ActionResult(answer)


def _calendar(response: Any, name_or_arn: str) -> Calendar:
    name = name_or_arn.rsplit(":document/", 1)[-1]
    found = _calendars(response).get(name)
    if found is not None:
        return found
    if name in response.ssm_backend._documents:
        raise JsonRESTError("InvalidDocumentType", f"The document {name} is no change calendar.")
    raise JsonRESTError("InvalidDocument", f"Document with name {name} does not exist.")


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Change calendars: documents with spans of time in which changes are allowed or not, and GetCalendarState.

Source: Systems Manager User Guide, "AWS Systems Manager Change Calendar"; API Reference, CreateDocument,
GetCalendarState: OPEN only if all calendars are, and the time at which that changes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import icalendar
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.ssm.responses import SimpleSystemManagerResponse

from local_aws.core import clock
from local_aws.core.times import iso

_DOCUMENT_TYPE = "ChangeCalendar"
_OPEN_BY_DEFAULT = {"DEFAULT_OPEN": True, "DEFAULT_CLOSED": False}

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


def create_document(response: Any) -> Any:
    """CreateDocument: a change calendar is kept here, any other document by moto."""
    if response._get_param("DocumentType") != _DOCUMENT_TYPE:
        return _create_document(response)
    name, calendars = response._get_param("Name"), _calendars(response)
    if name in calendars:
        raise JsonRESTError("DocumentAlreadyExists", "The specified document already exists.")
    if response._get_param("DocumentFormat", "JSON") != "TEXT":
        raise JsonRESTError("InvalidDocumentContent", "A change calendar has the document format TEXT.")
    calendars[name] = _read(response._get_param("Content"))
    description = {"Name": name, "DocumentType": _DOCUMENT_TYPE, "DocumentFormat": "TEXT", "Status": "Active"}
    return ActionResult({"DocumentDescription": description})


def delete_document(response: Any) -> Any:
    """DeleteDocument."""
    if _calendars(response).pop(response._get_param("Name"), None) is None:
        return _delete_document(response)
    return ActionResult({})


def get_calendar_state(response: Any) -> Any:
    """GetCalendarState."""
    at_time = response._get_param("AtTime")
    at = datetime.fromisoformat(at_time).astimezone(UTC) if at_time else clock.current().now()
    calendars = [_calendar(response, name) for name in response._get_param("CalendarNames")]

    def is_open(moment: datetime) -> bool:
        return all(calendar.is_open(moment) for calendar in calendars)

    later = sorted(moment for calendar in calendars for moment in calendar.moments if moment > at)
    transition = next((moment for moment in later if is_open(moment) != is_open(at)), None)
    answer = {"State": "OPEN" if is_open(at) else "CLOSED", "AtTime": iso(at, "seconds")}
    if transition is not None:
        answer["NextTransitionTime"] = iso(transition, "seconds")
    return ActionResult(answer)


def _calendars(response: Any) -> dict[str, Calendar]:
    """The calendars by name, which live as long as moto's backend."""
    return vars(response.ssm_backend).setdefault("change_calendars", {})  # type: ignore[no-any-return]


def _calendar(response: Any, name_or_arn: str) -> Calendar:
    name = name_or_arn.rsplit(":document/", 1)[-1]
    calendars: Mapping[str, Calendar] = _calendars(response)
    if name in calendars:
        return calendars[name]
    if name in response.ssm_backend._documents:
        raise JsonRESTError("InvalidDocumentType", f"The document {name} is no change calendar.")
    raise JsonRESTError("InvalidDocument", f"Document with name {name} does not exist.")


def _read(content: str) -> Calendar:
    try:
        document = icalendar.Calendar.from_ical(content)
    except ValueError as error:
        raise JsonRESTError("InvalidDocumentContent", f"The content for the document is not valid: {error}") from error
    default = str(document.get("X-CALENDAR-TYPE", ""))
    if default not in _OPEN_BY_DEFAULT:
        raise JsonRESTError(
            "InvalidDocumentContent", f"The X-CALENDAR-TYPE has to be DEFAULT_OPEN or DEFAULT_CLOSED, not {default!r}"
        )
    events = []
    for event in document.walk("VEVENT"):
        if "RRULE" in event:
            raise JsonRESTError(
                "NotImplemented", "The embedded AWS does not model recurring events of change calendars"
            )
        events.append((event.decoded("DTSTART").astimezone(UTC), event.decoded("DTEND").astimezone(UTC)))
    return Calendar(_OPEN_BY_DEFAULT[default], tuple(events))

"""Systems Manager Change Calendars: when changes are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from autopatch.aws.client import create_client, error_code, error_text, named_errors
from autopatch.errors import ConfigError, UnknownStatus

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

_NOT_A_CALENDAR = frozenset({"InvalidDocument", "InvalidDocumentType", "UnsupportedCalendarException"})


@dataclass(frozen=True)
class CalendarState:
    """Whether all the calendars are open, and when that changes next, if it ever does."""

    is_open: bool
    next_transition_at: datetime | None


class ChangeCalendars:
    """The calls that a patch run makes about change calendars."""

    def __init__(self, client: SSMClient) -> None:
        self._client = client

    @classmethod
    def create(cls) -> ChangeCalendars:
        return cls(create_client("ssm"))

    def state(self, names: tuple[str, ...]) -> CalendarState:
        """The state of the calendars together: closed as soon as one of them is.

        `names` are names or ARNs of documents of the type ChangeCalendar (Systems Manager API reference,
        GetCalendarState).

        Raises ConfigError when one is no change calendar, UnknownStatus for a state that is not documented.
        """
        with named_errors(f"reading the change calendars {', '.join(names)}"):
            try:
                answer = self._client.get_calendar_state(CalendarNames=list(names))
            except ClientError as error:
                if error_code(error) in _NOT_A_CALENDAR:
                    raise ConfigError(
                        "parameter ChangeCalendars: expected names or ARNs of change calendars, "
                        f"found {', '.join(names)}: {error_text(error) or error_code(error)}; "
                        "correct the deployment's parameter"
                    ) from error
                raise
        state = answer["State"]
        if state not in ("OPEN", "CLOSED"):
            raise UnknownStatus(
                f"change calendars {', '.join(names)}: expected OPEN or CLOSED, found {state!r}; update AMI Autopatch"
            )
        transition = answer.get("NextTransitionTime")
        return CalendarState(
            is_open=state == "OPEN", next_transition_at=datetime.fromisoformat(transition) if transition else None
        )

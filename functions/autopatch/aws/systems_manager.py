"""Systems Manager: change calendars, and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from autopatch.aws.client import create_client, error_code, error_text, named_errors
from autopatch.errors import ConfigError, UnknownStatus

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

LONGEST_PARAMETER_VALUE = 4096
"""Characters of a standard parameter (Systems Manager API reference, PutParameter)."""

_NOT_A_CALENDAR = frozenset({"InvalidDocument", "InvalidDocumentType", "UnsupportedCalendarException"})


@dataclass(frozen=True)
class CalendarState:
    """Whether all the calendars are open, and when that changes next, if it ever does."""

    is_open: bool
    next_transition_at: datetime | None


@dataclass(frozen=True)
class Parameter:
    """The value of a parameter, and since when it has it: the time of its newest version, aware."""

    value: str
    modified_at: datetime


class SystemsManager:
    """The calls that a patch run makes to Systems Manager."""

    def __init__(self, client: SSMClient | None = None) -> None:
        self._client: SSMClient = client or create_client("ssm")

    def calendar_state(self, names: tuple[str, ...]) -> CalendarState:
        """The state of the change calendars together: closed as soon as one of them is.

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

    def parameter(self, name: str) -> Parameter:
        """A parameter as it is now."""
        with named_errors(f"reading the SSM parameter {name}"):
            parameter = self._client.get_parameter(Name=name)["Parameter"]
        return Parameter(parameter["Value"], parameter["LastModifiedDate"])

    def value_if_any(self, name: str) -> str | None:
        """The value of a parameter, or None when there is none of that name."""
        with named_errors(f"reading the SSM parameter {name}"):
            # Unlike GetParameter, it does not fail when there is none.
            answer = self._client.get_parameters(Names=[name])
        return next((parameter["Value"] for parameter in answer["Parameters"]), None)

    def parameters_under(self, path: str) -> dict[str, Parameter]:
        """The parameters directly under a path, by their names."""
        with named_errors(f"reading the SSM parameters under {path}"):
            pages = self._client.get_paginator("get_parameters_by_path").paginate(Path=path)
            return {
                parameter["Name"]: Parameter(parameter["Value"], parameter["LastModifiedDate"])
                for page in pages
                for parameter in page["Parameters"]
            }

    def put_parameter(self, name: str, value: str) -> None:
        """Write a parameter, over the one of that name if there is one; what is too long of the value is cut."""
        with named_errors(f"writing the SSM parameter {name}"):
            self._client.put_parameter(Name=name, Value=value[:LONGEST_PARAMETER_VALUE], Type="String", Overwrite=True)

    def delete_parameter(self, name: str) -> None:
        """Delete a parameter, if there is one of that name."""
        with named_errors(f"deleting the SSM parameter {name}"):
            # Unlike DeleteParameter, it does not fail when there is none.
            self._client.delete_parameters(Names=[name])

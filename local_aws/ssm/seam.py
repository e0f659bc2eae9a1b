"""Systems Manager: change calendars, which moto does not accept as documents, and GetCalendarState, which it lacks."""

from __future__ import annotations

import functools

from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from local_aws.core.guard import expect_parameters
from local_aws.ssm import calendars

expect_parameters(SimpleSystemManagerResponse.create_document, "self")
expect_parameters(SimpleSystemManagerResponse.delete_document, "self")
expect_parameters(SimpleSystemManagerBackend.get_parameters, "self", "names")
expect_parameters(
    SimpleSystemManagerBackend.put_parameter,
    *("self", "name", "description", "value", "parameter_type", "allowed_pattern", "keyid", "overwrite", "tags"),
    *("data_type", "tier", "policies"),
)


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    SimpleSystemManagerResponse.create_document = calendars.create_document
    SimpleSystemManagerResponse.delete_document = calendars.delete_document
    SimpleSystemManagerResponse.get_calendar_state = calendars.get_calendar_state

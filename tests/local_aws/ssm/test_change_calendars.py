"""Change calendars of Systems Manager, and the one quota of Service Quotas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.servicequotas.settings import ServiceQuotasSettings

ICAL = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//AWS//Change Calendar 1.0//EN
X-CALENDAR-TYPE:{kind}
BEGIN:VEVENT
UID:1
DTSTAMP:20261101T000000Z
DTSTART{begin}
DTEND{end}
{more}END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws(ServiceQuotasSettings(standard_virtual_cpus=12)) as aws:
        yield aws


def create(name: str, kind: str, begin: str, end: str, more: str = "", document_format: str = "TEXT") -> None:
    boto3.client("ssm").create_document(
        Name=name,
        Content=ICAL.format(kind=kind, begin=begin, end=end, more=more),
        DocumentType="ChangeCalendar",
        DocumentFormat=document_format,  # type: ignore[arg-type]
    )


def state(*names: str, at: str | None = None) -> Any:
    more: Any = {"AtTime": at} if at else {}
    answer: Any = boto3.client("ssm").get_calendar_state(CalendarNames=list(names), **more)
    return answer


def refusal(*names: str) -> str:
    with pytest.raises(ClientError) as refused:
        state(*names)
    return str(refused.value.response["Error"]["Code"])


def test_a_calendar_is_otherwise_during_its_events(aws: LocalAws) -> None:
    """Systems Manager API reference, GetCalendarState: State, AtTime, NextTransitionTime."""
    create("open", "DEFAULT_OPEN", ":20261203T080000Z", ":20261203T100000Z")
    create("closed", "DEFAULT_CLOSED", ":20261203T080000Z", ":20261203T100000Z")
    before, during = "2026-12-03T07:00:00Z", "2026-12-03T08:00:00Z"
    assert state("open", at=before)["State"] == "OPEN" and state("open", at=during)["State"] == "CLOSED"
    assert state("closed", at=before)["State"] == "CLOSED" and state("closed", at=during)["State"] == "OPEN"
    assert state("open", at=before)["NextTransitionTime"] == "2026-12-03T08:00:00Z"
    assert state("open", at=during)["NextTransitionTime"] == "2026-12-03T10:00:00Z"
    after = state("open", at="2026-12-03T10:00:00Z")
    assert after["State"] == "OPEN" and "NextTransitionTime" not in after


def test_now_is_the_virtual_clocks(aws: LocalAws) -> None:
    create("open", "DEFAULT_OPEN", ":20261203T080000Z", ":20261203T100000Z")
    answer = state("open")
    assert answer["AtTime"] == datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_several_calendars_are_open_only_together(aws: LocalAws) -> None:
    """Systems Manager API reference, GetCalendarState: CLOSED as soon as one is."""
    create("open", "DEFAULT_OPEN", ":20261203T080000Z", ":20261203T100000Z")
    create("later", "DEFAULT_OPEN", ":20261203T093000Z", ":20261203T120000Z")
    assert state("open", "later", at="2026-12-03T11:00:00Z")["State"] == "CLOSED"
    assert state("open", "later", at="2026-12-03T09:00:00Z")["NextTransitionTime"] == "2026-12-03T12:00:00Z"


def test_times_may_be_in_a_time_zone(aws: LocalAws) -> None:
    create("berlin", "DEFAULT_OPEN", ";TZID=Europe/Berlin:20261203T080000", ";TZID=Europe/Berlin:20261203T100000")
    assert state("berlin", at="2026-12-03T07:30:00Z")["State"] == "CLOSED"
    assert state("berlin", at="2026-12-03T09:30:00Z")["State"] == "OPEN"


def test_what_is_no_calendar_is_refused_by_name(aws: LocalAws) -> None:
    boto3.client("ssm").create_document(
        Name="a-command", Content='{"schemaVersion": "2.2", "mainSteps": []}', DocumentType="Command"
    )
    assert refusal("a-command") == "InvalidDocumentType"
    assert refusal("nothing") == "InvalidDocument"
    for more, kind, code in (
        ("RRULE:FREQ=WEEKLY\n", "DEFAULT_OPEN", "NotImplemented"),
        ("", "SOMETIMES", "InvalidDocumentContent"),
    ):
        with pytest.raises(ClientError) as refused:
            create("bad", kind, ":20261203T080000Z", ":20261203T100000Z", more)
        assert refused.value.response["Error"]["Code"] == code
    create("later", "DEFAULT_OPEN", ":20261203T093000Z", ":20261203T120000Z")
    boto3.client("ssm").delete_document(Name="later")
    assert refusal("later") == "InvalidDocument"


def test_the_quota_of_standard_instances_is_that_of_the_settings(aws: LocalAws) -> None:
    """Amazon EC2 user guide, "Amazon EC2 instance type quotas": L-1216C47A, in vCPUs."""
    quotas = boto3.client("service-quotas")
    assert quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]["Value"] == 12
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")


def test_a_quota_without_an_applied_value_has_a_default() -> None:
    """Service Quotas API reference, GetServiceQuota, GetAWSDefaultServiceQuota."""
    standard = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
    with LocalAws(ServiceQuotasSettings(standard_virtual_cpus=12)):
        assert boto3.client("service-quotas").get_aws_default_service_quota(**standard)["Quota"]["Value"] == 5
    with LocalAws(ServiceQuotasSettings(standard_virtual_cpus=12, standard_is_default=True)):
        quotas = boto3.client("service-quotas")
        with pytest.raises(ClientError, match="NoSuchResourceException"):
            quotas.get_service_quota(**standard)
        quota = quotas.get_aws_default_service_quota(**standard)["Quota"]
        assert (quota["Value"], quota["QuotaArn"]) == (12, "arn:aws:servicequotas:us-east-1::ec2/L-1216C47A")

"""Environment variables that are missing or malformed are named."""

from __future__ import annotations

import pytest

from autopatch.errors import ConfigError
from autopatch.settings import (
    CalendarSettings,
    CloudFormationSettings,
    HoldSettings,
    NotificationSettings,
    PlanSettings,
    TriggerSettings,
    UpdateSettings,
    WhenClosed,
)

PLAN = {
    "PIPELINE_ARN": "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/golden-image",
    "APPLICATION_STACKS": "web, api,",
    "AMI_PARAMETER": "AmazonMachineImage",
    "CAPACITY_PARAMETER": "DesiredCapacity",
    "ACCEPTED_FINDINGS": "web:NoCreationPolicy, api:NoCreationPolicy",
    "ROLLBACK": "manual",
    "BUILD_DEADLINE_MINUTES": "120",
    "DEPLOYMENT_DEADLINE_MINUTES": "90",
    "VERIFICATION_DEADLINE_MINUTES": "15",
    "MAX_CONCURRENT_TARGETS": "3",
    "SOAK_MINUTES": "0",
}
CALENDARS = {"CHANGE_CALENDARS": "year-end, arn:x", "WHEN_CALENDAR_CLOSED": "wait"}
ROLE = "arn:aws:iam::123456789012:role/updates"
TRIGGER = {
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:patch",
    "BASE_AMI_NAME_PATTERN": "al2023-*",
    "AWS_REGION": "us-east-1",
}


def test_the_plan_is_read() -> None:
    settings = PlanSettings.from_env(PLAN)
    assert settings.application_stacks == ("web", "api")
    assert (settings.build_deadline_minutes, settings.deployment_deadline_minutes) == (120, 90)
    assert (settings.capacity_parameter, settings.rollback) == ("DesiredCapacity", "manual")
    assert settings.accepted_findings == (("web", "NoCreationPolicy"), ("api", "NoCreationPolicy"))
    assert settings.verification_deadline_minutes == 15
    assert (settings.max_concurrent_targets, settings.soak_minutes) == (3, 0)
    assert settings.cloudformation_role_arn is None
    given = {**PLAN, "CLOUDFORMATION_ROLE_ARN": ROLE, "ACCEPTED_FINDINGS": "web:NoServiceRole"}
    settings = PlanSettings.from_env(given)
    assert (settings.cloudformation_role_arn, settings.accepted_findings) == (ROLE, (("web", "NoServiceRole"),))


def test_no_capacity_parameter_and_no_accepted_finding_are_fine() -> None:
    settings = PlanSettings.from_env({**PLAN, "CAPACITY_PARAMETER": "", "ACCEPTED_FINDINGS": ""})
    assert (settings.capacity_parameter, settings.accepted_findings) == ("", ())


@pytest.mark.parametrize(
    "name",
    ["PIPELINE_ARN", "AMI_PARAMETER", "ROLLBACK", "BUILD_DEADLINE_MINUTES", "SOAK_MINUTES", "MAX_CONCURRENT_TARGETS"],
)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {key: text for key, text in PLAN.items() if key != name} | ({} if value is None else {name: value})
    with pytest.raises(ConfigError, match=f"environment variable {name}: expected .* found nothing"):
        PlanSettings.from_env(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIPELINE_ARN", "golden-image"),
        ("PIPELINE_ARN", "arn:aws:s3:::bucket"),
        ("APPLICATION_STACKS", "web,no_underscore"),
        ("ACCEPTED_FINDINGS", "web:NoUpdatePolicy"),
        ("ACCEPTED_FINDINGS", "web:NoCreationPolicy,api"),
        ("ACCEPTED_FINDINGS", "no_underscore:NoCreationPolicy"),
        ("ROLLBACK", "Automatic"),
        ("VERIFICATION_DEADLINE_MINUTES", "0"),
        ("BUILD_DEADLINE_MINUTES", "two hours"),
        ("BUILD_DEADLINE_MINUTES", "0"),
        ("DEPLOYMENT_DEADLINE_MINUTES", "-5"),
        ("DEPLOYMENT_DEADLINE_MINUTES", "1.5"),
        ("DEPLOYMENT_DEADLINE_MINUTES", "²"),
    ],
)
def test_a_malformed_variable_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"environment variable {name}: expected") as refused:
        PlanSettings.from_env({**PLAN, name: value})
    assert value.split(",")[-1] in str(refused.value)


def test_the_other_functions_name_theirs_as_well() -> None:
    with pytest.raises(ConfigError, match="NOTIFICATION_TOPIC_ARN"):
        NotificationSettings.from_env({"NOTIFICATION_TOPIC_ARN": "a topic"})
    with pytest.raises(ConfigError, match="CLOUDFORMATION_ROLE_ARN"):
        PlanSettings.from_env({**PLAN, "CLOUDFORMATION_ROLE_ARN": "a role"})
    with pytest.raises(ConfigError, match="CLOUDFORMATION_ROLE_ARN"):
        UpdateSettings.from_env({"CLOUDFORMATION_ROLE_ARN": "a role", "BAKE_MINUTES": "0"})
    with pytest.raises(ConfigError, match="CLOUDFORMATION_ROLE_ARN"):
        CloudFormationSettings.from_env({"CLOUDFORMATION_ROLE_ARN": "a role"})
    for name in TRIGGER:
        with pytest.raises(ConfigError, match=name):
            TriggerSettings.from_env({**TRIGGER, name: ""})


def test_how_stacks_are_updated_is_read() -> None:
    assert UpdateSettings.from_env({"BAKE_MINUTES": "0"}) == UpdateSettings(None, (), 0)
    given = {"CLOUDFORMATION_ROLE_ARN": ROLE, "ALARM_ARNS": "arn:one, arn:two", "BAKE_MINUTES": "30"}
    assert UpdateSettings.from_env(given) == UpdateSettings(ROLE, ("arn:one", "arn:two"), 30)
    with pytest.raises(ConfigError, match="BAKE_MINUTES: expected a whole number of minutes, at least 0, found '-1'"):
        UpdateSettings.from_env({"BAKE_MINUTES": "-1"})
    with pytest.raises(ConfigError, match=r"BAKE_MINUTES: .* found nothing"):
        UpdateSettings.from_env({})


def test_when_nothing_may_change_is_read() -> None:
    assert CalendarSettings.from_env(CALENDARS) == CalendarSettings(("year-end", "arn:x"), WhenClosed.WAIT)
    assert CalendarSettings.from_env({**CALENDARS, "CHANGE_CALENDARS": ""}).calendars == ()
    with pytest.raises(ConfigError, match="WHEN_CALENDAR_CLOSED: expected one of skip, wait, found 'fail'"):
        CalendarSettings.from_env({**CALENDARS, "WHEN_CALENDAR_CLOSED": "fail"})


@pytest.mark.parametrize("path", ["held", "/held/", "/he ld", "/"])
def test_a_path_of_holds_begins_with_a_slash_and_does_not_end_with_one(path: str) -> None:
    with pytest.raises(ConfigError, match="HOLD_PATH: expected the path of SSM parameters"):
        HoldSettings.from_env({"HOLD_PATH": path})

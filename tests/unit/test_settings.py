"""Environment variables that are missing or malformed are named."""

from __future__ import annotations

import pytest

from autopatch.errors import ConfigError
from autopatch.settings import NotificationSettings, PlanSettings, TriggerSettings, UpdateSettings

PLAN = {
    "PIPELINE_ARN": "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/golden-image",
    "APPLICATION_STACKS": "web, api,",
    "AMI_PARAMETER": "AmazonMachineImage",
    "BUILD_DEADLINE_MINUTES": "120",
    "DEPLOYMENT_DEADLINE_MINUTES": "90",
}
TRIGGER = {
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:patch",
    "BASE_AMI_NAME_PATTERN": "al2023-*",
    "AWS_REGION": "us-east-1",
}


def test_the_plan_is_read() -> None:
    settings = PlanSettings.from_env(PLAN)
    assert settings.application_stacks == ("web", "api")
    assert (settings.build_deadline_minutes, settings.deployment_deadline_minutes) == (120, 90)


@pytest.mark.parametrize("name", ["PIPELINE_ARN", "AMI_PARAMETER", "BUILD_DEADLINE_MINUTES"])
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
        UpdateSettings.from_env({"CLOUDFORMATION_ROLE_ARN": "a role"})
    for name in TRIGGER:
        with pytest.raises(ConfigError, match=name):
            TriggerSettings.from_env({**TRIGGER, name: ""})
    assert UpdateSettings.from_env({}).cloudformation_role_arn is None

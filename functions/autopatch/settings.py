"""What the deployment set, read from the environment of each function."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from autopatch.errors import ConfigError

STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_PIPELINE_ARN = re.compile(r"arn:aws[^:]*:imagebuilder:[^:]+:\d{12}:image-pipeline/[a-z0-9-_]+")
_TOPIC_ARN = re.compile(r"arn:aws[^:]*:sns:[^:]+:\d{12}:.+")
_STATE_MACHINE_ARN = re.compile(r"arn:aws[^:]*:states:[^:]+:\d{12}:stateMachine:.+")
_ROLE_ARN = re.compile(r"arn:aws[^:]*:iam::\d{12}:role/.+")


@dataclass(frozen=True)
class PlanSettings:
    """What `Plan Run` needs; the deadlines are in minutes."""

    pipeline_arn: str
    application_stacks: tuple[str, ...]
    ami_parameter: str
    build_deadline_minutes: int
    deployment_deadline_minutes: int

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> PlanSettings:
        """Raises ConfigError, naming the variable, when one is missing or malformed."""
        return cls(
            pipeline_arn=_matching(environment, "PIPELINE_ARN", _PIPELINE_ARN, "the ARN of an Image Builder pipeline"),
            application_stacks=_stack_names(environment, "APPLICATION_STACKS"),
            ami_parameter=_required(environment, "AMI_PARAMETER", "the name of a stack parameter"),
            build_deadline_minutes=_minutes(environment, "BUILD_DEADLINE_MINUTES"),
            deployment_deadline_minutes=_minutes(environment, "DEPLOYMENT_DEADLINE_MINUTES"),
        )


@dataclass(frozen=True)
class UpdateSettings:
    """What `Update Stack` needs: the role for stacks that have none of their own, if any."""

    cloudformation_role_arn: str | None

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> UpdateSettings:
        """Raises ConfigError, naming the variable, when it is malformed."""
        if not environment.get("CLOUDFORMATION_ROLE_ARN"):
            return cls(cloudformation_role_arn=None)
        return cls(_matching(environment, "CLOUDFORMATION_ROLE_ARN", _ROLE_ARN, "the ARN of an IAM role, or nothing"))


@dataclass(frozen=True)
class NotificationSettings:
    """Where notifications go."""

    topic_arn: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> NotificationSettings:
        """Raises ConfigError, naming the variable, when it is missing or malformed."""
        return cls(topic_arn=_matching(environment, "NOTIFICATION_TOPIC_ARN", _TOPIC_ARN, "the ARN of an SNS topic"))


@dataclass(frozen=True)
class TriggerSettings:
    """What the base-AMI trigger starts, and which AMI names it is for (a pattern with `*` and `?`)."""

    state_machine_arn: str
    ami_name_pattern: str
    region: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> TriggerSettings:
        """Raises ConfigError, naming the variable, when one is missing or malformed."""
        return cls(
            state_machine_arn=_matching(
                environment, "STATE_MACHINE_ARN", _STATE_MACHINE_ARN, "the ARN of a state machine"
            ),
            ami_name_pattern=_required(environment, "BASE_AMI_NAME_PATTERN", "a pattern of AMI names"),
            region=_required(environment, "AWS_REGION", "the Region that Lambda sets"),
        )


def _required(environment: Mapping[str, str], name: str, expected: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigError(
            f"environment variable {name}: expected {expected}, found nothing; deploy the application again with it set"
        )
    return value


def _matching(environment: Mapping[str, str], name: str, pattern: re.Pattern[str], expected: str) -> str:
    value = _required(environment, name, expected)
    if not pattern.fullmatch(value):
        raise ConfigError(
            f"environment variable {name}: expected {expected}, found {value!r}; correct the deployment's parameter"
        )
    return value


def _minutes(environment: Mapping[str, str], name: str) -> int:
    expected = "a whole number of minutes above 0"
    value = _required(environment, name, expected)
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise ConfigError(
            f"environment variable {name}: expected {expected}, found {value!r}; correct the deployment's parameter"
        )
    return int(value)


def _stack_names(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())
    for stack_name in names:
        if not STACK_NAME.fullmatch(stack_name):
            raise ConfigError(
                f"environment variable {name}: expected stack names separated by commas, found {stack_name!r}; "
                "correct the deployment's parameter"
            )
    return names

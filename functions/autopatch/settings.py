"""The settings of the deployment, which each function reads from its environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from autopatch.errors import ConfigError

STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
ACCEPTABLE = ("AlarmNotOk", "GroupSizeChanges", "NoCreationPolicy", "NoServiceRole", "NoWayBack", "UnhealthyInstances")
"""The names of findings that a target may accept: they do not stop it from being patched."""

_PIPELINE_ARN = re.compile(r"arn:aws[^:]*:imagebuilder:[^:]+:\d{12}:image-pipeline/[a-z0-9-_]+")
_TOPIC_ARN = re.compile(r"arn:aws[^:]*:sns:[^:]+:\d{12}:.+")
_STATE_MACHINE_ARN = re.compile(r"arn:aws[^:]*:states:[^:]+:\d{12}:stateMachine:.+")
_PARAMETER_PATH = re.compile(r"(/[a-zA-Z0-9_.-]+)+")
_AMI_OWNER = re.compile(r"\d{12}|amazon", re.ASCII)
_ROLE_ARN = re.compile(r"arn:aws[^:]*:iam::\d{12}:role/.+")


class Rollback(StrEnum):
    """What is done about a stack that was updated and fails its verification."""

    AUTOMATIC = "automatic"
    """It is updated back to the AMI that it ran before."""
    MANUAL = "manual"
    """Nothing: that is left to an operator."""


class WhenClosed(StrEnum):
    """What a run does while a change calendar is closed."""

    SKIP = "skip"
    """It ends."""
    WAIT = "wait"
    """It waits for the opening."""


@dataclass(frozen=True)
class PlanSettings:
    """The defaults of a run; the deadlines are in minutes.

    `accepted_findings` are pairs of a stack's name and the name of a finding; an empty `capacity_parameter` is none;
    `cloudformation_role_arn` is the role for stacks that have no service role, if any.
    """

    pipeline_arn: str
    application_stacks: tuple[str, ...]
    ami_parameter: str
    capacity_parameter: str
    accepted_findings: tuple[tuple[str, str], ...]
    cloudformation_role_arn: str | None
    rollback: Rollback
    build_deadline_minutes: int
    deployment_deadline_minutes: int
    verification_deadline_minutes: int

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> PlanSettings:
        """Raises ConfigError, naming the variable, when one is missing or malformed."""
        return cls(
            pipeline_arn=_pipeline_arn(environment),
            application_stacks=_stack_names(environment, "APPLICATION_STACKS"),
            ami_parameter=_required(environment, "AMI_PARAMETER", "the name of a stack parameter"),
            capacity_parameter=environment.get("CAPACITY_PARAMETER", "").strip(),
            accepted_findings=_accepted_findings(environment, "ACCEPTED_FINDINGS"),
            cloudformation_role_arn=_role_arn(environment),
            rollback=_one_of(environment, "ROLLBACK", Rollback),
            build_deadline_minutes=_minutes(environment, "BUILD_DEADLINE_MINUTES"),
            deployment_deadline_minutes=_minutes(environment, "DEPLOYMENT_DEADLINE_MINUTES"),
            verification_deadline_minutes=_minutes(environment, "VERIFICATION_DEADLINE_MINUTES"),
        )


@dataclass(frozen=True)
class CalendarSettings:
    """The names or ARNs of the change calendars, and what a run does while one of them is closed."""

    calendars: tuple[str, ...]
    when_closed: WhenClosed

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> CalendarSettings:
        """Raises ConfigError, naming the variable, when one is missing or malformed."""
        return cls(
            calendars=_list(environment, "CHANGE_CALENDARS"),
            when_closed=_one_of(environment, "WHEN_CALENDAR_CLOSED", WhenClosed),
        )


@dataclass(frozen=True)
class UpdateSettings:
    """The role for stacks that have no service role, if any, and the alarms that roll an update back.

    `bake_minutes` is how long CloudFormation monitors the alarms before it removes the old group.
    """

    cloudformation_role_arn: str | None
    alarm_arns: tuple[str, ...]
    bake_minutes: int

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> UpdateSettings:
        """Raises ConfigError, naming the variable, when one is malformed."""
        return cls(
            cloudformation_role_arn=_role_arn(environment),
            alarm_arns=_list(environment, "ALARM_ARNS"),
            bake_minutes=_minutes(environment, "BAKE_MINUTES", at_least=0),
        )


@dataclass(frozen=True)
class CloudFormationSettings:
    """The role that CloudFormation updates stacks with that have no service role, if any."""

    cloudformation_role_arn: str | None

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> CloudFormationSettings:
        """Raises ConfigError, naming the variable, when it is malformed."""
        return cls(_role_arn(environment))


@dataclass(frozen=True)
class HoldSettings:
    """The path of the SSM parameters that hold AMIs."""

    hold_path: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> HoldSettings:
        """Raises ConfigError, naming the variable, when it is missing or malformed."""
        return cls(_parameter_path(environment, "HOLD_PATH", "/ami-autopatch/held"))


@dataclass(frozen=True)
class AmiOwnerSettings:
    """Whose AMIs may be rolled out, beside this account's own: accounts, or `amazon`."""

    ami_owners: tuple[str, ...]

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> AmiOwnerSettings:
        """Raises ConfigError, naming the variable, when it is malformed."""
        owners = _list(environment, "AMI_OWNERS")
        for owner in owners:
            if not _AMI_OWNER.fullmatch(owner):
                raise ConfigError(
                    f"environment variable AMI_OWNERS: expected account ids or amazon, found {owner!r}; correct the "
                    "deployment's parameter"
                )
        return cls(owners)


@dataclass(frozen=True)
class SavedAlarmsSettings:
    """The path of the SSM parameters that save what alarms stacks have of their own."""

    saved_alarms_path: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> SavedAlarmsSettings:
        """Raises ConfigError, naming the variable, when it is missing or malformed."""
        return cls(_parameter_path(environment, "SAVED_ALARMS_PATH", "/ami-autopatch/alarms"))


@dataclass(frozen=True)
class NotificationSettings:
    """The topic that notifications are published to."""

    topic_arn: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> NotificationSettings:
        """Raises ConfigError, naming the variable, when it is missing or malformed."""
        return cls(topic_arn=_matching(environment, "NOTIFICATION_TOPIC_ARN", _TOPIC_ARN, "the ARN of an SNS topic"))


@dataclass(frozen=True)
class TriggerSettings:
    """What the base-AMI trigger starts, and for which AMI names (a pattern with `*` and `?`)."""

    state_machine_arn: str
    ami_name_pattern: str
    region: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> TriggerSettings:
        """Raises ConfigError, naming the variable, when one is missing or malformed."""
        return cls(
            state_machine_arn=_state_machine_arn(environment),
            ami_name_pattern=_required(environment, "BASE_AMI_NAME_PATTERN", "a pattern of AMI names"),
            region=_required(environment, "AWS_REGION", "the Region that Lambda sets"),
        )


@dataclass(frozen=True)
class BaseAmiCheckSettings:
    """What the check for a new base AMI starts, and the pipeline whose parent image it looks at."""

    state_machine_arn: str
    pipeline_arn: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> BaseAmiCheckSettings:
        """Raises ConfigError, naming the variable, when one is missing or malformed."""
        return cls(
            state_machine_arn=_state_machine_arn(environment),
            pipeline_arn=_pipeline_arn(environment),
        )


_Choice = TypeVar("_Choice", bound=StrEnum)


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


def _state_machine_arn(environment: Mapping[str, str]) -> str:
    return _matching(environment, "STATE_MACHINE_ARN", _STATE_MACHINE_ARN, "the ARN of a state machine")


def _parameter_path(environment: Mapping[str, str], name: str, example: str) -> str:
    return _matching(environment, name, _PARAMETER_PATH, f"the path of SSM parameters, such as {example}")


def _pipeline_arn(environment: Mapping[str, str]) -> str:
    return _matching(environment, "PIPELINE_ARN", _PIPELINE_ARN, "the ARN of an Image Builder pipeline")


def _minutes(environment: Mapping[str, str], name: str, at_least: int = 1) -> int:
    expected = f"a whole number of minutes, at least {at_least}"
    value = _required(environment, name, expected)
    if not (value.isascii() and value.isdigit() and int(value) >= at_least):
        raise ConfigError(
            f"environment variable {name}: expected {expected}, found {value!r}; correct the deployment's parameter"
        )
    return int(value)


def _one_of(environment: Mapping[str, str], name: str, choices: type[_Choice]) -> _Choice:
    expected = f"one of {', '.join(choices)}"
    value = _required(environment, name, expected)
    try:
        return choices(value)
    except ValueError:
        raise ConfigError(
            f"environment variable {name}: expected {expected}, found {value!r}; correct the deployment's parameter"
        ) from None


def _role_arn(environment: Mapping[str, str]) -> str | None:
    if not environment.get("CLOUDFORMATION_ROLE_ARN"):
        return None
    return _matching(environment, "CLOUDFORMATION_ROLE_ARN", _ROLE_ARN, "the ARN of an IAM role, or nothing")


def _list(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())


def _accepted_findings(environment: Mapping[str, str], name: str) -> tuple[tuple[str, str], ...]:
    accepted = []
    for entry in _list(environment, name):
        stack_name, _, finding = entry.partition(":")
        if not STACK_NAME.fullmatch(stack_name) or finding not in ACCEPTABLE:
            raise ConfigError(
                f"environment variable {name}: expected entries such as my-stack:{ACCEPTABLE[0]}, found {entry!r}; "
                "correct the deployment's parameter"
            )
        accepted.append((stack_name, finding))
    return tuple(accepted)


def _stack_names(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    names = _list(environment, name)
    for stack_name in names:
        if not STACK_NAME.fullmatch(stack_name):
            raise ConfigError(
                f"environment variable {name}: expected stack names separated by commas, found {stack_name!r}; "
                "correct the deployment's parameter"
            )
        if names.count(stack_name) > 1:
            raise ConfigError(
                f"environment variable {name}: expected each stack once, found {stack_name!r} "
                f"{names.count(stack_name)} times; correct the deployment's parameter"
            )
    return names

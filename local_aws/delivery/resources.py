"""CloudFormation resource types that moto lacks: AWS::SNS::Subscription, AWS::Scheduler::Schedule and ScheduleGroup.

Importing this module registers them: moto finds the direct subclasses of CloudFormationModel.

Source: CloudFormation Template Reference, the page of each type (return values, what an update replaces).
"""

# ruff: noqa: ARG003 - the parameters of these methods are moto's.

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel
from moto.scheduler.exceptions import ScheduleGroupNotFound, ScheduleNotFound
from moto.scheduler.models import scheduler_backends
from moto.sns.models import sns_backends
from moto.utilities.arns import parse_arn

LONGEST_NAME = 64
"""Characters, of a schedule or a schedule group."""


class PropertyNotModelled(NotImplementedError):
    """A resource has a property that the embedded AWS does nothing with."""


def _refuse_unknown(resource_type: str, properties: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(properties) - known)
    if unknown:
        raise PropertyNotModelled(
            f"expected of {resource_type} only {', '.join(sorted(known))}, found {', '.join(unknown)}: the embedded "
            "AWS does not model it"
        )


class Subscription(CloudFormationModel):  # type: ignore[misc]
    """AWS::SNS::Subscription; `Region` is that of the topic, for a topic of another Region than the stack's."""

    _ATTRIBUTES = ("FilterPolicyScope", "FilterPolicy", "RedrivePolicy", "RawMessageDelivery")
    _IDENTITY = ("TopicArn", "Protocol", "Endpoint", "Region")

    def __init__(self, arn: str, properties: Mapping[str, Any]) -> None:
        self.arn = arn
        self.properties = properties

    @property
    def physical_resource_id(self) -> str:
        return self.arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SNS::Subscription"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        if attribute_name == "Arn":
            return self.arn
        raise UnformattedGetAttTemplateException()

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Subscription:
        properties = cloudformation_json["Properties"]
        _refuse_unknown(cls.cloudformation_type(), properties, {*cls._IDENTITY, *cls._ATTRIBUTES})
        backend = sns_backends[account_id][properties.get("Region", region_name)]
        subscription = backend.subscribe(properties["TopicArn"], properties["Endpoint"], properties["Protocol"])
        cls._set_attributes(backend, subscription.arn, properties)
        return cls(subscription.arn, properties)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Subscription,
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> Subscription:
        properties = cloudformation_json["Properties"]
        before = original_resource.properties
        if any(properties.get(name) != before.get(name) for name in cls._IDENTITY):
            original_resource.delete(account_id, region_name)
            return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)
        _refuse_unknown(cls.cloudformation_type(), properties, {*cls._IDENTITY, *cls._ATTRIBUTES})
        backend = sns_backends[account_id][parse_arn(original_resource.arn).region]
        cls._set_attributes(backend, original_resource.arn, dict.fromkeys(before) | dict(properties))
        return cls(original_resource.arn, properties)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str
    ) -> None:
        sns_backends[account_id][parse_arn(resource_name).region].unsubscribe(resource_name)

    def delete(self, account_id: str, region_name: str) -> None:
        self.delete_from_cloudformation_json(self.arn, {}, account_id, region_name)

    @classmethod
    def _set_attributes(cls, backend: Any, arn: str, properties: Mapping[str, Any]) -> None:
        """Set the attributes that the template names; a value of None, one that it names no longer, is cleared."""
        for name in cls._ATTRIBUTES:
            if name in properties:
                value = properties[name]
                backend.set_subscription_attributes(arn, name, json.dumps(value) if isinstance(value, dict) else value)


class Schedule(CloudFormationModel):  # type: ignore[misc]
    """AWS::Scheduler::Schedule."""

    _PROPERTIES = {
        "Description",
        "EndDate",
        "FlexibleTimeWindow",
        "GroupName",
        "KmsKeyArn",
        "Name",
        "ScheduleExpression",
        "ScheduleExpressionTimezone",
        "StartDate",
        "State",
        "Target",
    }

    def __init__(self, name: str, group_name: str, arn: str) -> None:
        self.name = name
        self.group_name = group_name
        self.arn = arn

    @property
    def physical_resource_id(self) -> str:
        return self.name

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Scheduler::Schedule"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        if attribute_name == "Arn":
            return self.arn
        raise UnformattedGetAttTemplateException()

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Schedule:
        schedule = scheduler_backends[account_id][region_name].create_schedule(
            **cls._parameters(_name(resource_name), cloudformation_json["Properties"]), action_after_completion=None
        )
        return cls(schedule.name, schedule.group_name, schedule.arn)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Schedule,
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> Schedule:
        properties = cloudformation_json["Properties"]
        name = properties.get("Name", original_resource.name)
        group_name = properties.get("GroupName", "default")
        if (name, group_name) != (original_resource.name, original_resource.group_name):
            created = cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)
            original_resource.delete(account_id, region_name)
            return created
        backend = scheduler_backends[account_id][region_name]
        schedule = backend.update_schedule(**cls._parameters(name, properties))
        return cls(schedule.name, schedule.group_name, schedule.arn)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str
    ) -> None:
        # What is gone already, with its group perhaps, counts as deleted.
        with suppress(ScheduleNotFound, ScheduleGroupNotFound):
            group_name = cloudformation_json["Properties"].get("GroupName")
            scheduler_backends[account_id][region_name].delete_schedule(group_name, resource_name)

    def delete(self, account_id: str, region_name: str) -> None:
        own = {"Properties": {"GroupName": self.group_name}}
        self.delete_from_cloudformation_json(self.name, own, account_id, region_name)

    @classmethod
    def _parameters(cls, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        _refuse_unknown(cls.cloudformation_type(), properties, cls._PROPERTIES)
        return {
            "name": name,
            "group_name": properties.get("GroupName"),
            "description": properties.get("Description"),
            "schedule_expression": properties["ScheduleExpression"],
            "schedule_expression_timezone": properties.get("ScheduleExpressionTimezone"),
            "flexible_time_window": dict(properties["FlexibleTimeWindow"]),
            "target": dict(properties["Target"]),
            "state": properties.get("State"),
            "kms_key_arn": properties.get("KmsKeyArn"),
            "start_date": _timestamp(properties.get("StartDate")),
            "end_date": _timestamp(properties.get("EndDate")),
        }


class ScheduleGroup(CloudFormationModel):  # type: ignore[misc]
    """AWS::Scheduler::ScheduleGroup."""

    def __init__(self, name: str, arn: str) -> None:
        self.name = name
        self.arn = arn

    @property
    def physical_resource_id(self) -> str:
        return self.name

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Scheduler::ScheduleGroup"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in ("Arn", "State")

    def get_cfn_attribute(self, attribute_name: str) -> str:
        attributes = {"Arn": self.arn, "State": "ACTIVE"}
        if attribute_name not in attributes:
            raise UnformattedGetAttTemplateException()
        return attributes[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str, **_: Any
    ) -> ScheduleGroup:
        properties = cloudformation_json["Properties"]
        _refuse_unknown(cls.cloudformation_type(), properties, {"Name", "Tags"})
        backend = scheduler_backends[account_id][region_name]
        group = backend.create_schedule_group(_name(resource_name), properties.get("Tags", []))
        return cls(group.name, group.arn)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: ScheduleGroup,
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> ScheduleGroup:
        properties = cloudformation_json["Properties"]
        name = properties.get("Name", original_resource.name)
        if name != original_resource.name:
            created = cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)
            original_resource.delete(account_id, region_name)
            return created
        backend = scheduler_backends[account_id][region_name]
        current = backend.list_tags_for_resource(original_resource.arn)["Tags"]
        backend.untag_resource(original_resource.arn, [tag["Key"] for tag in current])
        backend.tag_resource(original_resource.arn, properties.get("Tags", []))
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str
    ) -> None:
        with suppress(ScheduleGroupNotFound):
            scheduler_backends[account_id][region_name].delete_schedule_group(resource_name)

    def delete(self, account_id: str, region_name: str) -> None:
        self.delete_from_cloudformation_json(self.name, {}, account_id, region_name)


def _name(name: str) -> str:
    """A name that CloudFormation made from stack and resource, cut to what the API takes; its end makes it unique."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 13] + name[-13:]


def _timestamp(moment: str | None) -> float | None:
    """Seconds since the epoch, for the `2026-11-01T00:00:00Z` of a template."""
    if moment is None:
        return None
    parsed = datetime.fromisoformat(moment)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()

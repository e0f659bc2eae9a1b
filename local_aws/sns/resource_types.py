"""Topics, their policies and their subscriptions.

Source: CloudFormation Template Reference, AWS::SNS::Topic, AWS::SNS::TopicPolicy, AWS::SNS::Subscription; Amazon SNS
API Reference, SetTopicAttributes, SetSubscriptionAttributes.
"""

from __future__ import annotations

import json
from typing import Any

from local_aws.core.resource_types import (
    ResourceType,
    attribute_text,
    client,
    names,
    picked,
    policy_text,
    retag,
    tag_list,
    tags,
)
from local_aws.core.resources import Request, Resource

_TOPIC_ATTRIBUTES = ("DisplayName", "KmsMasterKeyId")
_SUBSCRIPTION_ATTRIBUTES = ("FilterPolicyScope", "FilterPolicy", "RedrivePolicy", "RawMessageDelivery")

# -- topics -----------------------------------------------------------------------------------------------------------


def _create_topic(request: Request) -> tuple[str, dict[str, Any]]:
    sns = client("sns", request.region)
    given = picked(request.properties, *_TOPIC_ATTRIBUTES)
    attributes = {name: attribute_text(value) for name, value in given.items()}
    arn = sns.create_topic(Name=request.name, Attributes=attributes, Tags=tag_list(tags(request)))["TopicArn"]
    for subscription in request.properties.get("Subscription", []):
        sns.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])
    return arn, {"TopicArn": arn, "TopicName": request.name}


def _update_topic(request: Request, resource: Resource) -> None:
    sns, arn = client("sns", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    for name in _TOPIC_ATTRIBUTES:
        if new.get(name) != old.get(name):
            sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=attribute_text(new.get(name, "")))
    wanted, had = _endpoints(new.get("Subscription", [])), _endpoints(old.get("Subscription", []))
    for subscription in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
        [endpoint] = _endpoints([subscription])
        if endpoint in had and endpoint not in wanted:
            sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    for protocol, address in wanted:
        if (protocol, address) not in had:
            sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=address)
    retag(
        request,
        resource,
        lambda added: sns.tag_resource(ResourceArn=arn, Tags=tag_list(added)),
        lambda gone: sns.untag_resource(ResourceArn=arn, TagKeys=gone),
    )


def _endpoints(subscriptions: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(subscription["Protocol"], subscription["Endpoint"]) for subscription in subscriptions]


def _delete_topic(request: Request, resource: Resource) -> None:
    sns = client("sns", request.region)
    for subscription in sns.list_subscriptions_by_topic(TopicArn=resource.physical_id)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sns.delete_topic(TopicArn=resource.physical_id)


def _topic_policy(request: Request) -> tuple[str, dict[str, Any]]:
    for arn in request.properties["Topics"]:
        client("sns", request.region).set_topic_attributes(
            TopicArn=arn,
            AttributeName="Policy",
            AttributeValue=policy_text(request.properties["PolicyDocument"]),
        )
    return request.name, {"Id": request.name}


def _update_topic_policy(request: Request, resource: Resource) -> None:
    _topic_policy(request)
    _remove_topic_policy(request, set(resource.request.properties["Topics"]) - set(request.properties["Topics"]))


def _remove_topic_policy(request: Request, topics: set[str]) -> None:
    owner = {"StringEquals": {"AWS:SourceOwner": request.account_id}}
    for arn in sorted(topics):
        # What a topic has when it is created.
        statement = {
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                f"SNS:{action}"
                for action in (
                    *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic"),
                    *("Subscribe", "ListSubscriptionsByTopic", "Publish"),
                )
            ],
            "Resource": arn,
            "Condition": owner,
        }
        document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
        client("sns", request.region).set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(document)
        )


# -- subscriptions ----------------------------------------------------------------------------------------------------


def _region(request: Request) -> str:
    """The Region of the topic, which the template names when it is not the stack's."""
    return str(request.properties.get("Region", request.region))


def _create_subscription(request: Request) -> tuple[str, dict[str, Any]]:
    properties = request.properties
    made = client("sns", _region(request)).subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        ReturnSubscriptionArn=True,
    )
    arn = made["SubscriptionArn"]
    _set_attributes(request, arn, {})
    return arn, {"Arn": arn}


def _set_attributes(request: Request, arn: str, before: dict[str, Any]) -> None:
    """Set the attributes that the request gives, and unset those that only `before` gives."""
    sns = client("sns", _region(request))
    for name in _SUBSCRIPTION_ATTRIBUTES:
        if name in request.properties or name in before:
            text = attribute_text(request.properties.get(name, ""))
            sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=text)


TYPES = {
    # moto has a model of this one, which it updates by making another.
    "AWS::SNS::Topic": ResourceType(
        _create_topic,
        _delete_topic,
        names("Subscription Tags TopicName") | set(_TOPIC_ATTRIBUTES),
        update=_update_topic,
        name_property="TopicName",
    ),
    "AWS::SNS::TopicPolicy": ResourceType(
        _topic_policy,
        lambda request, _: _remove_topic_policy(request, set(request.properties["Topics"])),
        names("PolicyDocument Topics"),
        update=_update_topic_policy,
    ),
    # Its topic, protocol, endpoint and Region cannot change without another subscription.
    "AWS::SNS::Subscription": ResourceType(
        _create_subscription,
        lambda request, resource: client("sns", _region(request)).unsubscribe(SubscriptionArn=resource.physical_id),
        names("Endpoint Protocol Region TopicArn") | set(_SUBSCRIPTION_ATTRIBUTES),
        update=lambda request, resource: _set_attributes(request, resource.physical_id, resource.request.properties),
    ),
}

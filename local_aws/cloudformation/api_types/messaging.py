"""Topics, queues, and the policies of both.

Source: CloudFormation Template Reference, AWS::SNS::Topic, AWS::SNS::TopicPolicy, AWS::SQS::Queue,
AWS::SQS::QueuePolicy; Amazon SNS API Reference, SetTopicAttributes; Amazon SQS API Reference, SetQueueAttributes.
"""

from __future__ import annotations

import json
from typing import Any

from local_aws.cloudformation.api_types.api_type import (
    ApiType,
    client,
    names,
    policy_text,
    retag,
    tag_list,
    tags,
)
from local_aws.cloudformation.resources import Request, Resource

_TOPIC_ATTRIBUTES = ("DisplayName", "KmsMasterKeyId")
# What a queue has of each when a template no longer says anything of it.
_QUEUE_ATTRIBUTES = {
    "DelaySeconds": 0,
    "KmsDataKeyReusePeriodSeconds": 300,
    "KmsMasterKeyId": "",
    "MaximumMessageSize": 262144,
    "MessageRetentionPeriod": 345600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": True,
    "VisibilityTimeout": 30,
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)


# -- topics -----------------------------------------------------------------------------------------------------------


def _create_topic(request: Request) -> tuple[str, dict[str, Any]]:
    sns = client("sns", request.region)
    attributes = {name: _text(request.properties[name]) for name in _TOPIC_ATTRIBUTES if name in request.properties}
    arn = sns.create_topic(Name=request.name, Attributes=attributes, Tags=tag_list(tags(request)))["TopicArn"]
    for subscription in request.properties.get("Subscription", []):
        sns.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])
    return arn, {"TopicArn": arn, "TopicName": request.name}


def _update_topic(request: Request, resource: Resource) -> None:
    sns, arn = client("sns", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    for name in _TOPIC_ATTRIBUTES:
        if new.get(name) != old.get(name):
            sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=_text(new.get(name, "")))
    wanted = [(each["Protocol"], each["Endpoint"]) for each in new.get("Subscription", [])]
    had = [(each["Protocol"], each["Endpoint"]) for each in old.get("Subscription", [])]
    for found in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
        if (found["Protocol"], found["Endpoint"]) in had and (found["Protocol"], found["Endpoint"]) not in wanted:
            sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    for protocol, endpoint in wanted:
        if (protocol, endpoint) not in had:
            sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
    retag(
        request,
        resource,
        lambda added: sns.tag_resource(ResourceArn=arn, Tags=tag_list(added)),
        lambda gone: sns.untag_resource(ResourceArn=arn, TagKeys=gone),
    )


def _delete_topic(request: Request, resource: Resource) -> None:
    sns = client("sns", request.region)
    for found in sns.list_subscriptions_by_topic(TopicArn=resource.physical_id)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    sns.delete_topic(TopicArn=resource.physical_id)


def _topic_policy(request: Request) -> tuple[str, dict[str, Any]]:
    for arn in request.properties["Topics"]:
        client("sns", request.region).set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=policy_text(request.properties["PolicyDocument"])
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


# -- queues -----------------------------------------------------------------------------------------------------------


def _create_queue(request: Request) -> tuple[str, dict[str, Any]]:
    sqs = client("sqs", request.region)
    attributes = {name: _text(request.properties[name]) for name in _QUEUE_ATTRIBUTES if name in request.properties}
    url = sqs.create_queue(QueueName=request.name, Attributes=attributes, tags=tags(request))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, {"Arn": arn, "QueueName": request.name, "QueueUrl": url}


def _update_queue(request: Request, resource: Resource) -> None:
    sqs, url = client("sqs", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    changed = {
        name: _text(new.get(name, default))
        for name, default in _QUEUE_ATTRIBUTES.items()
        if new.get(name) != old.get(name)
    }
    if changed:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=changed)
    retag(
        request,
        resource,
        lambda added: sqs.tag_queue(QueueUrl=url, Tags=added),
        lambda gone: sqs.untag_queue(QueueUrl=url, TagKeys=gone),
    )


def _queue_policy(request: Request) -> tuple[str, dict[str, Any]]:
    for url in request.properties["Queues"]:
        client("sqs", request.region).set_queue_attributes(
            QueueUrl=url, Attributes={"Policy": policy_text(request.properties["PolicyDocument"])}
        )
    return request.name, {"Id": request.name}


def _update_queue_policy(request: Request, resource: Resource) -> None:
    _queue_policy(request)
    _remove_queue_policy(request, set(resource.request.properties["Queues"]) - set(request.properties["Queues"]))


def _remove_queue_policy(request: Request, queues: set[str]) -> None:
    for url in sorted(queues):
        client("sqs", request.region).set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


TYPES = {
    # moto has a model of this one, which it updates by making another.
    "AWS::SNS::Topic": ApiType(
        _create_topic,
        _delete_topic,
        names("Subscription Tags TopicName") | set(_TOPIC_ATTRIBUTES),
        update=_update_topic,
        name_property="TopicName",
    ),
    "AWS::SNS::TopicPolicy": ApiType(
        _topic_policy,
        lambda request, _: _remove_topic_policy(request, set(request.properties["Topics"])),
        names("PolicyDocument Topics"),
        update=_update_topic_policy,
    ),
    # moto has a model of this one, of which it updates two attributes.
    "AWS::SQS::Queue": ApiType(
        _create_queue,
        lambda request, resource: client("sqs", request.region).delete_queue(QueueUrl=resource.physical_id),
        names("QueueName Tags") | _QUEUE_ATTRIBUTES.keys(),
        update=_update_queue,
        name_property="QueueName",
    ),
    "AWS::SQS::QueuePolicy": ApiType(
        _queue_policy,
        lambda request, _: _remove_queue_policy(request, set(request.properties["Queues"])),
        names("PolicyDocument Queues"),
        update=_update_queue_policy,
    ),
}

"""Queues and their policies.

Source: CloudFormation Template Reference, AWS::SQS::Queue, AWS::SQS::QueuePolicy; Amazon SQS API Reference,
SetQueueAttributes.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import ResourceType, attribute_text, client, names, picked, policy_text, retag, tags
from local_aws.core.resources import Request, Resource

# The value of each when a template no longer gives it.
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


def _create_queue(request: Request) -> tuple[str, dict[str, Any]]:
    sqs = client("sqs", request.region)
    given = picked(request.properties, *_QUEUE_ATTRIBUTES)
    attributes = {name: attribute_text(value) for name, value in given.items()}
    url = sqs.create_queue(QueueName=request.name, Attributes=attributes, tags=tags(request))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, {"Arn": arn, "QueueName": request.name, "QueueUrl": url}


def _update_queue(request: Request, resource: Resource) -> None:
    sqs, url = client("sqs", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    changed = {
        name: attribute_text(new.get(name, default))
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
    # moto has a model of this one, of which it updates two attributes.
    "AWS::SQS::Queue": ResourceType(
        _create_queue,
        lambda request, resource: client("sqs", request.region).delete_queue(QueueUrl=resource.physical_id),
        names("QueueName Tags") | _QUEUE_ATTRIBUTES.keys(),
        update=_update_queue,
        name_property="QueueName",
    ),
    "AWS::SQS::QueuePolicy": ResourceType(
        _queue_policy,
        lambda request, _: _remove_queue_policy(request, set(request.properties["Queues"])),
        names("PolicyDocument Queues"),
        update=_update_queue_policy,
    ),
}

"""A queue as the target of a delivery: it gets a message, if its policy lets the sender in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn

from local_aws.core.delivery import DeliveryFailed, Sender, require_permission
from local_aws.core.resource_policies import statements_of


def deliver(arn: str, payload: str, sender: Sender, target: Mapping[str, Any]) -> None:
    """Send a message to the queue, with the `MessageAttributes` and the `SqsParameters` of the target.

    Raises DeliveryFailed when there is no such queue, its policy does not let the sender in, or it refuses the message:
    a FIFO queue one without a group or deduplication id.
    """
    place = parse_arn(arn)
    backend = sqs_backends[place.account][place.region]
    try:
        queue = backend.get_queue(place.resource_id)
    except QueueDoesNotExist as error:
        raise DeliveryFailed("NO_RESOURCE", error.code, error.message) from error
    require_permission(sender, "sqs:SendMessage", arn, statements_of(queue.policy))
    try:
        backend.send_message(
            place.resource_id,
            payload,
            message_attributes=dict(target.get("MessageAttributes") or {}),
            group_id=target.get("SqsParameters", {}).get("MessageGroupId"),
        )
    except ServiceException as error:
        raise DeliveryFailed("INVALID_PARAMETER", error.code, error.message) from error

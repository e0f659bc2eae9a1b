"""A topic as the target of a delivery: it gets a message, if its policy lets the sender in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.sns.exceptions import SNSInvalidParameter, SNSNotFoundError
from moto.sns.models import sns_backends
from moto.utilities.arns import parse_arn

from local_aws.core.delivery import DeliveryFailed, Sender, require_permission
from local_aws.core.resource_policies import statements_of


def deliver(arn: str, payload: str, sender: Sender, _: Mapping[str, Any]) -> None:
    """Publish the payload to the topic.

    Raises DeliveryFailed when there is no such topic, it refuses the message, or its policy does not let the sender in.
    """
    place = parse_arn(arn)
    backend = sns_backends[place.account][place.region]
    try:
        require_permission(sender, "sns:Publish", arn, statements_of(backend.get_topic(arn).policy))
        backend.publish(payload, arn=arn)
    except SNSNotFoundError as error:
        raise DeliveryFailed("NO_RESOURCE", "NotFound", error.message) from error
    except SNSInvalidParameter as error:
        raise DeliveryFailed("INVALID_PARAMETER", error.code, error.message) from error

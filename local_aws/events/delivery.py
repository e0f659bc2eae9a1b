"""An event bus as the target of a delivery: an event with the payload as its detail is put on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.events.models import events_backends
from moto.utilities.arns import parse_arn

from local_aws.core.delivery import DeliveryFailed, Sender


def deliver(arn: str, payload: str, _: Sender, target: Mapping[str, Any]) -> None:
    """Put an event with the source and the detail type of the target's EventBridgeParameters on the bus.

    Raises DeliveryFailed when there is no such bus.
    """
    bus = parse_arn(arn)
    backend = events_backends[bus.account][bus.region]
    if bus.resource_id not in backend.event_buses:
        raise DeliveryFailed("NO_RESOURCE", "ResourceNotFoundException", f"Event bus {bus.resource_id} does not exist.")
    parameters = target["EventBridgeParameters"]
    backend.put_events(
        [
            {
                "Source": parameters["Source"],
                "DetailType": parameters["DetailType"],
                "Detail": payload,
                "EventBusName": bus.resource_id,
            }
        ]
    )

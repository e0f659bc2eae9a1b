"""SQS: moto keeps the queues; here they are targets of deliveries as well."""

from __future__ import annotations

import functools

from local_aws.core import delivery
from local_aws.sqs.delivery import deliver


@functools.cache
def install() -> None:
    """Have queues take deliveries, for the rest of the process."""
    delivery.register("sqs", deliver)

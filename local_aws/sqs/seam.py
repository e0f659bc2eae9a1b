"""SQS: moto keeps the queues; here they are targets of deliveries as well, and drop their messages in time.

moto stops a receive at the first message that is past its retention period, and counts it for good.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.core.utils import unix_time
from moto.sqs import models

from local_aws.core import delivery
from local_aws.core.guard import expect_parameters
from local_aws.sqs.delivery import deliver

expect_parameters(models.SQSBackend.get_queue, "self", "queue_name")

_get_queue = models.SQSBackend.get_queue


@functools.cache
def install() -> None:
    """Have queues take deliveries and drop messages, for the rest of the process."""
    models.SQSBackend.get_queue = _get_queue_without_expired_messages
    delivery.register("sqs", deliver)


def _get_queue_without_expired_messages(backend: Any, queue_name: str) -> Any:
    """Source: SQS API Reference, SetQueueAttributes, MessageRetentionPeriod."""
    queue = _get_queue(backend, queue_name)
    oldest = (unix_time() - int(queue.message_retention_period)) * 1000
    for message in [message for message in queue._messages if message.sent_timestamp <= oldest]:
        queue._messages.remove(message)
        queue.pending_messages.discard(message)
    return queue

"""SQS keeps a message for its retention period."""

from __future__ import annotations

from typing import Any

import boto3

from local_aws.aws import LocalAws


def received(sqs: Any, url: str) -> list[str]:
    return [
        message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def count(sqs: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_a_message_past_its_retention_period_is_dropped_and_later_ones_are_received(aws: LocalAws) -> None:
    """SQS API Reference, SetQueueAttributes, MessageRetentionPeriod."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="jobs", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="early")
    aws.clock.sleep(59)
    sqs.send_message(QueueUrl=url, MessageBody="late")
    assert count(sqs, url) == 2
    aws.clock.sleep(2)
    assert count(sqs, url) == 1
    assert received(sqs, url) == ["late"]

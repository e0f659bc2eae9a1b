"""Publishing a notification to SNS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError

from autopatch.aws.client import create_client, error_code, error_text, is_transient, named_errors
from autopatch.errors import AnswerLost, NotificationFailed

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

_SUBJECT_LENGTH = 99
_BODY_BYTES = 200_000


@dataclass(frozen=True)
class Notification:
    """What a subscriber receives: a subject, a body, and what subscriptions can filter by."""

    subject: str
    body: str
    outcome: str
    stack_names: tuple[str, ...]


class Sns:
    """The calls that a patch run makes to SNS."""

    def __init__(self, client: SNSClient | None = None) -> None:
        self._client: SNSClient = client or create_client("sns", attempts=1)

    def publish(self, topic_arn: str, notification: Notification) -> str:
        """Publish and return the message's id.

        SNS wants a subject of less than 100 ASCII characters with no line breaks, and takes 256 KiB of message (SNS
        API reference, Publish); what is longer is cut.

        Raises NotificationFailed when SNS refuses the message, AnswerLost when it may have published it: the SDK would
        send it again, and again, and so this client does not.
        """
        attributes: dict[str, Any] = {"outcome": {"DataType": "String", "StringValue": notification.outcome}}
        if notification.stack_names:
            attributes["stack"] = {
                "DataType": "String.Array",
                "StringValue": json.dumps(list(notification.stack_names)),
            }
        with named_errors(f"publishing to {topic_arn}"):
            try:
                answer = self._client.publish(
                    TopicArn=topic_arn,
                    Subject=subject_line(notification.subject),
                    Message=notification.body.encode()[:_BODY_BYTES].decode(errors="ignore"),
                    MessageAttributes=attributes,
                )
            except ClientError as error:
                if is_transient(error):
                    raise
                raise NotificationFailed(
                    f"topic {topic_arn}: expected to publish to it, found {error_code(error)}: "
                    f"{error_text(error)}; fix the topic, its policy or its key"
                ) from error
            except HTTPClientError as error:
                raise AnswerLost(
                    f"topic {topic_arn}: expected an answer to what was published, found {error}; look whether the "
                    "notification has arrived"
                ) from error
        return answer["MessageId"]


def subject_line(text: str) -> str:
    """The text as SNS takes a subject: one line of ASCII, under 100 characters."""
    line = " ".join(text.encode("ascii", "replace").decode().split())
    return line if len(line) <= _SUBJECT_LENGTH else f"{line[: _SUBJECT_LENGTH - 3]}..."

"""SNS: a message that is published reaches the subscribers of its topic, and is kept in `published()`.

moto keeps topics and subscriptions, and compares filter policies. Delivery to functions, queues and mailboxes, and the
checks of Publish and Subscribe are here. E-mail subscriptions are confirmed at once: none is pending.

Sources: SNS API Reference, Publish and Subscribe; SNS Developer Guide, "Amazon SNS message delivery retries",
"Amazon SNS dead-letter queues", "Amazon SNS raw message delivery"; Lambda Developer Guide, "Invoking Lambda functions
with Amazon SNS notifications".
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import sns_backends
from moto.sns.utils import FilterPolicyMatcher
from moto.utilities.arns import parse_arn

from local_aws.core import clock, delivery, settings
from local_aws.core.delivery import RetryPolicy, Sender
from local_aws.core.errors import NotModelled
from local_aws.core.times import iso
from local_aws.sns.settings import SnsSettings

PRINCIPAL = "sns.amazonaws.com"
LONGEST_SUBJECT = 99
"""Characters: "less than 100"."""
LARGEST_MESSAGE = 262_144
"""Bytes, of body and message attributes together."""
SUBJECT_OF_EMAILS_WITHOUT = "AWS Notification Message"

Attributes = Mapping[str, Mapping[str, str]]
"""Message attributes as SNS sends them: name to {Type, Value}."""


class SubscriptionNotModelled(NotModelled):
    """A topic or subscription asks for what the embedded AWS does not deliver."""


@dataclass(frozen=True)
class Published:
    """A message that a topic took. `attributes` are the message attributes: name to value."""

    topic_arn: str
    subject: str | None
    message: str
    attributes: dict[str, str]
    message_id: str
    region: str
    published_at: datetime


@dataclass(frozen=True)
class Email:
    """An e-mail that a subscriber got. `attributes` are those of the message."""

    address: str
    topic_arn: str
    subject: str
    body: str
    attributes: dict[str, str]
    sent_at: datetime


@dataclass(frozen=True)
class Notification:
    """A message on its way to one subscriber: `message` is what the topic sends by the subscriber's protocol."""

    published: Published
    message: str
    attributes: Attributes
    subscription_arn: str
    endpoint: str
    raw: bool
    dead_letter_queue: str | None


published: clock.PerClock[list[Published]] = clock.PerClock(list)
"""Every message that was published to a topic of the embedded AWS that runs now, the oldest first."""

emails: clock.PerClock[list[Email]] = clock.PerClock(list)
"""Every e-mail that SNS sent in the embedded AWS that runs now, the oldest first."""


def exists(account: str, region: str, topic_arn: str) -> bool:
    """Whether the account has the topic in the Region."""
    return topic_arn in sns_backends[account][region].topics


def publish_as_owner(topic_arn: str, message: str, subject: str | None = None) -> str:
    """Publish to a topic of any account as that account, as Amazon announces a base AMI; return the MessageId.

    The topic is created when nobody has subscribed to it yet.
    """
    topic = ensure_topic(topic_arn)
    return str(topic.sns_backend.publish(message, arn=topic_arn, subject=subject))


def ensure_topic(topic_arn: str) -> Any:
    """moto's topic of that ARN, in the account and Region that the ARN names, created when it does not exist."""
    arn = parse_arn(topic_arn)
    return sns_backends[arn.account][arn.region].create_topic(arn.resource_id)


def publish(account: str, region: str, topic_arn: str, message: str, subject: str | None = None) -> None:
    """Publish to a topic, as a service of the account does for its owner.

    Raises moto's SNSNotFoundError (the API's NotFound) where there is no such topic.
    """
    sns_backends[account][region].publish(message=message, arn=topic_arn, subject=subject)


# -- the checks of Publish and Subscribe ------------------------------------------------------------------------------


def check_message(
    message: str, subject: str | None, attributes: Attributes | None, message_structure: str | None
) -> None:
    """Refuse what SNS refuses at Publish.

    Raises moto's SNSInvalidParameter (the API's InvalidParameter).
    """
    if subject is not None and not (
        0 < len(subject) <= LONGEST_SUBJECT
        and not any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in subject)
    ):
        raise SNSInvalidParameter("Invalid parameter: Subject")
    if not message:
        raise SNSInvalidParameter("Invalid parameter: Empty message")
    size = len(message.encode()) + sum(
        len(part.encode()) for name, value in (attributes or {}).items() for part in (name, *value.values())
    )
    if size > LARGEST_MESSAGE:
        raise SNSInvalidParameter("Invalid parameter: Message too long")
    if message_structure == "json":
        try:
            structured = json.loads(message)
        except json.JSONDecodeError as error:
            raise SNSInvalidParameter(
                "Invalid parameter: Message Structure - JSON message body failed to parse"
            ) from error
        if not isinstance(structured, dict) or not isinstance(structured.get("default"), str):
            raise SNSInvalidParameter("Invalid parameter: Message Structure - No default entry in JSON message body")


def check_subscription(topic_arn: str, protocol: str, account: str, region: str) -> None:
    """Refuse what SNS refuses at Subscribe; create a topic of another account, which is taken to exist.

    Raises moto's SNSInvalidParameter (the API's InvalidParameter), SubscriptionNotModelled.
    """
    arn = parse_arn(topic_arn)
    if arn.region != region:
        raise SNSInvalidParameter("Invalid parameter: TopicArn")
    if protocol not in ("lambda", "sqs", "email"):
        raise SubscriptionNotModelled(
            f"expected a subscription by lambda, sqs or email, found {protocol} to {topic_arn}: the embedded AWS does "
            "not deliver by it"
        )
    if arn.account != account:
        ensure_topic(topic_arn)


_NOT_COMPARED = ("cidr", "wildcard")
"""Match types of SNS that moto does not know."""


def check_filter_policy(filter_policy: str) -> None:
    """Refuse a filter policy of which moto knows no match type, or that it compares wrongly. What the API refuses, moto
    does.

    Raises SubscriptionNotModelled. Source: SNS Developer Guide, "Filter policy constraints", "String value matching".
    """
    try:
        policy = json.loads(filter_policy)
    except ValueError:
        return
    for conditions in _conditions(policy):
        for condition in conditions:
            if condition is None or isinstance(condition, bool) or set(_NOT_COMPARED) & _names(condition):
                raise SubscriptionNotModelled(
                    f"expected no null, true, false, {' or '.join(_NOT_COMPARED)} in a filter policy, found "
                    f"{json.dumps(condition)}: the embedded AWS does not compare by it"
                )
            excluded = condition.get("anything-but") if isinstance(condition, dict) else None
            if isinstance(excluded, dict) and not (set(excluded) == {"prefix"} and isinstance(excluded["prefix"], str)):
                raise SubscriptionNotModelled(
                    "expected anything-but with values or one prefix in a filter policy, found "
                    f"{json.dumps(excluded)}: the embedded AWS does not compare by it"
                )


def _names(condition: Any) -> set[str]:
    return set(condition) if isinstance(condition, dict) else set()


def _conditions(policy: Any) -> Iterator[list[Any]]:
    for key, value in policy.items() if isinstance(policy, dict) else ():
        if isinstance(value, dict):
            yield from _conditions(value)
        elif key == "$or":
            for branch in value:
                yield from _conditions(branch)
        elif isinstance(value, list):
            yield value


# -- delivery ---------------------------------------------------------------------------------------------------------


def fan_out(
    topic: Any,
    message: str,
    message_id: str,
    subject: str | None,
    attributes: Attributes | None,
    message_structure: str | None,
) -> None:
    """Record a message that moto's `topic` took, and start its delivery to every subscription that lets it through."""
    attributes = attributes or {}
    record = Published(
        topic_arn=topic.arn,
        subject=subject,
        message=message,
        attributes={name: value["Value"] for name, value in attributes.items()},
        message_id=message_id,
        region=parse_arn(topic.arn).region,
        published_at=clock.current().now(),
    )
    published().append(record)
    for subscription in _subscriptions(topic):
        if not _lets_through(subscription, message, attributes):
            continue
        redrive_policy = subscription.attributes.get("RedrivePolicy")
        notification = Notification(
            published=record,
            message=_for_protocol(message, subscription.protocol) if message_structure == "json" else message,
            attributes=attributes,
            subscription_arn=subscription.arn,
            endpoint=subscription.endpoint,
            raw=str(subscription.attributes.get("RawMessageDelivery")).lower() == "true",
            dead_letter_queue=json.loads(redrive_policy)["deadLetterTargetArn"] if redrive_policy else None,
        )
        _start(notification, subscription.protocol)


def _start(notification: Notification, protocol: str) -> None:
    if protocol == "email":
        _send_email(notification)
        return
    attempt = {"lambda": _invoke_function, "sqs": _send_to_queue}[protocol]
    times = 1 + settings.current(SnsSettings).duplicate_deliveries if protocol == "lambda" else 1
    for _ in range(times):
        clock.current().spawn(
            partial(_deliver, attempt, notification),
            f"SNS {notification.published.topic_arn} to {notification.endpoint}",
        )


def _subscriptions(topic: Any) -> list[Any]:
    """The subscriptions to a topic, whichever account they belong to; moto keeps each with its owner."""
    region = parse_arn(topic.arn).region
    return [
        subscription
        for backends in list(sns_backends.values())
        if region in backends
        for subscription in list(backends[region].subscriptions.values())
        if subscription.topic_arn == topic.arn
    ]


def _lets_through(subscription: Any, message: str, attributes: Attributes) -> bool:
    policy = subscription.attributes.get("FilterPolicy")
    if not policy:
        return True
    scope = subscription.attributes.get("FilterPolicyScope")
    return any(
        FilterPolicyMatcher(alternative, scope).matches(dict(attributes), message)
        for alternative in _alternatives(json.loads(policy))
    )


def _alternatives(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The policies without `$or` that together mean the same; moto's comparison does not know `$or`."""
    parts: list[list[dict[str, Any]]] = []
    for key, value in policy.items():
        if key == "$or":
            parts.append([alternative for branch in value for alternative in _alternatives(branch)])
        elif isinstance(value, dict):
            parts.append([{key: alternative} for alternative in _alternatives(value)])
        else:
            parts.append([{key: [_folded(condition) for condition in value]}])
    return [{key: value for part in choice for key, value in part.items()} for choice in itertools.product(*parts)]


def _folded(condition: Any) -> Any:
    """A condition as moto compares it: it folds the case of the message only."""
    if isinstance(condition, dict) and "equals-ignore-case" in condition:
        return {"equals-ignore-case": str(condition["equals-ignore-case"]).lower()}
    return condition


def _for_protocol(message: str, protocol: str) -> str:
    structured = json.loads(message)
    return str(structured.get(protocol, structured["default"]))


def _send_email(notification: Notification) -> None:
    record = notification.published
    emails().append(
        Email(
            address=notification.endpoint,
            topic_arn=record.topic_arn,
            subject=record.subject or SUBJECT_OF_EMAILS_WITHOUT,
            body=notification.message,
            attributes=record.attributes,
            sent_at=record.published_at,
        )
    )


def _deliver(attempt: Callable[[Notification, Sender], None], notification: Notification) -> None:
    topic_arn = notification.published.topic_arn
    sender = Sender(PRINCIPAL, topic_arn, parse_arn(topic_arn).account)
    # What can fail here (a missing endpoint or permission) is a client-side error, which SNS does not retry.
    given_up = delivery.deliver(lambda _: attempt(notification, sender), RetryPolicy())
    if given_up is not None:
        delivery.give_up(
            target_arn=notification.endpoint,
            error_code=given_up.error.code,
            error=given_up.error,
            dead_letter_queue=notification.dead_letter_queue,
            body=json.dumps(_document(notification)),
            attributes={},
            sender=sender,
        )


def _invoke_function(notification: Notification, sender: Sender) -> None:
    document = _document(notification)
    document["Subject"] = notification.published.subject
    document["SigningCertUrl"] = document.pop("SigningCertURL")
    document["UnsubscribeUrl"] = document.pop("UnsubscribeURL")
    document["MessageAttributes"] = dict(notification.attributes)
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": notification.subscription_arn,
        "Sns": document,
    }
    delivery.send({"Arn": notification.endpoint}, json.dumps({"Records": [record]}), sender)


def _send_to_queue(notification: Notification, sender: Sender) -> None:
    if not notification.raw:
        delivery.send({"Arn": notification.endpoint}, json.dumps(_document(notification)), sender)
        return
    attributes = {
        name: {
            "DataType": value["Type"],
            **(
                {"BinaryValue": base64.b64decode(value["Value"])}
                if value["Type"].startswith("Binary")
                else {"StringValue": value["Value"]}
            ),
        }
        for name, value in notification.attributes.items()
    }
    target = {"Arn": notification.endpoint, "MessageAttributes": attributes}
    delivery.send(target, notification.message, sender)


def _document(notification: Notification) -> dict[str, Any]:
    """The notification as JSON subscribers get it. The signature has the form of one and proves nothing."""
    record = notification.published
    timestamp = iso(record.published_at)
    host = f"https://sns.{record.region}.amazonaws.com"
    digest = hashlib.sha512(f"{record.message_id} {timestamp} {notification.message}".encode()).digest()
    document: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": record.message_id,
        "TopicArn": record.topic_arn,
        "Message": notification.message,
        "Timestamp": timestamp,
        "SignatureVersion": "1",
        "Signature": base64.b64encode(digest).decode(),
        "SigningCertURL": f"{host}/SimpleNotificationService-0000000000000000000000000000000.pem",
        "UnsubscribeURL": f"{host}/?Action=Unsubscribe&SubscriptionArn={notification.subscription_arn}",
    }
    if record.subject is not None:
        document["Subject"] = record.subject
    if notification.attributes:
        document["MessageAttributes"] = dict(notification.attributes)
    return document

"""SNS: messages are delivered by `local_aws.sns.topics` instead of moto's synchronous calls.

moto would run a subscribed function before Publish returns, fail Publish where a queue is missing, and not find the
subscriptions of other accounts.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.sns import models, utils

from local_aws.core import clock, delivery
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.core.ids import random_uuid
from local_aws.sns import topics as sns
from local_aws.sns.delivery import deliver

expect_parameters(
    models.SNSBackend.publish,
    "self",
    "message",
    "arn",
    "phone_number",
    "subject",
    "message_attributes",
    "group_id",
    "deduplication_id",
    "message_structure",
)
expect_parameters(
    models.Topic.publish,
    "self",
    "message",
    "subject",
    "message_attributes",
    "group_id",
    "deduplication_id",
    "message_structure",
)
expect_parameters(models.SNSBackend.subscribe, "self", "topic_arn", "endpoint", "protocol")
expect_parameters(models.SNSBackend.set_subscription_attributes, "self", "arn", "name", "value")
expect_parameters(models.SNSBackend.create_topic, "self", "name", "attributes", "tags")
expect_parameters(models.Subscription.__init__, "self", "account_id", "topic", "endpoint", "protocol")
expect_parameters(utils.FilterPolicyMatcher.__init__, "self", "filter_policy", "filter_policy_scope")
expect_parameters(utils.FilterPolicyMatcher.matches, "self", "message_attributes", "message")
expect_attributes(models.Subscription, "topic_arn")


@functools.cache
def install() -> None:
    """Route moto's SNS through the embedded AWS, for the rest of the process; without a clock, moto is moto."""
    _install_publish()
    _install_subscribe()
    delivery.register("sns", deliver)


def _install_publish() -> None:
    backend_publish, topic_publish = models.SNSBackend.publish, models.Topic.publish

    @functools.wraps(backend_publish)
    def checked_publish(
        self: Any,
        message: str,
        arn: str | None,
        phone_number: str | None = None,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> Any:
        if clock.is_running():
            if arn is None:
                raise sns.SubscriptionNotModelled(
                    "expected a message for a topic, found one for a phone: the embedded AWS sends no text messages"
                )
            sns.check_message(message, subject, message_attributes, message_structure)
        return backend_publish(
            self,
            message,
            arn,
            phone_number,
            subject,
            message_attributes,
            group_id,
            deduplication_id,
            message_structure,
        )

    @functools.wraps(topic_publish)
    def delivering_publish(
        self: Any,
        message: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> Any:
        if not clock.is_running():
            return topic_publish(
                self, message, subject, message_attributes, group_id, deduplication_id, message_structure
            )
        if self.fifo_topic:
            raise sns.SubscriptionNotModelled(
                f"expected a standard topic, found the FIFO topic {self.arn}: the embedded AWS keeps no order"
            )
        message_id = random_uuid()
        self.sent_notifications.append((message_id, message, subject, message_attributes, group_id))
        sns.fan_out(self, message, message_id, subject, message_attributes, message_structure)
        return message_id

    models.SNSBackend.publish = checked_publish
    models.Topic.publish = delivering_publish


def _install_subscribe() -> None:
    subscribe = models.SNSBackend.subscribe
    set_subscription_attributes = models.SNSBackend.set_subscription_attributes

    @functools.wraps(subscribe)
    def checked_subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        if clock.is_running():
            sns.check_subscription(topic_arn, protocol, self.account_id, self.region_name)
        return subscribe(self, topic_arn, endpoint, protocol)

    @functools.wraps(set_subscription_attributes)
    def checked_set_subscription_attributes(self: Any, arn: str, name: str, value: Any) -> None:
        if clock.is_running() and name == "FilterPolicy" and value:
            sns.check_filter_policy(value)
        set_subscription_attributes(self, arn, name, value)

    models.SNSBackend.subscribe = checked_subscribe
    models.SNSBackend.set_subscription_attributes = checked_set_subscription_attributes

"""Deliveries of events and messages to functions, state machines, topics, queues and buses, retries included.

Rules, schedules, topics and failed invocations differ in what they deliver; how a target is reached, retried and given
up is the same. Each service that can be a target registers how it takes a delivery (its `delivery.py`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.utilities.arns import parse_arn

from local_aws.core import clock
from local_aws.core.errors import NotModelled
from local_aws.core.resource_policies import ServiceRequest, allows, not_authorized

logger = logging.getLogger(__name__)

LONGEST_RETRY_DELAY = 512.0
"""Seconds. AWS documents an exponential backoff without numbers: here 1 s, doubled each time, up to this."""


class TargetNotModelled(NotModelled):
    """A delivery has a target that the embedded AWS cannot reach."""

    def __init__(self, arn: str, known: str) -> None:
        super().__init__(f"expected a target of {known}, found {arn}: the embedded AWS does not deliver to it")


class DeliveryFailed(Exception):
    """A target did not take a delivery.

    `code` and `message` are the target service's own; `rule_code` is what EventBridge calls it in ERROR_CODE.
    """

    def __init__(self, rule_code: str, code: str, message: str, retryable: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.rule_code = rule_code
        self.code = code
        self.message = message
        self.retryable = retryable


@dataclass(frozen=True)
class Sender:
    """Who delivers: the service `principal`, on behalf of the rule, schedule or topic `arn`, through `role_arn` if any.

    Without a role, the target's own policy must let the principal in.
    """

    principal: str
    arn: str
    account: str
    role_arn: str | None = None


Delivery = Callable[[str, str, Sender, Mapping[str, Any]], None]
"""Takes a delivery: the target's ARN, the payload (a string), the sender, and the target as in a rule or schedule."""

_deliveries: dict[str, Delivery] = {}


def register(service: str, delivery: Delivery) -> None:
    """Have `delivery`, which raises DeliveryFailed, called for the targets of `service`, as ARNs name it."""
    _deliveries[service] = delivery


def is_arn(text: str) -> bool:
    """Whether the text has the parts of an ARN. Source: IAM User Guide, "ARN format"."""
    return re.fullmatch(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+", text) is not None


def send(target: Mapping[str, Any], payload: str, sender: Sender) -> None:
    """Give the payload to a target: its `Arn`, and the other fields of a rule's or a schedule's Target.

    `MessageAttributes`, in the form that SendMessage takes, go with the message of a queue.
    Raises DeliveryFailed when the target does not take it, TargetNotModelled for one of a service that takes none.
    """
    service = parse_arn(target["Arn"]).service
    if service not in _deliveries:
        raise TargetNotModelled(target["Arn"], ", ".join(sorted(_deliveries)))
    _deliveries[service](target["Arn"], payload, sender, target)


RoleAllows = Callable[[str, str, str, Mapping[str, str]], bool]
"""Whether a role allows an action on a resource, with the condition keys of the request."""

_judges: list[RoleAllows] = []


def judge_roles(role_allows: RoleAllows) -> None:
    """Have `role_allows` asked for the permissions of senders' roles, for the rest of the process."""
    _judges.append(role_allows)


def require_permission(
    sender: Sender, action: str, resource: str, statements: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Raise DeliveryFailed unless the sender's role allows the action, or the statements of the resource's policy do.

    The role decides where there is one: the resource's policy is not needed in the same account.
    """
    if sender.role_arn is not None:
        context = {"aws:requestedregion": parse_arn(resource).region}
        if not all(role_allows(sender.role_arn, action, resource, context) for role_allows in _judges):
            message = not_authorized(sender.role_arn, action, resource)
            raise DeliveryFailed("NO_PERMISSIONS", "AccessDeniedException", message)
        return
    request = ServiceRequest(sender.principal, action, resource, sender.arn, sender.account)
    if not allows(statements, request):
        message = (
            f"{sender.principal} is not authorized to perform: {action} on resource: {resource} because no "
            f"resource-based policy allows the action for {sender.arn}"
        )
        raise DeliveryFailed("NO_PERMISSIONS", "AccessDeniedException", message)


# -- trying again, and giving up --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RetryPolicy:
    """How long a failed delivery is tried again; the defaults are those of EventBridge and of Scheduler."""

    maximum_retry_attempts: int = 185
    maximum_event_age_seconds: int = 86400

    @classmethod
    def of(cls, policy: Mapping[str, Any] | None) -> RetryPolicy:
        """The RetryPolicy of a rule's or a schedule's target."""
        policy = policy or {}
        return cls(
            int(policy.get("MaximumRetryAttempts", cls.maximum_retry_attempts)),
            int(policy.get("MaximumEventAgeInSeconds", cls.maximum_event_age_seconds)),
        )


@dataclass(frozen=True)
class GivenUp:
    """A delivery that failed for good: why, after how many retries, and which limit ended them, if one did."""

    error: DeliveryFailed
    retry_attempts: int
    exhausted_condition: str | None


@dataclass(frozen=True)
class Undelivered:
    """A delivery that did not reach its target; `dead_letter_queue` holds it, or is None when it is lost."""

    source_arn: str
    target_arn: str
    error_code: str
    error_message: str
    dead_letter_queue: str | None
    at: datetime


undelivered: clock.PerClock[list[Undelivered]] = clock.PerClock(list)
"""Every delivery that failed for good in the embedded AWS that runs now, the oldest first."""


def deliver(attempt: Callable[[int], None], policy: RetryPolicy) -> GivenUp | None:
    """Call `attempt` (with the number of the attempt, from 1) until it succeeds, or is given up under `policy`.

    Takes virtual time between attempts: call it from a task of the clock. Errors that no repetition helps (missing
    permission, missing resource) are given up at once.
    Source: EventBridge User Guide, "How EventBridge retries delivering events".
    """
    started = clock.current().time()
    retries = 0
    while True:
        try:
            attempt(retries + 1)
        except DeliveryFailed as error:
            delay = min(2.0**retries, LONGEST_RETRY_DELAY)
            if not error.retryable:
                return GivenUp(error, retries, None)
            if retries >= policy.maximum_retry_attempts:
                return GivenUp(error, retries, "MaximumRetryAttempts")
            if clock.current().time() + delay - started > policy.maximum_event_age_seconds:
                return GivenUp(error, retries, "MaximumEventAgeInSeconds")
            clock.current().sleep(delay)
            retries += 1
        else:
            return None


def give_up(
    target_arn: str,
    error_code: str,
    error: DeliveryFailed,
    dead_letter_queue: str | None,
    body: str,
    attributes: Mapping[str, str],
    sender: Sender,
) -> None:
    """Send what could not be delivered to the dead-letter queue, if there is one, and keep it in `undelivered()`."""
    kept_in = dead_letter_queue
    if dead_letter_queue is not None:
        try:
            send({"Arn": dead_letter_queue, "MessageAttributes": text_attributes(attributes)}, body, sender)
        except DeliveryFailed as refusal:
            logger.warning("%s cannot send to its dead-letter queue %s: %s", sender.arn, dead_letter_queue, refusal)
            kept_in = None
    logger.warning("%s cannot deliver to %s: %s", sender.arn, target_arn, error)
    undelivered().append(Undelivered(sender.arn, target_arn, error_code, error.message, kept_in, clock.current().now()))


def text_attributes(texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Texts as message attributes, in the form that SendMessage takes."""
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}

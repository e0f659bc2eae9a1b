"""What a delivery ends in: a Lambda function, a state machine, a topic or a queue; and what happens when it cannot.

Rules, schedules and subscriptions differ in what they say; how a target is reached, retried and given up is the same.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sns.exceptions import SNSInvalidParameter, SNSNotFoundError
from moto.sns.models import sns_backends
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn
from moto.utilities.utils import get_partition

from local_aws import clock, lambda_runtime
from local_aws.delivery.resource_policy import ServiceRequest, allows

logger = logging.getLogger(__name__)

LONGEST_RETRY_DELAY = 512.0
"""Seconds. AWS says "exponential backoff" and no numbers: here 1 s, doubled each time, up to this."""


class TargetNotModelled(NotImplementedError):
    """A rule or schedule has a target that the embedded AWS cannot reach."""

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


_undelivered: WeakKeyDictionary[clock.Clock, list[Undelivered]] = WeakKeyDictionary()


def undelivered() -> list[Undelivered]:
    """Every delivery that failed for good in the embedded AWS that runs now, the oldest first."""
    return _undelivered.setdefault(clock.current(), [])


# -- reaching a target ------------------------------------------------------------------------------------------------


def invoke_function(function_arn: str, payload: Any, sender: Sender) -> None:
    """Invoke the function asynchronously with the JSON value `payload`.

    Raises DeliveryFailed when there is no such function, or its policy does not let the sender in.
    """
    region = parse_arn(function_arn).region
    try:
        function = lambda_runtime.find_function(function_arn, region)
        _require_permission(sender, "lambda:InvokeFunction", function.function_arn, function.policy.statements)
        lambda_runtime.invoke_async(function_arn, payload, region)
    except lambda_runtime.LambdaServiceError as error:
        rule_code = "NO_RESOURCE" if error.code == "ResourceNotFoundException" else "ERROR_FROM_TARGET"
        retryable = error.status == 429 or error.status >= 500
        raise DeliveryFailed(
            "THROTTLING" if error.status == 429 else rule_code, error.code, str(error), retryable
        ) from error


def start_execution(state_machine_arn: str, execution_input: str, sender: Sender) -> None:
    """Start an execution of the state machine with the JSON text `execution_input`, by the sender's role.

    Raises DeliveryFailed when the role cannot be assumed, or StartExecution refuses.
    """
    if sender.role_arn is None or not trusts(sender.role_arn, sender):
        message = f"{sender.principal} cannot assume the role {sender.role_arn}"
        raise DeliveryFailed("FAILED_TO_ASSUME_ROLE", "AccessDeniedException", message)
    try:
        _step_functions(parse_arn(state_machine_arn).region).start_execution(
            stateMachineArn=state_machine_arn, name=lambda_runtime.random_uuid(), input=execution_input
        )
    except ClientError as error:
        raise _failure_of(error) from error


def publish(topic_arn: str, message: str, sender: Sender) -> None:
    """Publish `message` to the topic.

    Raises DeliveryFailed when there is no such topic, it refuses the message, or its policy does not let the sender in.
    """
    arn = parse_arn(topic_arn)
    backend = sns_backends[arn.account][arn.region]
    try:
        policy = json.loads(backend.get_topic(topic_arn).policy)
        _require_permission(sender, "sns:Publish", topic_arn, policy.get("Statement", []))
        backend.publish(message, arn=topic_arn)
    except SNSNotFoundError as error:
        raise DeliveryFailed("NO_RESOURCE", "NotFound", error.message) from error
    except SNSInvalidParameter as error:
        raise DeliveryFailed("INVALID_PARAMETER", error.code, error.message) from error


def send_message(
    queue_arn: str,
    body: str,
    sender: Sender,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
    message_group_id: str | None = None,
) -> None:
    """Send a message to the queue; `attributes` are the message attributes, in the form that SendMessage takes.

    Raises DeliveryFailed when there is no such queue, or its policy does not let the sender in.
    """
    arn = parse_arn(queue_arn)
    backend = sqs_backends[arn.account][arn.region]
    try:
        queue = backend.get_queue(arn.resource_id)
    except QueueDoesNotExist as error:
        raise DeliveryFailed("NO_RESOURCE", error.code, error.message) from error
    policy = json.loads(queue.policy) if queue.policy else {}
    _require_permission(sender, "sqs:SendMessage", queue_arn, policy.get("Statement", []))
    backend.send_message(
        arn.resource_id,
        body,
        message_attributes=dict(attributes or {}),
        group_id=message_group_id,
    )


def trusts(role_arn: str, sender: Sender) -> bool:
    """Whether the role exists and its trust policy lets the sender's service assume it."""
    account = parse_arn(role_arn).account
    try:
        role = iam_backends[account][get_partition(parse_arn(role_arn).region)].get_role_by_arn(role_arn)
    except NotFoundException:
        return False
    statements = json.loads(role.assume_role_policy_document).get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return allows(statements, ServiceRequest(sender.principal, "sts:AssumeRole", None, sender.arn, sender.account))


def send(target: Mapping[str, Any], payload: str, sender: Sender, known: str) -> None:
    """Give `payload`, a JSON text, to the target of a rule or a schedule, as both describe it.

    Raises DeliveryFailed when it does not take it, TargetNotModelled, with what is `known`, for one of another kind.
    """
    arn = target["Arn"]
    service = parse_arn(arn).service
    if service == "lambda":
        invoke_function(arn, json.loads(payload), sender)
    elif service == "states":
        start_execution(arn, payload, sender)
    elif service == "sns":
        publish(arn, payload, sender)
    elif service == "sqs":
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        send_message(arn, payload, sender, message_group_id=group)
    else:
        raise TargetNotModelled(arn, known)


# -- when it cannot be reached ----------------------------------------------------------------------------------------


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
            strings = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
            send_message(dead_letter_queue, body, sender, strings)
        except DeliveryFailed as refusal:
            logger.warning("%s cannot send to its dead-letter queue %s: %s", sender.arn, dead_letter_queue, refusal)
            kept_in = None
    logger.warning("%s cannot deliver to %s: %s", sender.arn, target_arn, error)
    undelivered().append(Undelivered(sender.arn, target_arn, error_code, error.message, kept_in, clock.current().now()))


def _require_permission(sender: Sender, action: str, resource: str, statements: list[dict[str, Any]]) -> None:
    if sender.role_arn is not None:
        # The role's own permissions are IAM's to judge, not the resource's policy in the same account.
        return
    if not allows(statements, ServiceRequest(sender.principal, action, resource, sender.arn, sender.account)):
        message = (
            f"{sender.principal} is not authorized to perform: {action} on resource: {resource} because no "
            f"resource-based policy allows the action for {sender.arn}"
        )
        raise DeliveryFailed("NO_PERMISSIONS", "AccessDeniedException", message)


def _failure_of(error: ClientError) -> DeliveryFailed:
    """What EventBridge makes of an API's error: it tries 429 and 5xx again, and no other 4xx."""
    code = error.response["Error"]["Code"]
    message = error.response["Error"]["Message"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    throttled = status == 429 or code == "ThrottlingException"
    rule_codes = {"StateMachineDoesNotExist": "NO_RESOURCE", "AccessDeniedException": "NO_PERMISSIONS"}
    rule_code = "THROTTLING" if throttled else rule_codes.get(code, "ERROR_FROM_TARGET")
    return DeliveryFailed(rule_code, code, message, retryable=throttled or status >= 500)


@cache
def _step_functions(region: str) -> Any:
    # One attempt: the retry policy of the rule or schedule is what repeats it, in virtual time.
    return boto3.client("stepfunctions", region_name=region, config=Config(retries={"total_max_attempts": 1}))

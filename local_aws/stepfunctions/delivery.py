"""A state machine as the target of a delivery: an execution is started, by the sender's role."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.utilities.arns import parse_arn

from local_aws.core.delivery import DeliveryFailed, Sender, require_permission
from local_aws.core.ids import random_uuid
from local_aws.iam import roles


def deliver(arn: str, payload: str, sender: Sender, _: Mapping[str, Any]) -> None:
    """Start an execution of the state machine with the JSON text `payload` as its input.

    Raises DeliveryFailed when the role cannot be assumed, or StartExecution refuses.
    """
    if sender.role_arn is None or not roles.trusts(sender.role_arn, sender):
        message = f"{sender.principal} cannot assume the role {sender.role_arn}"
        raise DeliveryFailed("FAILED_TO_ASSUME_ROLE", "AccessDeniedException", message)
    require_permission(sender, "states:StartExecution", arn)
    try:
        _client(parse_arn(arn).region).start_execution(stateMachineArn=arn, name=random_uuid(), input=payload)
    except ClientError as error:
        raise _failure(error) from error


def _failure(error: ClientError) -> DeliveryFailed:
    """An API's error as EventBridge takes it: it tries 429 and 5xx again, and no other 4xx."""
    code = error.response["Error"]["Code"]
    message = error.response["Error"]["Message"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    throttled = status == 429 or code == "ThrottlingException"
    rule_codes = {"StateMachineDoesNotExist": "NO_RESOURCE", "AccessDeniedException": "NO_PERMISSIONS"}
    rule_code = "THROTTLING" if throttled else rule_codes.get(code, "ERROR_FROM_TARGET")
    return DeliveryFailed(rule_code, code, message, retryable=throttled or status >= 500)


@functools.cache
def _client(region: str) -> Any:
    # One attempt: the retry policy of the rule or schedule is what repeats it, in virtual time.
    return boto3.client("stepfunctions", region_name=region, config=Config(retries={"total_max_attempts": 1}))

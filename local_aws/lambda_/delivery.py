"""A function as the target of a delivery: it is invoked asynchronously, if its policy lets the sender in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.utilities.arns import parse_arn

from local_aws.core.delivery import DeliveryFailed, Sender, require_permission
from local_aws.lambda_.asynchronous import invoke_async
from local_aws.lambda_.functions import LambdaServiceError, find_function


def deliver(arn: str, payload: str, sender: Sender, _: Mapping[str, Any]) -> None:
    """Invoke the function with the JSON text `payload`.

    Raises DeliveryFailed when there is no such function, or its policy does not let the sender in.
    """
    region = parse_arn(arn).region
    try:
        function = find_function(arn, region)
        require_permission(sender, "lambda:InvokeFunction", function.function_arn, function.policy.statements)
        invoke_async(arn, json.loads(payload), region)
    except LambdaServiceError as error:
        throttled = error.status == 429
        missing = error.code == "ResourceNotFoundException"
        rule_code = "THROTTLING" if throttled else "NO_RESOURCE" if missing else "ERROR_FROM_TARGET"
        raise DeliveryFailed(rule_code, error.code, str(error), throttled or error.status >= 500) from error

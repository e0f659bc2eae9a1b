"""S3: a bucket policy that denies requests without TLS denies nothing to those that come with it.

moto takes a statement whose condition does not hold for a denial. Here, every request counts as one by TLS, also those
to `make serve`, which stand for requests to AWS's own endpoints.

Source: IAM User Guide, "AWS global condition context keys": aws:SecureTransport.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from local_aws.core.guard import expect_parameters

expect_parameters(FakeBucket.get_permission, "self", "action", "resource")
expect_parameters(IAMPolicy.is_action_permitted, "self", "action", "resource", "principal", "incoming_condition_values")

_KEY = "aws:SecureTransport"


def _get_permission(self: Any, action: str, resource: str) -> Any:
    if self.policy is None:
        return PermissionResult.NEUTRAL
    document = json.loads(self.policy.decode())
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    with_tls = [statement for statement in statements if _tls_wanted(statement) != "false"]
    policy = IAMPolicy({"policy_document": json.dumps({**document, "Statement": with_tls})})
    return policy.is_action_permitted(action, resource, incoming_condition_values={_KEY: "true"})


def _tls_wanted(statement: dict[str, Any]) -> str | None:
    """Whether the statement is for requests with TLS (`true`) or for those without it; None when it is for both."""
    wanted = statement.get("Condition", {}).get("Bool", {}).get(_KEY)
    return None if wanted is None else str(wanted).lower()


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    FakeBucket.get_permission = _get_permission

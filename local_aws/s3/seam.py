"""S3: a bucket policy that denies requests without TLS denies nothing to those that come with it.

moto takes a statement whose condition does not hold for a denial. Here, every request counts as one by TLS, also those
to `make serve`, which stand for requests to AWS's own endpoints.

Source: IAM User Guide, "AWS global condition context keys": aws:SecureTransport.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from moto.s3.models import FakeBucket, S3Backend

from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.core.resource_policies import statements_of
from local_aws.iam.policies import permission

expect_parameters(FakeBucket.get_permission, "self", "action", "resource")
expect_attributes(S3Backend, "get_bucket", "put_object")

_KEY = "aws:SecureTransport"


def _get_permission(self: Any, action: str, resource: str) -> Any:
    statements = statements_of(None if self.policy is None else self.policy.decode())
    with_tls = [statement for statement in statements if _tls_wanted(statement) != "false"]
    return permission([json.dumps({"Statement": with_tls})], action, resource, {_KEY: "true"})


def _tls_wanted(statement: dict[str, Any]) -> str | None:
    """Whether the statement is for requests with TLS (`true`) or for those without it; None when it is for both."""
    wanted = statement.get("Condition", {}).get("Bool", {}).get(_KEY)
    return None if wanted is None else str(wanted).lower()


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    FakeBucket.get_permission = _get_permission

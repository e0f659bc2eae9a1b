"""S3: a bucket policy that denies requests without TLS does not deny those with it.

To moto, a statement whose condition does not hold denies. Here every request counts as one with TLS, including those
over HTTP to a port that takes the place of AWS's endpoints.

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
    applicable = [statement for statement in statements if not _applies_without_tls_only(statement)]
    return permission([json.dumps({"Statement": applicable})], action, resource, {_KEY: "true"})


def _applies_without_tls_only(statement: dict[str, Any]) -> bool:
    value = statement.get("Condition", {}).get("Bool", {}).get(_KEY)
    return str(value).lower() == "false"


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    FakeBucket.get_permission = _get_permission

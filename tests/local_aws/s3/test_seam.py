"""S3's bucket policies, as far as a template's own matter."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws


def bucket_with(*statements: dict[str, Any]) -> Any:
    """A client of S3, with an object `log` in the bucket `image-logs` that has the statements in its policy."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="image-logs")
    s3.put_object(Bucket="image-logs", Key="log", Body=b"built")
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    s3.put_bucket_policy(Bucket="image-logs", Policy=json.dumps(document))
    return s3


def deny(**more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::image-logs/*", **more}


def test_a_policy_that_wants_tls_lets_requests_with_it_read(aws: LocalAws) -> None:
    """IAM User Guide, "AWS global condition context keys": aws:SecureTransport."""
    s3 = bucket_with(deny(Condition={"Bool": {"aws:SecureTransport": "false"}}))
    assert s3.get_object(Bucket="image-logs", Key="log")["Body"].read() == b"built"


@pytest.mark.parametrize("more", [{}, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}])
def test_any_other_denial_holds(aws: LocalAws, more: dict[str, Any]) -> None:
    """IAM User Guide, "Policy evaluation logic": an explicit deny overrides everything."""
    s3 = bucket_with(deny(Condition={"Bool": {"aws:SecureTransport": "false"}}), deny(**more))
    with pytest.raises(ClientError) as refusal:
        s3.get_object(Bucket="image-logs", Key="log")
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403

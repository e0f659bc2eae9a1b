"""Buckets, as the services that write to them see them."""

from __future__ import annotations

from typing import Any

from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition


class NoSuchBucket(Exception):
    """The account has no bucket of that name."""


def exists(account: str, region: str, bucket: str) -> bool:
    """Whether the account has a bucket of that name."""
    return bucket in s3_backends[account][get_partition(region)].buckets


def kms_key_of(account: str, region: str, bucket: str) -> str | None:
    """The KMS key of the bucket's default encryption, as its configuration names it.

    None where that is S3's own key, or AWS's key for S3. Raises NoSuchBucket.
    """
    try:
        encryption = s3_backends[account][get_partition(region)].get_bucket(bucket).encryption
    except MissingBucket as error:
        raise NoSuchBucket(f"expected a bucket {bucket} in the account {account}, found none; create it") from error
    rule: dict[str, Any] = (encryption or {}).get("Rule", {})
    key: str | None = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return key


def put_object(account: str, region: str, bucket: str, key: str, body: bytes) -> None:
    """Put an object into the bucket, which has to exist."""
    s3_backends[account][get_partition(region)].put_object(bucket, key, body)

"""KMS keys, as the services that encrypt with them name them.

Source: KMS API Reference, DescribeKey (KeyId): an ID, an alias, or the ARN of either. KMS Developer Guide, "Aliases in
AWS KMS": an alias is of one account and Region.
"""

from __future__ import annotations

import boto3
import pytest

from local_aws.aws import LocalAws
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.kms import keys


@pytest.fixture
def key_arn(aws: LocalAws) -> str:
    """A key with the alias `alias/images`."""
    kms = boto3.client("kms")
    arn = str(kms.create_key()["KeyMetadata"]["Arn"])
    kms.create_alias(AliasName="alias/images", TargetKeyId=arn)
    return arn


def test_a_key_has_the_names_of_describe_key(key_arn: str) -> None:
    names = [key_arn, key_arn.split("/")[1], "alias/images", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/images"]
    assert {keys.arn_of(ACCOUNT, REGION, name) for name in names} == {key_arn}


def test_an_arn_names_its_account(key_arn: str) -> None:
    assert keys.arn_of("222222222222", REGION, key_arn) == key_arn
    assert keys.arn_of("222222222222", REGION, "alias/images") is None


def test_a_key_is_of_one_region(key_arn: str) -> None:
    assert keys.arn_of(ACCOUNT, "eu-west-1", key_arn) is None
    assert keys.arn_of(ACCOUNT, "eu-west-1", "alias/images") is None

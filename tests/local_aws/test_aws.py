"""The embedded AWS as a whole comes and goes without a trace."""

from __future__ import annotations

import os
import random

import boto3
import pytest
from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends

from local_aws.aws import CREDENTIALS, LocalAws
from local_aws.core import settings
from local_aws.core.clock import ClockError
from local_aws.core.ids import random_uuid
from local_aws.sns.settings import SnsSettings


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    before = dict(os.environ)
    with LocalAws(SnsSettings(duplicate_deliveries=2)):
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["AWS_ACCESS_KEY_ID"] == CREDENTIALS["AWS_ACCESS_KEY_ID"]
        assert settings.current(SnsSettings).duplicate_deliveries == 2
        # In this order: when moto empties Auto Scaling's backend it looks for EC2's, which it has emptied before.
        assert boto3.client("ec2").describe_vpcs()["Vpcs"]
        boto3.client("autoscaling").describe_auto_scaling_groups()

    assert dict(os.environ) == before
    assert settings.current(SnsSettings).duplicate_deliveries == 0
    assert list(ec2_backends.keys()) == []
    assert list(autoscaling_backends.keys()) == []


def test_each_begins_alike() -> None:
    def drawn() -> tuple[str, str, float, str]:
        with LocalAws():
            image = boto3.client("ec2").register_image(Name="an-image", RootDeviceName="/dev/xvda")["ImageId"]
            vpc = boto3.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
            return image, vpc, random.random(), random_uuid()

    assert drawn() == drawn()


def test_one_that_fails_to_start_does_not_stand_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalAws(), pytest.raises(ClockError, match="already"), LocalAws():
        pass
    with LocalAws() as again:
        assert again.clock.now()


def test_amazons_own_managed_policies_can_be_attached(aws: LocalAws) -> None:
    """IAM User Guide, "AWS managed policies": they exist in every account."""
    iam = boto3.client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)

    attached = iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [arn]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")

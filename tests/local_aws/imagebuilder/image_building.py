"""What the tests of Image Builder share: an embedded AWS with Image Builder, and a pipeline in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.core.clock import Clock
from local_aws.core.ids import ACCOUNT, REGION

__all__ = ["ACCOUNT", "REGION", "ImageBuilding", "image_building"]

ARN = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}"
COMPONENT_DOCUMENT = """
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: UpdateOS
        action: ExecuteBash
        inputs:
          commands:
            - dnf --assumeyes upgrade
"""
BUILD_DATE_NAME = "app {{ imagebuilder:buildDate }}"


def ami_distribution(region: str = REGION, **configuration: Any) -> dict[str, Any]:
    """A Distribution of AMIs named `app <date>`."""
    return {"region": region, "amiDistributionConfiguration": {"name": BUILD_DATE_NAME, **configuration}}


@dataclass
class ImageBuilding:
    """The embedded AWS of one test. The names of resources are `app` by default."""

    clock: Clock
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str = "imagebuilder", region: str = REGION) -> Any:
        if (service, region) not in self.clients:
            create_client: Any = boto3.client
            self.clients[service, region] = create_client(service, region_name=region)
        return self.clients[service, region]

    def component(self, name: str = "app", version: str = "1.0.0", data: str = COMPONENT_DOCUMENT) -> str:
        created = self.client().create_component(name=name, semanticVersion=version, platform="Linux", data=data)
        return str(created["componentBuildVersionArn"])

    def recipe(self, name: str = "app", version: str = "1.0.0", parent: str | None = None, **parameters: Any) -> str:
        created = self.client().create_image_recipe(
            name=name, semanticVersion=version, parentImage=parent or self.base_ami(), **parameters
        )
        return str(created["imageRecipeArn"])

    def base_ami(self) -> str:
        """An AMI to build on."""
        ec2 = self.client("ec2")
        for image in ec2.describe_images(Filters=[{"Name": "name", "Values": ["base"]}])["Images"]:
            return str(image["ImageId"])
        return str(ec2.register_image(Name="base", Description="to build on")["ImageId"])

    def infrastructure(self, name: str = "app", **parameters: Any) -> str:
        iam = self.client("iam")
        if not iam.list_instance_profiles()["InstanceProfiles"]:
            iam.create_instance_profile(InstanceProfileName="builders")
        created = self.client().create_infrastructure_configuration(
            name=name, instanceProfileName="builders", **parameters
        )
        return str(created["infrastructureConfigurationArn"])

    def distribution(self, *distributions: dict[str, Any], name: str = "app") -> str:
        created = self.client().create_distribution_configuration(
            name=name, distributions=list(distributions) or [ami_distribution()]
        )
        return str(created["distributionConfigurationArn"])

    def role(self, name: str, service: str, *statements: dict[str, Any]) -> str:
        """The ARN of a role that the service may assume, with the statements as its permissions."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_policy(trust)))
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(_policy(*statements)))
        return str(created["Role"]["Arn"])

    def log_bucket(self, resource: str = "arn:aws:s3:::image-logs/*") -> dict[str, Any]:
        """The logging of an infrastructure configuration to a new bucket; build instances may write to `resource`."""
        self.client("s3").create_bucket(Bucket="image-logs")
        self.role("builder", "ec2.amazonaws.com", {"Effect": "Allow", "Action": "s3:PutObject", "Resource": resource})
        iam = self.client("iam")
        iam.create_instance_profile(InstanceProfileName="builders")
        iam.add_role_to_instance_profile(InstanceProfileName="builders", RoleName="builder")
        return {"s3Logs": {"s3BucketName": "image-logs", "s3KeyPrefix": "builds"}}

    def pipeline(
        self,
        *distributions: dict[str, Any],
        recipe: dict[str, Any] | None = None,
        infrastructure: dict[str, Any] | None = None,
        **parameters: Any,
    ) -> str:
        """A pipeline with all that it refers to; `recipe` and `infrastructure` are parameters of these."""
        recipe_parameters = {"components": [{"componentArn": self.component()}], **(recipe or {})}
        created = self.client().create_image_pipeline(
            name="app",
            imageRecipeArn=self.recipe(**recipe_parameters),
            infrastructureConfigurationArn=self.infrastructure(**(infrastructure or {})),
            distributionConfigurationArn=self.distribution(*distributions),
            **parameters,
        )
        return str(created["imagePipelineArn"])

    def start(self, pipeline_arn: str, **parameters: Any) -> str:
        started = self.client().start_image_pipeline_execution(imagePipelineArn=pipeline_arn, **parameters)
        return str(started["imageBuildVersionArn"])

    def image(self, arn: str) -> Any:
        return self.client().get_image(imageBuildVersionArn=arn)["image"]

    def status(self, arn: str) -> str:
        return str(self.image(arn)["state"]["status"])

    def finish(self, arn: str) -> Any:
        """Let time pass until the build has ended; return the image."""
        for _ in range(100):
            image = self.image(arn)
            if image["state"]["status"] in ("AVAILABLE", "FAILED", "CANCELLED"):
                return image
            self.clock.sleep(300)
        raise AssertionError(f"the build of {arn} does not end")

    def refused(self, operation: str, **parameters: Any) -> tuple[str, str]:
        """The code and the message of the error with which Image Builder refuses."""
        with pytest.raises(ClientError) as refusal:
            getattr(self.client(), operation)(**parameters)
        error = refusal.value.response["Error"]
        return str(error["Code"]), str(error["Message"])


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@contextmanager
def image_building(monkeypatch: pytest.MonkeyPatch, public_amis: bool) -> Iterator[ImageBuilding]:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", str(public_amis).lower())
    with LocalAws(start=datetime(2026, 11, 1, tzinfo=UTC)) as running:
        yield ImageBuilding(running.clock)


@pytest.fixture
def building(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImageBuilding]:
    """Image Builder in an EC2 without public AMIs, which take moto a while to make."""
    with image_building(monkeypatch, public_amis=False) as image_builder:
        yield image_builder


@pytest.fixture
def building_on_public_amis(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImageBuilding]:
    """Image Builder in an EC2 with the public AMIs that the public SSM parameters name."""
    with image_building(monkeypatch, public_amis=True) as image_builder:
        yield image_builder

"""The image pipeline's template: deployed to the embedded AWS, used to build images, updated, and deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from local_aws.cloudformation.template import parse
from tests.local_aws.stack_world import StackWorld, stack_world

INFRASTRUCTURE = Path(__file__).parents[2] / "infrastructure"
BODY = (INFRASTRUCTURE / "image-pipeline.yaml").read_text(encoding="utf-8")
TEMPLATE = parse(BODY)
COMPONENTS = {
    "UpdateOs": "update-os",
    "InstallCfnSignal": "install-cfn-signal",
    "RecordPackages": "record-packages",
    "VerifyImage": "verify-image",
}
ACCOUNT, HOME, OTHER_ACCOUNTS = "123456789012", "us-east-1", ("222222222222", "333333333333")
DAY = 24 * 60 * 60
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True)
class Images:
    """An embedded AWS with a network, in which the tests of this module create stacks of the template."""

    world: StackWorld
    network: dict[str, str]

    def create(self, name: str, **parameters: str) -> dict[str, str]:
        """The outputs of a new stack in the network."""
        stack = self.world.create(name, BODY, **{**self.network, **parameters})
        assert stack["StackStatus"] == "CREATE_COMPLETE", self.world.reasons(name)
        return self.world.outputs(name)

    def update(self, name: str, **parameters: str) -> str:
        """The status of the stack after the parameters have changed."""
        self.world.cloudformation.update_stack(
            StackName=name,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                *({"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()),
                *(
                    {"ParameterKey": key, "UsePreviousValue": True}
                    for key in TEMPLATE.parameters
                    if key not in parameters
                ),
            ],
        )
        return self.world.settle(name)

    def refused(self, **parameters: str) -> str:
        """The message with which CloudFormation refuses to create the stack."""
        with pytest.raises(ClientError) as refusal:
            self.world.create("refused", BODY, **{**self.network, **parameters})
        assert refusal.value.response["Error"]["Code"] == "ValidationError"
        return str(refusal.value.response["Error"]["Message"])

    def client(self, service: str, region: str = HOME) -> Any:
        return boto3.client(service, region_name=region)  # type: ignore[call-overload]

    def physical_id(self, stack: str, logical_id: str) -> str:
        return self.world.physical_ids(stack)[logical_id]

    def build(self, stack: str) -> Any:
        """Start a build and let it end; returns its image."""
        builder = self.client("imagebuilder")
        pipeline = self.world.outputs(stack)["ImagePipelineArn"]
        arn = builder.start_image_pipeline_execution(imagePipelineArn=pipeline)["imageBuildVersionArn"]
        for _ in range(20):
            self.world.clock.sleep(300)
            image = builder.get_image(imageBuildVersionArn=arn)["image"]
            if image["state"]["status"] in ("AVAILABLE", "FAILED", "CANCELLED"):
                return image
        raise AssertionError(
            f"expected the build of {arn} to end, found it {image['state']['status']} after 100 minutes"
        )

    def get(self, stack: str, kind: str) -> Any:
        """The stack's only resource of a kind, such as ImageRecipe, as Image Builder's own Get operation returns it."""
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)
        camel = kind[0].lower() + kind[1:]
        answer = getattr(self.client("imagebuilder"), f"get{snake}")(**{f"{camel}Arn": self.physical_id(stack, kind)})
        return answer[camel]


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    with stack_world() as world:
        world.create("network", (INFRASTRUCTURE / "network.yaml").read_text(encoding="utf-8"))
        network = world.outputs("network")
        yield Images(world, {"VpcId": network["VpcId"], "SubnetId": network["SubnetIds"].split(",")[0]})


@pytest.fixture(scope="module")
def plain(images: Images) -> Any:
    """The image that the stack `plain` has built, which has the template's defaults."""
    images.create("plain")
    return images.build("plain")


@pytest.fixture(scope="module")
def full(images: Images) -> Any:
    """The image that the stack `full` has built, which has every option."""
    keys = {
        region: images.client("kms", region).create_key()["KeyMetadata"]["Arn"]
        for region in (HOME, "eu-west-1", "eu-central-1")
    }
    images.client("inspector2").enable(accountIds=[ACCOUNT], resourceTypes=["EC2"])
    topic = images.client("sns").create_topic(Name="images")["TopicArn"]
    queue = images.client("sqs").create_queue(QueueName="images")["QueueUrl"]
    images.client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{HOME}:{ACCOUNT}:images",
        Attributes={"RawMessageDelivery": "true"},
    )
    policy = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    images.client("sqs").set_queue_attributes(
        QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})}
    )
    images.create(
        "full",
        KmsKeyArn=keys[HOME],
        SecondRegion="eu-west-1",
        SecondRegionKmsKeyArn=keys["eu-west-1"],
        ThirdRegion="eu-central-1",
        ThirdRegionKmsKeyArn=keys["eu-central-1"],
        SharedAccounts=",".join(OTHER_ACCOUNTS),
        ImageScanning="enabled",
        SnsTopicArn=topic,
    )
    return images.build("full")


def root_snapshot(images: Images, ami: str, region: str = HOME) -> Any:
    ec2 = images.client("ec2", region)
    [described] = ec2.describe_images(ImageIds=[ami])["Images"]
    [mapping] = described["BlockDeviceMappings"]
    return ec2.describe_snapshots(SnapshotIds=[mapping["Ebs"]["SnapshotId"]])["Snapshots"][0]


# -- the template ---------------------------------------------------------------------------------------------------


def test_every_parameter_and_output_is_described_and_every_parameter_grouped() -> None:
    """CloudFormation User Guide, AWS::CloudFormation::Interface."""
    for name, declared in {**TEMPLATE.parameters, **TEMPLATE.outputs}.items():
        assert len(declared["Description"]) > 20, name
    interface = TEMPLATE.document["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE.parameters) == sorted(interface["ParameterLabels"])


@pytest.mark.parametrize("logical_id", COMPONENTS)
def test_the_components_in_the_template_equal_the_documents_in_components(logical_id: str) -> None:
    data = TEMPLATE.resources[logical_id]["Properties"]["Data"]
    assert data == (INFRASTRUCTURE / "components" / f"{COMPONENTS[logical_id]}.yaml").read_text()


def test_every_document_in_components_is_in_the_template() -> None:
    assert sorted(path.stem for path in (INFRASTRUCTURE / "components").iterdir()) == sorted(COMPONENTS.values())


# -- the stack with defaults ----------------------------------------------------------------------------------------


def test_the_pipeline_builds_an_encrypted_ami_on_the_latest_amazon_linux(images: Images, plain: Any) -> None:
    """Amazon Linux 2023 User Guide: the public parameter names the latest AMI."""
    assert plain["state"] == {"status": "AVAILABLE"}
    assert plain["imageRecipe"]["parentImage"].startswith("ssm:/aws/service/ami-amazon-linux-latest/al2023-")
    [ami] = plain["outputResources"]["amis"]
    assert (ami["region"], ami["name"].split(" ")[0]) == (HOME, "plain")
    assert root_snapshot(images, ami["image"])["Encrypted"]
    [described] = images.client("ec2").describe_images(ImageIds=[ami["image"]])["Images"]
    assert (described["Public"], described["RootDeviceName"]) == (False, "/dev/xvda")
    sharing = images.client("ec2").describe_image_attribute(ImageId=ami["image"], Attribute="launchPermission")
    assert sharing["LaunchPermissions"] == []


def test_the_pipeline_has_tests_and_metadata_but_no_schedule(images: Images, plain: Any) -> None:
    pipeline = images.get("plain", "ImagePipeline")
    assert (pipeline["status"], "schedule" in pipeline) == ("ENABLED", False)
    assert (pipeline["imageTestsConfiguration"]["imageTestsEnabled"], pipeline["enhancedImageMetadataEnabled"]) == (
        True,
        True,
    )
    assert pipeline["imageScanningConfiguration"] == {"imageScanningEnabled": False}
    packages = images.client("imagebuilder").list_image_packages(imageBuildVersionArn=plain["arn"])
    assert {"packageName", "packageVersion"} <= packages["imagePackageList"][0].keys()


def test_the_recipe_updates_records_and_then_tests(images: Images, plain: Any) -> None:
    """Image Builder User Guide, "Use components": a document with a test phase only is a test component."""
    builder = images.client("imagebuilder")
    components = [
        builder.get_component(componentBuildVersionArn=listed["componentArn"])["component"]
        for listed in images.get("plain", "ImageRecipe")["components"]
    ]
    assert [(component["name"], component["type"]) for component in components] == [
        ("plain-update-os", "BUILD"),
        ("plain-install-cfn-signal", "BUILD"),
        ("plain-record-packages", "BUILD"),
        ("plain-verify-image", "TEST"),
    ]


def test_the_script_with_which_instances_signal_is_installed_and_run_on_an_instance_of_the_image() -> None:
    """An AMI of Amazon Linux 2023 may lack it (amazonlinux/amazon-linux-2023, issue 768); aws-cfn-bootstrap has it."""
    application = (INFRASTRUCTURE / "application.yaml").read_text()
    [script] = set(re.findall(r"\S+/cfn-signal", application))
    assert "dnf --assumeyes install aws-cfn-bootstrap --releasever=latest" in commands("install-cfn-signal", "build")
    for component, phase in (("install-cfn-signal", "validate"), ("verify-image", "test")):
        assert f"{script} --help" in commands(component, phase)


def commands(component: str, phase: str) -> list[str]:
    """The commands of all steps of a phase."""
    document = yaml.safe_load((INFRASTRUCTURE / "components" / f"{component}.yaml").read_text())
    [steps] = [one["steps"] for one in document["phases"] if one["name"] == phase]
    return [command for step in steps for command in step["inputs"]["commands"]]


def test_the_newest_ami_is_in_a_parameter_that_ec2_checks(images: Images, plain: Any) -> None:
    """Systems Manager User Guide, "Native parameter support for Amazon Machine Image IDs": aws:ec2:image."""
    name = images.world.outputs("plain")["AmiParameterName"]
    parameter = images.client("ssm").get_parameter(Name=name)["Parameter"]
    assert (parameter["Value"], parameter["DataType"]) == (
        plain["outputResources"]["amis"][0]["image"],
        "aws:ec2:image",
    )


def test_build_instances_require_a_token_for_metadata_and_are_terminated_with_the_build(
    images: Images, plain: Any
) -> None:
    """EC2 User Guide, "Use the Instance Metadata Service": HttpTokens required is IMDSv2 only."""
    configuration = images.get("plain", "InfrastructureConfiguration")
    assert configuration["instanceMetadataOptions"] == {"httpTokens": "required", "httpPutResponseHopLimit": 1}
    assert (configuration["terminateInstanceOnFailure"], "snsTopicArn" in configuration) == (True, False)
    assert (configuration["instanceTypes"], configuration["subnetId"]) == (["t3.medium"], images.network["SubnetId"])
    assert configuration["securityGroupIds"] == [images.physical_id("plain", "BuildSecurityGroup")]


def test_build_instances_have_no_ingress_and_only_https_egress(images: Images, plain: Any) -> None:
    """EC2 User Guide, "Security group rules"."""
    group_id = images.physical_id("plain", "BuildSecurityGroup")
    [group] = images.client("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    assert (group["VpcId"], group["IpPermissions"]) == (images.network["VpcId"], [])
    [rule] = group["IpPermissionsEgress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)


def test_build_instances_may_do_what_image_builder_needs_and_write_logs(images: Images, plain: Any) -> None:
    """Image Builder User Guide, "Prerequisites": the policies of the instance profile."""
    iam = images.client("iam")
    profile = images.get("plain", "InfrastructureConfiguration")["instanceProfileName"]
    [role] = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    assert role["Arn"] == images.world.outputs("plain")["BuildInstanceRoleArn"]
    attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert sorted(policy["PolicyName"] for policy in attached) == [
        "AmazonSSMManagedInstanceCore",
        "EC2InstanceProfileForImageBuilder",
    ]
    bucket = images.world.outputs("plain")["LogBucketName"]
    [name] = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
    assert document["Statement"] == [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/builds/*"}
    ]


def test_each_workflow_of_the_build_has_left_a_log(images: Images, plain: Any) -> None:
    """Image Builder User Guide, "Monitor Image Builder logs with Amazon CloudWatch Logs"; API reference, S3Logs."""
    listed = images.client("s3").list_objects_v2(Bucket=images.world.outputs("plain")["LogBucketName"])
    assert len(listed["Contents"]) == 2
    assert all(stored["Key"].startswith("builds/plain/1.0.0/1/") for stored in listed["Contents"])
    described = images.client("logs").describe_log_groups(logGroupNamePrefix="/aws/imagebuilder/")["logGroups"]
    groups = {group["logGroupName"]: group["retentionInDays"] for group in described}
    for group, stream in (("/aws/imagebuilder/plain", "1.0.0/1"), ("/aws/imagebuilder/pipeline/plain", "2026/12/01")):
        assert groups[group] == 90
        assert images.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]


def test_the_log_bucket_is_private_and_encrypted_and_its_logs_expire(images: Images, plain: Any) -> None:
    """Amazon S3 User Guide, "Security best practices for Amazon S3"."""
    s3, bucket = images.client("s3"), {"Bucket": images.world.outputs("plain")["LogBucketName"]}
    assert set(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    [encryption] = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    [ownership] = s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"]
    assert ownership == {"ObjectOwnership": "BucketOwnerEnforced"}
    [rule] = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert (rule["Expiration"], rule["NoncurrentVersionExpiration"]) == ({"Days": 90}, {"NoncurrentDays": 90})
    [statement] = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:*", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_lifecycle_role_is_image_builders_with_its_own_policy(images: Images, plain: Any) -> None:
    """Image Builder User Guide, "Lifecycle management prerequisites"."""
    iam, name = images.client("iam"), images.physical_id("plain", "LifecycleRole")
    assert images.get("plain", "LifecyclePolicy")["executionRole"] == f"arn:aws:iam::{ACCOUNT}:role/{name}"
    [statement] = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "imagebuilder.amazonaws.com"}
    [attached] = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached["PolicyName"] == "EC2ImageBuilderLifecycleExecutionPolicy"
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []


# -- the stack with every option ------------------------------------------------------------------------------------


def test_every_region_gets_an_ami_with_its_own_key_shared_and_in_a_parameter(images: Images, full: Any) -> None:
    """Image Builder API reference, AmiDistributionConfiguration, SsmParameterConfiguration."""
    assert full["state"] == {"status": "AVAILABLE"}
    amis = {ami["region"]: ami["image"] for ami in full["outputResources"]["amis"]}
    assert list(amis) == [HOME, "eu-west-1", "eu-central-1"]
    parameters = images.world.parameters("full")
    keys = [parameters[name] for name in ("KmsKeyArn", "SecondRegionKmsKeyArn", "ThirdRegionKmsKeyArn")]
    assert [root_snapshot(images, ami, region)["KmsKeyId"] for region, ami in amis.items()] == keys
    for region, ami in amis.items():
        sharing = images.client("ec2", region).describe_image_attribute(ImageId=ami, Attribute="launchPermission")
        assert sharing["LaunchPermissions"] == [{"UserId": account} for account in OTHER_ACCOUNTS]
        parameter = images.client("ssm", region).get_parameter(Name="/imagebuilder/full/ami-id")["Parameter"]
        assert (parameter["Value"], parameter["DataType"]) == (ami, "aws:ec2:image")


def test_with_a_key_components_and_logs_are_encrypted_with_it(images: Images, full: Any) -> None:
    key = images.world.parameters("full")["KmsKeyArn"]
    for listed in images.get("full", "ImageRecipe")["components"]:
        answer = images.client("imagebuilder").get_component(componentBuildVersionArn=listed["componentArn"])
        assert answer["component"]["kmsKeyId"] == key
    bucket = images.world.outputs("full")["LogBucketName"]
    [rule] = images.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    [first, *_] = images.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert images.client("s3").get_object(Bucket=bucket, Key=first["Key"])["SSEKMSKeyId"] == key
    role = images.physical_id("full", "BuildInstanceRole")
    document = images.client("iam").get_role_policy(RoleName=role, PolicyName="WriteBuildLogs")["PolicyDocument"]
    [_, use] = document["Statement"]
    assert (use["Resource"], use["Condition"]) == (
        key,
        {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
    )


def test_images_are_scanned_and_published_to_the_topic(images: Images, full: Any) -> None:
    """Image Builder User Guide, "Amazon SNS integration in Image Builder"; API reference, ImageScanState."""
    assert full["scanState"] == {"status": "COMPLETED"}
    queue = images.client("sqs").get_queue_url(QueueName="images")["QueueUrl"]
    [received] = images.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    message = json.loads(received["Body"])
    assert (message["arn"], message["state"]) == (full["arn"], {"status": "AVAILABLE"})


# -- what is kept ---------------------------------------------------------------------------------------------------


def test_the_newest_images_stay_and_an_older_one_that_was_launched_recently(images: Images) -> None:
    """Image Builder User Guide, "AMI lifecycle exclusion rules": lastLaunched, tagMap."""
    images.create("kept", KeepImages="2", KeepLaunchedWithinDays="60")
    ec2, amis = images.client("ec2"), []

    def build() -> None:
        amis.append(images.build("kept")["outputResources"]["amis"][0]["image"])

    def remaining() -> list[str]:
        described = ec2.describe_images(Filters=[{"Name": "name", "Values": ["kept *"]}])["Images"]
        return [ami for ami in amis if ami in {image["ImageId"] for image in described}]

    build()
    [instance] = ec2.run_instances(ImageId=amis[0], MinCount=1, MaxCount=1)["Instances"]
    for _ in range(4):
        images.world.clock.sleep(14 * DAY)
        build()
    ec2.create_tags(Resources=[amis[-1]], Tags=[{"Key": "Keep", "Value": "true"}])
    images.world.clock.sleep(DAY)
    assert remaining() == [amis[0], *amis[-2:]]
    tagged = amis[-1]
    for _ in range(3):
        build()
        images.world.clock.sleep(14 * DAY)
    assert remaining() == [tagged, *amis[-2:]]
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    snapshots = ec2.describe_snapshots(Filters=[{"Name": "tag:CreatedBy", "Values": ["EC2 Image Builder"]}])
    descriptions = " ".join(snapshot["Description"] for snapshot in snapshots["Snapshots"])
    assert [ami for ami in amis if ami in descriptions] == remaining()


# -- changes --------------------------------------------------------------------------------------------------------


def test_settings_change_in_place_and_a_new_version_of_the_recipe_replaces_the_old_one(images: Images) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::*: update requires."""
    images.create("changed")
    before = images.world.physical_ids("changed")
    assert images.update("changed", BuildInstanceType="m7i.large", KeepImages="9", LogRetentionDays="30") == (
        "UPDATE_COMPLETE"
    )
    assert images.world.physical_ids("changed") == before
    assert images.get("changed", "InfrastructureConfiguration")["instanceTypes"] == ["m7i.large"]
    [detail] = images.get("changed", "LifecyclePolicy")["policyDetails"]
    assert detail["filter"] == {"type": "COUNT", "value": 9}
    own = f"arn:aws:imagebuilder:{HOME}:{ACCOUNT}:image/plain/x.x.x"
    assert images.update("changed", ParentImage=own, RecipeVersion="1.1.0") == "UPDATE_COMPLETE"
    after = images.world.physical_ids("changed")
    replaced = {"ImageRecipe", *COMPONENTS}
    assert {name for name in after if after[name] != before[name]} == replaced
    assert images.get("changed", "ImageRecipe")["parentImage"] == own
    assert images.get("changed", "ImagePipeline")["imageRecipeArn"] == after["ImageRecipe"]
    listed = images.client("imagebuilder").list_image_recipes(filters=[{"name": "name", "values": ["changed"]}])
    assert [recipe["arn"] for recipe in listed["imageRecipeSummaryList"]] == [after["ImageRecipe"]]
    images.world.remove("changed")


def test_another_parent_without_another_version_is_rolled_back(images: Images) -> None:
    """Image Builder API reference, CreateImageRecipe: each version of a recipe can be created once."""
    images.create("same-version")
    before = images.world.physical_ids("same-version")
    assert images.update("same-version", RootDeviceName="/dev/sda1") == "UPDATE_ROLLBACK_COMPLETE"
    assert any("already exists" in reason for reason in images.world.reasons("same-version"))
    assert images.world.physical_ids("same-version") == before
    images.world.remove("same-version")


def test_deletion_leaves_the_bucket_and_the_images_and_nothing_else(images: Images) -> None:
    """CloudFormation Template Reference, DeletionPolicy: RetainExceptOnCreate."""
    outputs = images.create("gone")
    image = images.build("gone")
    physical_ids = images.world.physical_ids("gone")
    images.world.remove("gone")
    bucket, s3 = {"Bucket": outputs["LogBucketName"]}, images.client("s3")
    assert s3.list_objects_v2(**bucket)["KeyCount"] == 2
    assert "TlsOnly" in s3.get_bucket_policy(**bucket)["Policy"]
    ec2, ami = images.client("ec2"), image["outputResources"]["amis"][0]["image"]
    assert len(ec2.describe_images(ImageIds=[ami])["Images"]) == 1
    assert images.client("ssm").get_parameter(Name=outputs["AmiParameterName"])["Parameter"]["Value"] == ami
    builder = images.client("imagebuilder")
    for operation, members in {
        "list_components": "componentVersionList",
        "list_image_recipes": "imageRecipeSummaryList",
        "list_infrastructure_configurations": "infrastructureConfigurationSummaryList",
        "list_distribution_configurations": "distributionConfigurationSummaryList",
        "list_image_pipelines": "imagePipelineList",
        "list_lifecycle_policies": "lifecyclePolicySummaryList",
    }.items():
        listed = [resource["name"] for resource in getattr(builder, operation)()[members]]
        assert [name for name in listed if name.startswith("gone")] == [], operation
    roles = {role["RoleName"] for role in images.client("iam").list_roles()["Roles"]}
    profiles = images.client("iam").list_instance_profiles()["InstanceProfiles"]
    assert not roles & set(physical_ids.values())
    assert physical_ids["BuildInstanceProfile"] not in [profile["InstanceProfileName"] for profile in profiles]
    groups = [group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]]
    assert physical_ids["BuildSecurityGroup"] not in groups
    assert images.client("logs").describe_log_groups(logGroupNamePrefix="/aws/imagebuilder/gone")["logGroups"] == []


def test_a_stack_that_could_not_be_created_leaves_no_bucket(images: Images) -> None:
    """CloudFormation Template Reference, DeletionPolicy: RetainExceptOnCreate."""
    before = [bucket["Name"] for bucket in images.client("s3").list_buckets()["Buckets"]]
    missing = f"arn:aws:sns:{HOME}:{ACCOUNT}:missing"
    stack = images.world.create("broken", BODY, **images.network, SnsTopicArn=missing)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("snsTopicArn" in reason for reason in images.world.reasons("broken"))
    assert [bucket["Name"] for bucket in images.client("s3").list_buckets()["Buckets"]] == before


# -- invalid parameters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "accepted"),
    [
        ({"ParentImage": "ami-latest"}, "an AMI of this Region (ami-0123456789abcdef0)"),
        ({"ParentImage": "ssm:/golden/ami"}, "ssm:/aws/service/... or ssm:/imagebuilder/..."),
        ({"ParentImage": "arn:aws:ec2:us-east-1::image/ami-0123456789abcdef0"}, "the ARN of an Image Builder image"),
        ({"RecipeVersion": "1.0"}, "three numbers with dots"),
        ({"RootDeviceName": "/dev/nvme0n1"}, "/dev/xvda or /dev/sda1"),
        ({"ImageScanning": "yes"}, "enabled or disabled"),
        ({"BuildInstanceType": "medium"}, "an EC2 instance type, such as t3.medium"),
        ({"SecondRegion": "Ireland"}, "the code of a Region, such as eu-west-1"),
        ({"ThirdRegion": "eu-west"}, "the code of a Region, such as eu-west-1"),
        ({"SharedAccounts": "1234"}, "AWS account IDs of 12 digits"),
        ({"SharedAccounts": "222222222222, 333333333333"}, "separated by commas without spaces"),
        ({"KmsKeyArn": "alias/images"}, "the ARN of a KMS key"),
        ({"SecondRegionKmsKeyArn": "mine"}, "the ARN of a KMS key"),
        ({"ThirdRegionKmsKeyArn": "mine"}, "the ARN of a KMS key"),
        ({"KeepImages": "1"}, "from 2 (the newest image, and one to go back to) to 1000"),
        ({"KeepLaunchedWithinDays": "366"}, "a number of days from 1 to 365"),
        ({"LogRetentionDays": "45"}, "30, 60, 90, 180 or 365 days"),
        ({"SnsTopicArn": "arn:aws:sns:us-east-1:123456789012:images.fifo"}, "a standard SNS topic"),
    ],
)
def test_an_invalid_parameter_is_refused_with_what_is_accepted(
    images: Images, parameters: dict[str, str], accepted: str
) -> None:
    """CloudFormation User Guide, "CloudFormation template Parameters syntax": ConstraintDescription."""
    message = images.refused(**parameters)
    [name] = parameters
    assert (name in message, accepted in message) == (True, True), message


@pytest.mark.parametrize(
    ("parameters", "rule", "assertion"),
    [
        ({"SharedAccounts": "222222222222"}, "SharedImagesHaveTheirOwnKey", "SharedAccounts needs KmsKeyArn"),
        ({"SecondRegion": HOME}, "SecondRegionIsAnother", "a Region other than the stack's"),
        ({"ThirdRegion": HOME}, "ThirdRegionIsAnother", "a Region other than the stack's"),
        (
            {"SecondRegion": "eu-west-1", "ThirdRegion": "eu-west-1"},
            "ThirdRegionIsAnother",
            "a Region other than SecondRegion",
        ),
        ({"SecondRegion": "eu-west-1", "KmsKeyArn": KEY}, "SecondRegionIsAnother", "needs SecondRegionKmsKeyArn"),
        ({"ThirdRegion": "eu-west-1", "KmsKeyArn": KEY}, "ThirdRegionIsAnother", "needs ThirdRegionKmsKeyArn"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(
    images: Images, parameters: dict[str, str], rule: str, assertion: str
) -> None:
    """CloudFormation User Guide, "CloudFormation template Rules syntax": AssertDescription."""
    message = images.refused(**parameters)
    assert (f"Rule {rule} failed" in message, assertion in message) == (True, True), message


def test_a_subnet_of_another_vpc_is_refused(images: Images) -> None:
    """CloudFormation User Guide, "CloudFormation template Rules syntax": Fn::ValueOf, VpcId."""
    other = images.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert "SubnetId must be a subnet of VpcId" in images.refused(VpcId=other)


def test_a_subnet_that_does_not_exist_is_refused(images: Images) -> None:
    """CloudFormation User Guide, "CloudFormation-supplied parameter types": AWS::EC2::Subnet::Id."""
    message = images.refused(SubnetId="subnet-0123456789abcdef0")
    assert "subnet-0123456789abcdef0 for parameter name SubnetId does not exist" in message


def test_a_region_that_does_not_exist_fails_the_stack_by_name(images: Images) -> None:
    """Image Builder API reference, Distribution: region."""
    stack = images.world.create("nowhere", BODY, **images.network, SecondRegion="eu-west-9")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("'eu-west-9' is no Region" in reason for reason in images.world.reasons("nowhere"))

"""What a build puts out beside its state: volumes and keys of AMIs, parameters, logs, messages, scans."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.core import settings
from local_aws.core.faults import Fault, Faults
from local_aws.imagebuilder.settings import ImageBuilderSettings
from tests.local_aws.imagebuilder.image_building import (
    ACCOUNT,
    ARN,
    REGION,
    ImageBuilding,
    ami_distribution,
    building,
    building_on_public_amis,
)

__all__ = ["building", "building_on_public_amis"]

OTHER_ACCOUNT = "222222222222"
SCANNED = {"imageScanningConfiguration": {"imageScanningEnabled": True}}


def root(device: str = "/dev/sda1", **ebs: Any) -> dict[str, Any]:
    """The parameters of a recipe with `ebs` as the settings of the root volume."""
    return {"blockDeviceMappings": [{"deviceName": device, "ebs": ebs}]}


def key(building: ImageBuilding, region: str = REGION) -> str:
    return str(building.client("kms", region).create_key()["KeyMetadata"]["Arn"])


def output(building: ImageBuilding, image: Any, region: str = REGION) -> tuple[list[Any], list[Any]]:
    """The block device mappings of the image's AMI, and its snapshots."""
    amis = image["outputResources"]["amis"]
    ami = next(ami["image"] for ami in amis if ami["region"] == region)
    ec2 = building.client("ec2", region)
    [described] = ec2.describe_images(ImageIds=[ami])["Images"]
    identifiers = [mapping["Ebs"]["SnapshotId"] for mapping in described["BlockDeviceMappings"]]
    return described["BlockDeviceMappings"], ec2.describe_snapshots(SnapshotIds=identifiers)["Snapshots"]


# -- volumes and keys -----------------------------------------------------------------------------------------------


def test_the_recipe_changes_the_root_volume_of_its_parent(building_on_public_amis: ImageBuilding) -> None:
    """Image Builder API reference, EbsInstanceBlockDeviceSpecification."""
    building = building_on_public_amis
    parent = "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    recipe = {"parent": parent, **root("/dev/xvda", encrypted=True, volumeType="gp3", volumeSize=12)}
    image = building.finish(building.start(building.pipeline(recipe=recipe)))
    [mapping], [snapshot] = output(building, image)
    assert (mapping["DeviceName"], mapping["Ebs"]["VolumeType"], mapping["Ebs"]["VolumeSize"]) == (
        "/dev/xvda",
        "gp3",
        12,
    )
    assert mapping["Ebs"]["Encrypted"]
    assert (snapshot["Encrypted"], snapshot["VolumeSize"]) == (True, 12)
    tags = {tag["Key"]: tag["Value"] for tag in snapshot["Tags"]}
    assert tags == {"CreatedBy": "EC2 Image Builder", "Ec2ImageBuilderArn": image["arn"]}


def test_another_device_is_another_volume_and_without_encryption_there_is_none(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateImageRecipe: blockDeviceMappings overrides or attaches."""
    image = building.finish(building.start(building.pipeline(recipe=root("/dev/sdb", volumeSize=100))))
    mappings, snapshots = output(building, image)
    assert [mapping["DeviceName"] for mapping in mappings] == ["/dev/sda1", "/dev/sdb"]
    assert [snapshot["Encrypted"] for snapshot in snapshots] == [False, False]
    assert sorted(snapshot["VolumeSize"] for snapshot in snapshots) == [15, 100]


def test_each_region_encrypts_with_its_own_key(building: ImageBuilding) -> None:
    """Image Builder API reference, AmiDistributionConfiguration: kmsKeyId."""
    here, there = key(building), key(building, "eu-west-1")
    pipeline = building.pipeline(
        ami_distribution(),
        ami_distribution("eu-west-1", kmsKeyId=there),
        ami_distribution("eu-central-1"),
        recipe=root(encrypted=True, kmsKeyId=here),
    )
    image = building.finish(building.start(pipeline))
    keys = {region: output(building, image, region)[1][0]["KmsKeyId"] for region in (REGION, "eu-west-1")}
    assert keys == {REGION: here, "eu-west-1": there}
    _, [snapshot] = output(building, image, "eu-central-1")
    assert snapshot["Encrypted"]
    assert snapshot["KmsKeyId"] not in (here, there)


def test_an_image_with_the_aws_managed_key_cannot_be_shared(building: ImageBuilding) -> None:
    """EBS User Guide, "Share an Amazon EBS snapshot": encrypted with the AWS managed key, it cannot be shared."""
    shared = ami_distribution(launchPermission={"userIds": [OTHER_ACCOUNT]})
    image = building.finish(building.start(building.pipeline(shared, recipe=root(encrypted=True))))
    assert image["state"]["status"] == "FAILED"
    [failure] = image["state"]["failureContext"]["distributionFailure"]["regionFailures"]
    assert (failure["region"], failure["errorMessage"]) == (
        REGION,
        "Encrypted snapshots with EBS default key cannot be shared",
    )


def test_an_image_with_a_key_of_ones_own_can_be_shared(building: ImageBuilding) -> None:
    """EC2 User Guide, "Share an AMI with specific AWS accounts"."""
    shared = ami_distribution(launchPermission={"userIds": [OTHER_ACCOUNT]})
    recipe = root(encrypted=True, kmsKeyId=key(building))
    image = building.finish(building.start(building.pipeline(shared, recipe=recipe)))
    ami = image["outputResources"]["amis"][0]["image"]
    attribute = building.client("ec2").describe_image_attribute(ImageId=ami, Attribute="launchPermission")
    assert attribute["LaunchPermissions"] == [{"UserId": OTHER_ACCOUNT}]


@pytest.mark.parametrize("replicated", [False, True])
def test_a_key_encrypts_in_its_own_region_only(building: ImageBuilding, replicated: bool) -> None:
    """KMS Developer Guide, "Multi-Region keys": a replica has the same ID, but an ARN of its own."""
    kms = building.client("kms")
    primary = kms.create_key(MultiRegion=replicated)["KeyMetadata"]["Arn"]
    if replicated:
        kms.replicate_key(KeyId=primary.split("/")[1], ReplicaRegion="eu-west-1")
    pipeline = building.pipeline(ami_distribution("eu-west-1", kmsKeyId=primary))
    image = building.finish(building.start(pipeline))
    assert image["state"]["status"] == "FAILED"
    assert "does not exist in Region eu-west-1" in image["state"]["reason"]


def test_a_key_that_does_not_exist_is_refused(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateComponent and CreateImageRecipe: kmsKeyId."""
    missing = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    for operation, parameters in {
        "create_component": {"platform": "Linux", "data": "schemaVersion: 1.0", "kmsKeyId": missing},
        "create_image_recipe": {"parentImage": building.base_ami(), **root(encrypted=True, kmsKeyId=missing)},
    }.items():
        code, message = building.refused(operation, name="app", semanticVersion="1.0.0", **parameters)
        assert (code, "kmsKeyId" in message) == ("InvalidParameterValueException", True), operation


# -- parameters, subnets --------------------------------------------------------------------------------------------


def test_the_service_linked_role_writes_parameters_of_image_builder_only(building: ImageBuilding) -> None:
    """AWS Managed Policy Reference, AWSServiceRoleForImageBuilder: ssm:PutParameter on parameter/imagebuilder/*."""
    pipeline = building.pipeline({**ami_distribution(), "ssmParameterConfigurations": [{"parameterName": "/app/ami"}]})
    image = building.finish(building.start(pipeline))
    assert image["state"]["status"] == "FAILED"
    assert f"ssm:PutParameter on resource: arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/app/ami" in image["state"]["reason"]
    assert building.client("ssm").describe_parameters()["Parameters"] == []


@pytest.mark.parametrize(("name", "status"), [("/imagebuilder/base", "AVAILABLE"), ("/golden/base", "FAILED")])
def test_the_service_linked_role_reads_parents_from_public_and_its_own_parameters(
    building: ImageBuilding, name: str, status: str
) -> None:
    """AWS Managed Policy Reference, AWSServiceRoleForImageBuilder: ssm:GetParameter."""
    building.client("ssm").put_parameter(Name=name, Value=building.base_ami(), Type="String")
    image = building.finish(building.start(building.pipeline(recipe={"parent": f"ssm:{name}"})))
    assert image["state"]["status"] == status


@pytest.mark.parametrize("missing", ["subnetId", "securityGroupIds"])
def test_a_build_needs_its_subnet_and_security_groups(building: ImageBuilding, missing: str) -> None:
    """EC2 API reference, RunInstances: InvalidSubnetID.NotFound, InvalidGroup.NotFound."""
    ec2 = building.client("ec2")
    network: dict[str, Any] = {
        "subnetId": ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
    }
    network[missing] = "subnet-0123456789abcdef0" if missing == "subnetId" else ["sg-0123456789abcdef0"]
    image = building.finish(building.start(building.pipeline(infrastructure=network)))
    assert image["state"]["status"] == "FAILED"
    assert "0123456789abcdef0' does not exist" in image["state"]["reason"]


# -- logs -----------------------------------------------------------------------------------------------------------


def log_keys(building: ImageBuilding) -> list[str]:
    return [listed["Key"] for listed in building.client("s3").list_objects_v2(Bucket="image-logs").get("Contents", [])]


def test_each_workflow_leaves_a_log_below_the_prefix(building: ImageBuilding) -> None:
    """Image Builder API reference, S3Logs; how the objects are named below the prefix, AWS does not document."""
    pipeline = building.pipeline(infrastructure={"logging": building.log_bucket()})
    arn = building.finish(building.start(pipeline))["arn"]
    workflows = building.client().list_workflow_executions(imageBuildVersionArn=arn)["workflowExecutions"]
    identifiers = [workflow["workflowExecutionId"] for workflow in workflows]
    assert sorted(log_keys(building)) == sorted(
        f"builds/app/1.0.0/1/{identifier}/console.log" for identifier in identifiers
    )
    stored = building.client("s3").get_object(
        Bucket="image-logs", Key=f"builds/app/1.0.0/1/{identifiers[0]}/console.log"
    )
    assert f"Document {ARN}:component/app/1.0.0/1 phase build" in stored["Body"].read().decode()


def test_the_log_of_a_failed_build_has_the_error(building: ImageBuilding) -> None:
    """Image Builder User Guide, "Troubleshoot Image Builder issues": why a component failed."""
    settings.use(ImageBuilderSettings(fail_in="BUILDING", error_message="Curl error (28)"))
    building.finish(building.start(building.pipeline(infrastructure={"logging": building.log_bucket()})))
    [only] = log_keys(building)
    stored = building.client("s3").get_object(Bucket="image-logs", Key=only)
    assert "Curl error (28)" in stored["Body"].read().decode()


def test_a_build_that_may_not_write_its_log_fails(building: ImageBuilding) -> None:
    """Image Builder User Guide, "Troubleshoot Image Builder issues": access denied, status code 403."""
    logging = building.log_bucket(resource="arn:aws:s3:::image-logs/others/*")
    image = building.finish(building.start(building.pipeline(infrastructure={"logging": logging})))
    assert (image["state"]["status"], log_keys(building)) == ("FAILED", [])
    assert "AccessDenied: Access Denied status code: 403" in image["state"]["reason"]
    assert "s3:PutObject" in image["state"]["reason"]


def test_a_build_whose_log_bucket_is_gone_fails(building: ImageBuilding) -> None:
    """Image Builder API reference, S3Logs: the bucket is not validated when the configuration is created."""
    pipeline = building.pipeline(infrastructure={"logging": building.log_bucket()})
    building.client("s3").delete_bucket(Bucket="image-logs")
    image = building.finish(building.start(pipeline))
    assert "NoSuchBucket" in image["state"]["reason"]


def test_a_bucket_with_a_key_of_the_customers_takes_its_use(building: ImageBuilding) -> None:
    """Amazon S3 User Guide, "Specifying server-side encryption with AWS KMS": kms:GenerateDataKey."""
    logging, named = building.log_bucket(), key(building)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": named}}
    building.client("s3").put_bucket_encryption(
        Bucket="image-logs", ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    pipeline = building.pipeline(infrastructure={"logging": logging})
    refused = building.finish(building.start(pipeline))
    assert f"kms:GenerateDataKey on {named}" in refused["state"]["reason"]
    statement = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": named}
    building.client("iam").put_role_policy(
        RoleName="builder",
        PolicyName="key",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    assert building.finish(building.start(pipeline))["state"]["status"] == "AVAILABLE"


def test_the_logs_are_in_cloudwatch_logs_in_any_case(building: ImageBuilding) -> None:
    """Image Builder User Guide, "Monitor Image Builder logs with Amazon CloudWatch Logs"."""
    building.finish(building.start(building.pipeline()))
    logs = building.client("logs")
    events = logs.get_log_events(logGroupName="/aws/imagebuilder/app", logStreamName="1.0.0/1")["events"]
    assert "type BUILD started" in events[0]["message"]
    events = logs.get_log_events(logGroupName="/aws/imagebuilder/pipeline/app", logStreamName="2026/11/01")["events"]
    assert [event["message"] for event in events] == [f"Started the build of image {ARN}:image/app/1.0.0/1"]


def test_log_groups_can_be_named(building: ImageBuilding) -> None:
    """Image Builder API reference, PipelineLoggingConfiguration."""
    groups = {"imageLogGroupName": "/aws/imagebuilder/one", "pipelineLogGroupName": "/aws/imagebuilder/two"}
    image = building.finish(building.start(building.pipeline(loggingConfiguration=groups)))
    assert image["loggingConfiguration"] == {"logGroupName": "/aws/imagebuilder/one"}
    groups_of_account = building.client("logs").describe_log_groups()["logGroups"]
    assert sorted(group["logGroupName"] for group in groups_of_account) == sorted(groups.values())


def test_a_log_group_of_another_name_takes_a_role(building: ImageBuilding) -> None:
    """Image Builder API reference, PipelineLoggingConfiguration: other names require an executionRole."""
    code, message = building.refused(
        "create_image_pipeline",
        name="app",
        imageRecipeArn=building.recipe(),
        infrastructureConfigurationArn=building.infrastructure(),
        loggingConfiguration={"imageLogGroupName": "/my/logs"},
    )
    assert (code, "executionRole" in message) == ("InvalidParameterCombinationException", True)


# -- messages -------------------------------------------------------------------------------------------------------


def build_with_topic(building: ImageBuilding, **behaviour: Any) -> tuple[Any, list[Any]]:
    """Build an image with a topic that a queue listens to: the image, and the messages."""
    topic = building.client("sns").create_topic(Name="images")["TopicArn"]
    sqs = building.client("sqs")
    principal = {"Service": "sns.amazonaws.com"}
    allowed = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    queue = sqs.create_queue(QueueName="images", Attributes={"Policy": policy})["QueueUrl"]
    building.client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:images",
        Attributes={"RawMessageDelivery": "true"},
    )
    settings.use(ImageBuilderSettings(**behaviour))
    image = building.finish(building.start(building.pipeline(infrastructure={"snsTopicArn": topic})))
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return image, [json.loads(message["Body"]) for message in received]


def test_the_topic_is_told_of_an_image_that_is_available(building: ImageBuilding) -> None:
    """Image Builder User Guide, "Amazon SNS integration in Image Builder": SNS message format."""
    image, [message] = build_with_topic(building)
    assert message["arn"] == image["arn"] == f"{message['versionlessArn']}/1.0.0/1"
    assert (message["state"], message["version"], message["buildVersion"]) == ({"status": "AVAILABLE"}, "1.0.0", 1)
    # 2 to the power of 90 is version 1 of 1.0.0, in the guide's example as here.
    assert message["semver"] == 1237940039285380274899124225
    assert message["dateCreated"] == "Nov 1, 2026 12:00:00 AM"
    [ami] = message["outputResources"]["amis"]
    assert ami.keys() == {"region", "image", "name", "accountId"}
    assert ami["image"] == image["outputResources"]["amis"][0]["image"]
    assert message["infrastructureConfiguration"]["accountId"] == message["accountId"] == ACCOUNT
    jobs = {"buildExecutionId", "testExecutionId", "distributionJobId", "integrationJobId"}
    assert jobs <= message.keys()


def test_the_topic_is_told_of_an_image_that_has_failed_and_of_nothing_else(building: ImageBuilding) -> None:
    """Image Builder User Guide, "Amazon SNS integration in Image Builder": AVAILABLE and FAILED are published."""
    image, [message] = build_with_topic(building, fail_in="TESTING", failure_reason="does not boot")
    assert message["state"] == {"status": "FAILED", "reason": "does not boot"}
    assert message["outputResources"] == {"amis": []}
    assert ("testExecutionId" in message, "distributionJobId" in message) == (True, False)
    assert image["state"]["status"] == "FAILED"


def test_nobody_is_told_of_a_build_that_was_cancelled(building: ImageBuilding) -> None:
    """Image Builder User Guide, "Amazon SNS integration in Image Builder": AVAILABLE and FAILED are published."""
    image, messages = build_with_topic(building, cancelled_after=60)
    assert (image["state"]["status"], messages) == ("CANCELLED", [])


@pytest.mark.parametrize("topic", ["missing", "images.fifo"])
def test_a_topic_that_cannot_be_told_is_refused(building: ImageBuilding, topic: str) -> None:
    """Image Builder API reference, CreateInfrastructureConfiguration: snsTopicArn is validated; no FIFO topics."""
    building.infrastructure("unused")
    building.client("sns").create_topic(Name="images.fifo", Attributes={"FifoTopic": "true"})
    code, message = building.refused(
        "create_infrastructure_configuration",
        name="app",
        instanceProfileName="builders",
        snsTopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic}",
    )
    assert code == "InvalidParameterValueException"
    assert "snsTopicArn" in message


# -- scans ----------------------------------------------------------------------------------------------------------


def activate(building: ImageBuilding) -> None:
    building.client("inspector2").enable(accountIds=[ACCOUNT], resourceTypes=["EC2"])


def test_a_scan_goes_on_with_the_build(building: ImageBuilding) -> None:
    """Image Builder API reference, ImageScanState."""
    activate(building)
    settings.use(ImageBuilderSettings(10, 10, 10, 10, 10, 10))
    arn = building.start(building.pipeline(**SCANNED))
    scan_states = {}
    while building.status(arn) != "AVAILABLE":
        scan_states[building.status(arn)] = building.image(arn)["scanState"]["status"]
        building.clock.sleep(9)
    assert scan_states == {
        "PENDING": "PENDING",
        "CREATING": "PENDING",
        "BUILDING": "PENDING",
        "TESTING": "SCANNING",
        "DISTRIBUTING": "COLLECTING",
        "INTEGRATING": "COMPLETED",
    }
    assert building.image(arn)["scanState"] == {"status": "COMPLETED"}


def test_a_scan_is_abandoned_with_its_image(building: ImageBuilding) -> None:
    """Image Builder API reference, ImageScanState: ABANDONED."""
    activate(building)
    settings.use(ImageBuilderSettings(fail_in="TESTING"))
    image = building.finish(building.start(building.pipeline(**SCANNED)))
    assert image["scanState"] == {"status": "ABANDONED"}


def test_a_scan_takes_inspector(building: ImageBuilding) -> None:
    """Image Builder API reference, ImageScanningConfiguration: Inspector must be activated for EC2 scanning."""
    image = building.finish(building.start(building.pipeline(**SCANNED)))
    assert (image["state"]["status"], image["scanState"]["status"]) == ("AVAILABLE", "FAILED")


def test_faults_of_inspector_do_not_reach_a_scan(building: ImageBuilding) -> None:
    """Planned faults are for the calls of an account, not for those of Image Builder itself."""
    activate(building)
    settings.use(Faults((Fault("inspector2", "BatchGetAccountStatus", "ThrottlingException", times=None),)))
    image = building.finish(building.start(building.pipeline(**SCANNED)))
    assert image["scanState"] == {"status": "COMPLETED"}


def test_without_a_scan_there_is_no_state_of_one(building: ImageBuilding) -> None:
    image = building.finish(building.start(building.pipeline()))
    assert "scanState" not in image


def test_a_scan_takes_image_tests(building: ImageBuilding) -> None:
    """Image Builder API reference, ImageScanningConfiguration: image tests must be enabled."""
    code, _ = building.refused(
        "create_image_pipeline",
        name="app",
        imageRecipeArn=building.recipe(),
        infrastructureConfigurationArn=building.infrastructure(),
        imageTestsConfiguration={"imageTestsEnabled": False},
        **SCANNED,
    )
    assert code == "InvalidParameterCombinationException"


def test_findings_are_counted_by_account_pipeline_and_image(building: ImageBuilding) -> None:
    """Image Builder API reference, ListImageScanFindingAggregations."""
    activate(building)
    settings.use(ImageBuilderSettings(critical_findings=1, medium_findings=2, low_findings=4))
    pipeline = building.pipeline(**SCANNED)
    arn = building.finish(building.start(pipeline))["arn"]
    building.finish(building.start(pipeline))
    count = building.client().list_image_scan_finding_aggregations
    counts = {"all": 7, "critical": 1, "high": 0, "medium": 2}
    [aggregation] = count(filter={"name": "imageBuildVersionArn", "values": [arn]})["responses"]
    assert aggregation == {"imageAggregation": {"imageBuildVersionArn": arn, "severityCounts": counts}}
    twice = {severity: 2 * number for severity, number in counts.items()}
    [aggregation] = count(filter={"name": "imagePipelineArn", "values": [pipeline]})["responses"]
    assert aggregation == {"imagePipelineAggregation": {"imagePipelineArn": pipeline, "severityCounts": twice}}
    whole = count()
    assert whole["aggregationType"] == "accountId"
    assert whole["responses"] == [{"accountAggregation": {"accountId": ACCOUNT, "severityCounts": twice}}]

"""Storage, messages, keys, logs, alarms, rules, parameters: their services describe each as its template does.

Source: CloudFormation Template Reference, the page of each type, with "Update requires" of each property.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import StackWorld, stack_world


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


@pytest.fixture(autouse=True)
def _no_stack_is_left(world: StackWorld) -> Iterator[None]:
    yield
    world.cloudformation.delete_stack(StackName="one")


def only(kind: str, **properties: Any) -> dict[str, Any]:
    """The one resource of a stack."""
    return {"It": {"Type": f"AWS::{kind}", "Properties": properties}}


def named(name: str) -> list[dict[str, str]]:
    return [{"Key": "Name", "Value": name}]


def as_dict(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def allow(principal: Any, action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


# -- S3 ---------------------------------------------------------------------------------------------------------------


def test_a_bucket_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::S3::Bucket: all but its name is updated with no interruption."""
    s3 = world.client("s3")
    block = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    by_kms = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/aws/s3"}
    rules: list[dict[str, Any]] = [
        {
            "Id": "expire",
            "Status": "Enabled",
            "Prefix": "logs/",
            "ExpirationInDays": 30,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        },
        {"Id": "abort", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
    ]
    encryption = {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": by_kms, "BucketKeyEnabled": True}]
    }
    name = world.put(
        only(
            "S3::Bucket",
            BucketEncryption=encryption,
            VersioningConfiguration={"Status": "Enabled"},
            PublicAccessBlockConfiguration=block,
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            LifecycleConfiguration={"Rules": rules},
            Tags=named("logs"),
        )
    )["It"]
    bucket = {"Bucket": name}
    (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert (rule["ApplyServerSideEncryptionByDefault"], rule["BucketKeyEnabled"]) == (by_kms, True)
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    assert s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"] == block
    assert s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    expire, abort = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert (expire["ID"], expire["Expiration"], expire["NoncurrentVersionExpiration"], expire["Filter"]) == (
        "expire",
        {"Days": 30},
        {"NoncurrentDays": 7},
        {"Prefix": "logs/"},
    )
    assert abort["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}
    assert as_dict(s3.get_bucket_tagging(**bucket)["TagSet"]) == {"Name": "logs"}
    changed = only(
        "S3::Bucket",
        BucketEncryption={
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
        PublicAccessBlockConfiguration={**block, "BlockPublicPolicy": False},
        LifecycleConfiguration={"Rules": [{**rules[0], "ExpirationInDays": 60}]},
    )
    assert world.put(changed)["It"] == name
    (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Suspended"
    assert s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is False
    assert [item["Expiration"]["Days"] for item in s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]] == [60]
    for missing in (s3.get_bucket_ownership_controls, s3.get_bucket_tagging):
        with pytest.raises(ClientError, match=r"NotFound|NoSuch"):
            missing(**bucket)
    assert world.put(only("S3::Bucket", BucketName="another"))["It"] == "another"
    assert [item["Name"] for item in s3.list_buckets()["Buckets"]] == ["another"]
    world.remove()
    assert s3.list_buckets()["Buckets"] == []


def test_a_bucket_of_the_same_name_is_not_taken_over(world: StackWorld) -> None:
    """AWS::S3::Bucket: its handler fails for a bucket that exists, where CreateBucket in us-east-1 does not."""
    world.client("s3").create_bucket(Bucket="somebodys")
    world.create("one", json.dumps({"Resources": only("S3::Bucket", BucketName="somebodys")}))
    assert world.status("one") == "ROLLBACK_COMPLETE"
    assert any('"somebodys already exists"' in reason for reason in world.reasons("one"))
    world.client("s3").delete_bucket(Bucket="somebodys")  # it is still there


def test_a_bucket_has_the_acl_that_its_ownership_controls_allow(world: StackWorld) -> None:
    """AWS::S3::Bucket, AccessControl; S3 User Guide, "Controlling ownership of objects and disabling ACLs for your
    bucket": ACLs are disabled by default, which only the owner's own (Private) agrees with."""
    s3 = world.client("s3")
    everybody = "http://acs.amazonaws.com/groups/global/AllUsers"

    def grantees(name: str) -> list[str | None]:
        return [grant["Grantee"].get("URI") for grant in s3.get_bucket_acl(Bucket=name)["Grants"]]

    name = world.put(only("S3::Bucket", AccessControl="Private"))["It"]
    assert grantees(name) == [None]
    allowed = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    assert world.put(only("S3::Bucket", AccessControl="PublicRead", OwnershipControls=allowed))["It"] == name
    assert grantees(name) == [None, everybody]
    assert world.put(only("S3::Bucket", OwnershipControls=allowed))["It"] == name
    assert grantees(name) == [None]
    world.create("public", json.dumps({"Resources": only("S3::Bucket", AccessControl="PublicRead")}))
    assert world.status("public") == "ROLLBACK_COMPLETE"
    assert any("BucketOwnerEnforced" in reason for reason in world.reasons("public"))
    world.remove("public")


@pytest.mark.parametrize("versioning", [{}, {"VersioningConfiguration": {"Status": "Enabled"}}])
def test_a_bucket_with_objects_is_not_deleted(world: StackWorld, versioning: dict[str, Any]) -> None:
    """AWS::S3::Bucket: "You can only delete empty buckets. Deletion fails for buckets that have contents"; the versions
    of objects are contents."""
    s3 = world.client("s3")
    name = world.put(only("S3::Bucket", **versioning))["It"]
    s3.put_object(Bucket=name, Key="kept", Body=b"x")
    if versioning:
        s3.delete_object(Bucket=name, Key="kept")
    world.cloudformation.delete_stack(StackName="one")
    assert world.status("one") == "DELETE_FAILED"
    assert any("The bucket you tried to delete is not empty" in reason for reason in world.reasons("one"))
    assert [listed["Name"] for listed in s3.list_buckets()["Buckets"]] == [name]
    for kind in ("Versions", "DeleteMarkers"):
        for version in s3.list_object_versions(Bucket=name).get(kind, []):
            s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])
    world.remove()


def test_a_bucket_policy_is_updated_in_place(world: StackWorld) -> None:
    """AWS::S3::BucketPolicy: PolicyDocument is updated with no interruption."""
    s3 = world.client("s3")
    bucket = only("S3::Bucket", BucketName="with-policy")
    for action in ("s3:GetObject", "s3:PutObject"):
        document = allow({"AWS": "arn:aws:iam::123456789012:root"}, action)
        policy = {"Bucket": {"Ref": "It"}, "PolicyDocument": document}
        world.put({**bucket, "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy}})
        assert json.loads(s3.get_bucket_policy(Bucket="with-policy")["Policy"]) == document
    world.put(bucket)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="with-policy")


# -- SNS and SQS ------------------------------------------------------------------------------------------------------


def test_a_topic_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::SNS::Topic: all but its name and kind is updated with no interruption, so that subscriptions made by others
    stay. AWS::SNS::TopicPolicy."""
    sns = world.client("sns")
    publish = allow({"Service": "events.amazonaws.com"}, "sns:Publish")

    def topic(policy: dict[str, Any] | None, endpoint: str, **properties: Any) -> dict[str, Any]:
        subscription = [{"Protocol": "email", "Endpoint": endpoint}]
        resources = only("SNS::Topic", Subscription=subscription, **properties)
        if policy is not None:
            policy_properties = {"Topics": [{"Ref": "It"}], "PolicyDocument": policy}
            resources["Policy"] = {"Type": "AWS::SNS::TopicPolicy", "Properties": policy_properties}
        return resources

    ids = world.put(
        topic(
            publish,
            "one@example.com",
            DisplayName="Patches",
            KmsMasterKeyId="alias/aws/sns",
            Tags=named("patches"),
        )
    )
    arn = ids["It"]
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["DisplayName"], attributes["KmsMasterKeyId"]) == ("Patches", "alias/aws/sns")
    assert json.loads(attributes["Policy"]) == publish
    assert as_dict(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]) == {"Name": "patches"}
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="others@example.com")
    assert world.put(topic(None, "two@example.com", DisplayName="Images", Tags=named("images")))["It"] == arn
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["DisplayName"], attributes.get("KmsMasterKeyId", "")) == ("Images", "")
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "__default_statement_ID"
    assert as_dict(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]) == {"Name": "images"}
    endpoints = {
        subscription["Endpoint"] for subscription in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    }
    assert endpoints == {"two@example.com", "others@example.com"}
    world.remove()
    assert sns.list_topics()["Topics"] == []


def test_a_queue_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::SQS::Queue: all but its name and kind is updated with no interruption; what the template no longer has
    gets its default again. AWS::SQS::QueuePolicy."""
    sqs = world.client("sqs")
    send = allow({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    dead = {"Dead": {"Type": "AWS::SQS::Queue"}}
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
    policy = {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "It"}], "PolicyDocument": send}}

    def attributes(url: str) -> dict[str, str]:
        current = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return dict(current)

    ids = world.put(
        {
            **dead,
            "Policy": policy,
            **only(
                "SQS::Queue",
                MessageRetentionPeriod=1209600,
                VisibilityTimeout=90,
                DelaySeconds=5,
                ReceiveMessageWaitTimeSeconds=10,
                SqsManagedSseEnabled=True,
                RedrivePolicy=redrive,
                Tags=named("triggers"),
            ),
        }
    )
    url = ids["It"]
    current = attributes(url)
    assert {name: current[name] for name in ("MessageRetentionPeriod", "VisibilityTimeout", "DelaySeconds")} == {
        "MessageRetentionPeriod": "1209600",
        "VisibilityTimeout": "90",
        "DelaySeconds": "5",
    }
    assert (current["ReceiveMessageWaitTimeSeconds"], current["SqsManagedSseEnabled"]) == ("10", "true")
    assert json.loads(current["RedrivePolicy"])["maxReceiveCount"] == 3
    assert json.loads(current["Policy"]) == send
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"Name": "triggers"}
    changed = only("SQS::Queue", MessageRetentionPeriod=600, KmsMasterKeyId="alias/aws/sqs", SqsManagedSseEnabled=False)
    assert world.put({**dead, **changed})["It"] == url
    current = attributes(url)
    assert (current["MessageRetentionPeriod"], current["VisibilityTimeout"], current["DelaySeconds"]) == (
        "600",
        "30",
        "0",
    )
    assert (current["KmsMasterKeyId"], current["SqsManagedSseEnabled"]) == ("alias/aws/sqs", "false")
    assert not current.get("Policy")
    assert not current.get("RedrivePolicy")
    assert not sqs.list_queue_tags(QueueUrl=url).get("Tags")
    world.remove()
    assert "QueueUrls" not in sqs.list_queues()


# -- KMS --------------------------------------------------------------------------------------------------------------


def test_a_key_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::KMS::Key: description, rotation, policy and state are updated with no interruption; a deleted key is pending
    deletion. AWS::KMS::Alias: TargetKeyId is updated with no interruption."""
    kms = world.client("kms")
    root = {"AWS": "arn:aws:iam::123456789012:root"}

    def key(target: str, **properties: Any) -> dict[str, Any]:
        alias = {"AliasName": "alias/images", "TargetKeyId": {"Ref": target}}
        return {
            **only("KMS::Key", **properties),
            "Other": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": allow(root, "kms:*")}},
            "Alias": {"Type": "AWS::KMS::Alias", "Properties": alias},
        }

    ids = world.put(
        key(
            "It",
            Description="images",
            EnableKeyRotation=True,
            KeyPolicy=allow(root, "kms:*"),
            PendingWindowInDays=7,
            Tags=named("images"),
        )
    )
    identifier = ids["It"]
    metadata = kms.describe_key(KeyId="alias/images")["KeyMetadata"]
    assert (metadata["KeyId"], metadata["Description"], metadata["Enabled"]) == (identifier, "images", True)
    assert kms.get_key_rotation_status(KeyId=identifier)["KeyRotationEnabled"] is True
    assert json.loads(kms.get_key_policy(KeyId=identifier, PolicyName="default")["Policy"]) == allow(root, "kms:*")
    assert kms.list_resource_tags(KeyId=identifier)["Tags"] == [{"TagKey": "Name", "TagValue": "images"}]
    changed = key(
        "Other", Description="volumes", Enabled=False, KeyPolicy=allow(root, "kms:Get*"), PendingWindowInDays=7
    )
    assert world.put(changed) == ids
    metadata = kms.describe_key(KeyId=identifier)["KeyMetadata"]
    assert (metadata["Description"], metadata["Enabled"]) == ("volumes", False)
    assert kms.get_key_rotation_status(KeyId=identifier)["KeyRotationEnabled"] is False
    assert json.loads(kms.get_key_policy(KeyId=identifier, PolicyName="default")["Policy"]) == allow(root, "kms:Get*")
    assert kms.list_resource_tags(KeyId=identifier)["Tags"] == []
    assert kms.describe_key(KeyId="alias/images")["KeyMetadata"]["KeyId"] == ids["Other"]
    world.remove()
    states = [kms.describe_key(KeyId=ids[name])["KeyMetadata"]["KeyState"] for name in ("It", "Other")]
    assert states == ["PendingDeletion", "PendingDeletion"]
    assert "alias/images" not in [alias["AliasName"] for alias in kms.list_aliases()["Aliases"]]


# -- CloudWatch -------------------------------------------------------------------------------------------------------


def test_a_log_group_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::Logs::LogGroup: retention and tags are updated with no interruption; its Arn ends in :*."""
    logs = world.client("logs")
    key_arn = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    group = {"LogGroupName": "/images"}
    world.put(only("Logs::LogGroup", **group, RetentionInDays=30, KmsKeyId=key_arn, Tags=named("images")))
    (listed,) = logs.describe_log_groups()["logGroups"]
    assert (listed["logGroupName"], listed["retentionInDays"], listed["kmsKeyId"]) == ("/images", 30, key_arn)
    assert logs.list_tags_log_group(logGroupName="/images")["tags"] == {"Name": "images"}
    logs.create_log_stream(logGroupName="/images", logStreamName="kept")
    group["KmsKeyId"] = key_arn
    world.put(only("Logs::LogGroup", **group, RetentionInDays=90))
    (listed,) = logs.describe_log_groups()["logGroups"]
    assert (listed["retentionInDays"], listed["kmsKeyId"]) == (90, key_arn)
    assert logs.list_tags_log_group(logGroupName="/images")["tags"] == {}
    assert len(logs.describe_log_streams(logGroupName="/images")["logStreams"]) == 1
    world.put(only("Logs::LogGroup", **group))
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    shown = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["It", "Arn"]}}}
    ids = world.put({**only("Logs::LogGroup", **group), "Shown": shown})
    value = world.client("ssm").get_parameter(Name=ids["Shown"])["Parameter"]["Value"]
    assert value == "arn:aws:logs:us-east-1:123456789012:log-group:/images:*"
    world.remove()
    assert logs.describe_log_groups()["logGroups"] == []


def test_an_alarm_and_a_dashboard_are_what_the_template_says(world: StackWorld) -> None:
    """AWS::CloudWatch::Alarm, AWS::CloudWatch::Dashboard: all but the name is updated with no interruption."""
    cloudwatch = world.client("cloudwatch")
    topic = "arn:aws:sns:us-east-1:123456789012:alarms"

    def watched(threshold: int, text: str, tags: list[dict[str, str]], **properties: Any) -> dict[str, Any]:
        alarm = only(
            "CloudWatch::Alarm",
            AlarmName="failures",
            AlarmDescription=text,
            Namespace="AWS/States",
            MetricName="ExecutionsFailed",
            Dimensions=[{"Name": "StateMachineArn", "Value": "arn"}],
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=2,
            DatapointsToAlarm=1,
            Threshold=threshold,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[topic],
            Tags=tags,
            **properties,
        )
        body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": text}}]})
        dashboard = {"DashboardName": "patches", "DashboardBody": body}
        return {**alarm, "Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": dashboard}}

    for threshold, text, tag, more in ((1, "one", "a", {"OKActions": [topic]}), (5, "five", "b", {})):
        resources = watched(threshold, text, named(tag), **more)
        world.put(resources)
        (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
        expected = {key: value for key, value in resources["It"]["Properties"].items() if key != "Tags"}
        assert {key: alarm[key] for key in expected} == expected
        assert alarm["OKActions"] == more.get("OKActions", [])
        assert as_dict(cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]) == {"Name": tag}
        body = cloudwatch.get_dashboard(DashboardName="patches")["DashboardBody"]
        assert json.loads(body)["widgets"][0]["properties"]["markdown"] == text
    world.remove()
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []


# -- EventBridge ------------------------------------------------------------------------------------------------------


def test_a_rule_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::Events::Rule: all but its name and bus is updated with no interruption."""
    events = world.client("events")

    def ruled(state: str, source: str, targets: dict[str, str], tag: str) -> dict[str, Any]:
        dead = {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}
        rule_targets = [
            {"Id": identifier, "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "Input": text, "DeadLetterConfig": dead}
            for identifier, text in targets.items()
        ]
        rule = only(
            "Events::Rule",
            Description=source,
            EventPattern={"source": [source]},
            State=state,
            Targets=rule_targets,
            Tags=named(tag),
        )
        return {"Queue": {"Type": "AWS::SQS::Queue"}, **rule}

    ids: dict[str, str] = {}
    for state, source, targets, tag in (
        ("ENABLED", "aws.states", {"a": '"1"', "b": '"2"'}, "x"),
        ("DISABLED", "aws.imagebuilder", {"b": '"3"'}, "y"),
    ):
        ids = world.put(ruled(state, source, targets, tag))
        described = events.describe_rule(Name=ids["It"])
        assert (described["State"], described["Description"], json.loads(described["EventPattern"])) == (
            state,
            source,
            {"source": [source]},
        )
        listed = events.list_targets_by_rule(Rule=ids["It"])["Targets"]
        assert {target["Id"]: target["Input"] for target in listed} == targets
        assert all("DeadLetterConfig" in target for target in listed)
        assert as_dict(events.list_tags_for_resource(ResourceARN=described["Arn"])["Tags"]) == {"Name": tag}
    assert len(events.list_rules()["Rules"]) == 1
    world.remove()
    assert events.list_rules()["Rules"] == []


# -- Systems Manager --------------------------------------------------------------------------------------------------


def test_a_parameter_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::SSM::Parameter: all but its name is updated with no interruption, as a new version."""
    ssm = world.client("ssm")
    for version, value, tags in ((1, "a", {"Name": "one"}), (2, "b", {})):
        properties = {"Value": value, "Description": value, "AllowedPattern": "[a-z]", "Tier": "Standard", "Tags": tags}
        world.put(only("SSM::Parameter", Name="/golden", Type="String", **properties))
        (parameter,) = ssm.describe_parameters()["Parameters"]
        assert (parameter["Description"], parameter["AllowedPattern"], parameter["Tier"], parameter["Version"]) == (
            value,
            "[a-z]",
            "Standard",
            version,
        )
        assert ssm.get_parameter(Name="/golden")["Parameter"]["Value"] == value
        listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/golden")["TagList"]
        assert as_dict(listed) == tags
    world.remove()
    assert ssm.describe_parameters()["Parameters"] == []


# -- all of them ------------------------------------------------------------------------------------------------------


def test_the_tags_of_a_stack_are_those_of_its_resources(world: StackWorld) -> None:
    """CloudFormation User Guide, "Resource tag": the stack's tags are propagated to its resources; the resource's own
    prevail."""
    resources = {
        "Own": only("SQS::Queue", Tags=[{"Key": "owner", "Value": "queue"}])["It"],
        "Topic": only("SNS::Topic")["It"],
        "Bucket": only("S3::Bucket")["It"],
    }
    world.cloudformation.create_stack(
        StackName="one", TemplateBody=json.dumps({"Resources": resources}), Tags=[{"Key": "owner", "Value": "stack"}]
    )
    ids = world.physical_ids("one")
    assert world.client("sqs").list_queue_tags(QueueUrl=ids["Own"])["Tags"] == {"owner": "queue"}
    tags = world.client("sns").list_tags_for_resource(ResourceArn=ids["Topic"])["Tags"]
    assert as_dict(tags) == {"owner": "stack"}
    assert as_dict(world.client("s3").get_bucket_tagging(Bucket=ids["Bucket"])["TagSet"]) == {"owner": "stack"}


@pytest.mark.parametrize(
    ("kind", "properties", "named_property"),
    [
        ("S3::Bucket", {"ReplicationConfiguration": {"Role": "r", "Rules": []}}, "ReplicationConfiguration"),
        ("SNS::Topic", {"FifoTopic": True}, "FifoTopic"),
        ("IAM::Role", {"AssumeRolePolicyDocument": {}, "Colour": "red"}, "Colour"),
        ("Logs::LogGroup", {"DataProtectionPolicy": {}}, "DataProtectionPolicy"),
    ],
)
def test_a_property_that_is_not_modelled_fails_by_its_name(
    world: StackWorld, kind: str, properties: dict[str, Any], named_property: str
) -> None:
    """The embedded AWS drops nothing in silence, at creation or in an update."""
    reason = f"the embedded AWS does not model {named_property} of an AWS::{kind}"
    world.create("one", json.dumps({"Resources": only(kind, **properties)}))
    assert world.status("one") == "ROLLBACK_COMPLETE"
    assert reason in world.reasons("one")


def test_an_update_by_a_property_that_is_not_modelled_is_rolled_back(world: StackWorld) -> None:
    """As above; the resource stays as it was."""
    arn = world.put(only("SNS::Topic", DisplayName="kept"))["It"]
    body = json.dumps({"Resources": only("SNS::Topic", DisplayName="lost", DataProtectionPolicy={})})
    world.cloudformation.update_stack(StackName="one", TemplateBody=body)
    assert world.settle("one") == "UPDATE_ROLLBACK_COMPLETE"
    assert "the embedded AWS does not model DataProtectionPolicy of an AWS::SNS::Topic" in world.reasons("one")
    assert world.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "kept"

"""Resource types that moto's CloudFormation does not have, made of the calls of its services' APIs.

Source: CloudFormation Template Reference, the page of each type; the API Reference of each service.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from moto.moto_api._internal import mock_random

from local_aws.cloudformation.resources import Request, Resource


@functools.cache
def client(service: str, region: str) -> Any:
    """A client of the embedded AWS's own."""
    return boto3.client(service, region_name=region)  # type: ignore[call-overload]


Creation = Callable[[Request], tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class ApiType:
    """A type whose resources are created, updated and deleted by API calls.

    `create` gives the physical id and the attributes. With `repeatable`, to create again is to update: the API call is
    a Put or a Set. `name_property` is the property that names the resource, if any does.
    """

    create: Creation
    delete: Callable[[Request, Resource], Any]
    update: Callable[[Request, Resource], Any] | None = None
    repeatable: bool = False
    name_property: str | None = None


def _policy(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _without(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key not in names}


# -- SQS, SNS, S3 ---------------------------------------------------------------------------------------------------


def _queue_policy(request: Request) -> tuple[str, dict[str, Any]]:
    for url in request.properties["Queues"]:
        client("sqs", request.region).set_queue_attributes(
            QueueUrl=url, Attributes={"Policy": _policy(request.properties["PolicyDocument"])}
        )
    return request.name, {"Id": request.name}


def _delete_queue_policy(request: Request, _: Resource) -> None:
    for url in request.properties["Queues"]:
        client("sqs", request.region).set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _topic_policy(request: Request) -> tuple[str, dict[str, Any]]:
    for arn in request.properties["Topics"]:
        client("sns", request.region).set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=_policy(request.properties["PolicyDocument"])
        )
    return request.name, {"Id": request.name}


def _delete_topic_policy(request: Request, _: Resource) -> None:
    nothing = json.dumps({"Version": "2008-10-17", "Statement": []})
    for arn in request.properties["Topics"]:
        client("sns", request.region).set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=nothing)


def _bucket_policy(request: Request) -> tuple[str, dict[str, Any]]:
    bucket = request.properties["Bucket"]
    client("s3", request.region).put_bucket_policy(Bucket=bucket, Policy=_policy(request.properties["PolicyDocument"]))
    return bucket, {}


# -- CloudWatch, Logs -----------------------------------------------------------------------------------------------


def _alarm(request: Request) -> tuple[str, dict[str, Any]]:
    cloudwatch = client("cloudwatch", request.region)
    name = request.properties.get("AlarmName", request.name)
    cloudwatch.put_metric_alarm(AlarmName=name, **_without(request.properties, "AlarmName"))
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    return name, {"Arn": found["AlarmArn"]}


def _metric_filter(request: Request) -> tuple[str, dict[str, Any]]:
    name = request.properties.get("FilterName", request.name)
    transformations = [
        {_lower_first(key): value for key, value in item.items()}
        for item in request.properties["MetricTransformations"]
    ]
    for item in transformations:
        item["metricValue"] = str(item["metricValue"])
    client("logs", request.region).put_metric_filter(
        logGroupName=request.properties["LogGroupName"],
        filterName=name,
        filterPattern=request.properties.get("FilterPattern", ""),
        metricTransformations=transformations,
    )
    return name, {}


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


# -- Lambda ---------------------------------------------------------------------------------------------------------


def _alias(request: Request) -> tuple[str, dict[str, Any]]:
    known = ("Name", "FunctionName", "FunctionVersion", "Description", "RoutingConfig")
    made = client("lambda", request.region).create_alias(
        **{k: request.properties[k] for k in known if k in request.properties}
    )
    return made["AliasArn"], {"AliasArn": made["AliasArn"]}


def _update_alias(request: Request, _: Resource) -> None:
    known = ("Name", "FunctionName", "FunctionVersion", "Description", "RoutingConfig")
    client("lambda", request.region).update_alias(
        **{k: request.properties[k] for k in known if k in request.properties}
    )


def _delete_alias(request: Request, _: Resource) -> None:
    client("lambda", request.region).delete_alias(
        FunctionName=request.properties["FunctionName"], Name=request.properties["Name"]
    )


def _permission(request: Request) -> tuple[str, dict[str, Any]]:
    known = ("FunctionName", "Action", "Principal", "SourceArn", "SourceAccount", "PrincipalOrgID", "EventSourceToken")
    client("lambda", request.region).add_permission(
        StatementId=request.name, **{key: request.properties[key] for key in known if key in request.properties}
    )
    return request.name, {"Id": request.name}


def _delete_permission(request: Request, _: Resource) -> None:
    client("lambda", request.region).remove_permission(
        FunctionName=request.properties["FunctionName"], StatementId=request.name
    )


def _event_invoke_config(request: Request) -> tuple[str, dict[str, Any]]:
    client("lambda", request.region).put_function_event_invoke_config(**request.properties)
    return f"{request.properties['FunctionName']}|{request.properties['Qualifier']}", {}


def _delete_event_invoke_config(request: Request, _: Resource) -> None:
    client("lambda", request.region).delete_function_event_invoke_config(
        FunctionName=request.properties["FunctionName"], Qualifier=request.properties["Qualifier"]
    )


# -- Auto Scaling ---------------------------------------------------------------------------------------------------


def _scaling_policy(request: Request) -> tuple[str, dict[str, Any]]:
    properties = dict(request.properties)
    if "Cooldown" in properties:
        properties["Cooldown"] = int(properties["Cooldown"])
    autoscaling = client("autoscaling", request.region)
    autoscaling.put_scaling_policy(PolicyName=request.name, **properties)
    made = autoscaling.describe_policies(
        AutoScalingGroupName=properties["AutoScalingGroupName"], PolicyNames=[request.name]
    )["ScalingPolicies"][0]
    return made["PolicyARN"], {"Arn": made["PolicyARN"], "PolicyName": request.name}


def _delete_scaling_policy(request: Request, _: Resource) -> None:
    client("autoscaling", request.region).delete_policy(
        AutoScalingGroupName=request.properties["AutoScalingGroupName"], PolicyName=request.name
    )


def _lifecycle_hook(request: Request) -> tuple[str, dict[str, Any]]:
    name = request.properties.get("LifecycleHookName", request.name)
    client("autoscaling", request.region).put_lifecycle_hook(
        LifecycleHookName=name, **_without(request.properties, "LifecycleHookName")
    )
    return name, {}


def _delete_lifecycle_hook(request: Request, resource: Resource) -> None:
    client("autoscaling", request.region).delete_lifecycle_hook(
        AutoScalingGroupName=request.properties["AutoScalingGroupName"], LifecycleHookName=resource.physical_id
    )


def _scheduled_action(request: Request) -> tuple[str, dict[str, Any]]:
    known = ("StartTime", "EndTime", "Recurrence", "TimeZone")
    sizes = ("MinSize", "MaxSize", "DesiredCapacity")
    properties = {key: request.properties[key] for key in known if key in request.properties}
    properties.update({key: int(request.properties[key]) for key in sizes if key in request.properties})
    client("autoscaling", request.region).put_scheduled_update_group_action(
        AutoScalingGroupName=request.properties["AutoScalingGroupName"],
        ScheduledActionName=request.name,
        **properties,
    )
    return request.name, {"ScheduledActionName": request.name}


def _delete_scheduled_action(request: Request, _: Resource) -> None:
    client("autoscaling", request.region).delete_scheduled_action(
        AutoScalingGroupName=request.properties["AutoScalingGroupName"], ScheduledActionName=request.name
    )


# -- IAM, Secrets Manager, Systems Manager --------------------------------------------------------------------------


def _iam_group(request: Request) -> tuple[str, dict[str, Any]]:
    iam = client("iam", request.region)
    name = request.properties.get("GroupName", request.name)
    made = iam.create_group(GroupName=name, Path=request.properties.get("Path", "/"))
    for arn in request.properties.get("ManagedPolicyArns", []):
        iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    for policy in request.properties.get("Policies", []):
        iam.put_group_policy(
            GroupName=name, PolicyName=policy["PolicyName"], PolicyDocument=_policy(policy["PolicyDocument"])
        )
    return name, {"Arn": made["Group"]["Arn"]}


def _secret(request: Request) -> tuple[str, dict[str, Any]]:
    manager = client("secretsmanager", request.region)
    text = request.properties.get("SecretString")
    generate = request.properties.get("GenerateSecretString")
    if text is None and generate is not None:
        known = ("SecretStringTemplate", "GenerateStringKey")
        password = manager.get_random_password(**_without(generate, *known))["RandomPassword"]
        text = password
        if "GenerateStringKey" in generate:
            content = json.loads(generate.get("SecretStringTemplate", "{}"))
            text = json.dumps({**content, generate["GenerateStringKey"]: password})
    optional = {} if text is None else {"SecretString": text}
    made = manager.create_secret(Name=request.properties.get("Name", request.name), **optional)
    return made["ARN"], {"Id": made["ARN"]}


def _parameter(request: Request) -> tuple[str, dict[str, Any]]:
    _put_parameter(request, overwrite=False)
    properties = request.properties
    return request.name, {"Type": properties["Type"], "Value": properties["Value"]}


def _update_parameter(request: Request, resource: Resource) -> None:
    _put_parameter(request, overwrite=True)
    resource.attributes = {"Type": request.properties["Type"], "Value": request.properties["Value"]}


def _put_parameter(request: Request, *, overwrite: bool) -> None:
    ssm = client("ssm", request.region)
    ssm.put_parameter(Name=request.name, Overwrite=overwrite, **_without(request.properties, "Name", "Tags"))
    if tags := request.properties.get("Tags"):
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=request.name, Tags=listed)


# -- EC2 ------------------------------------------------------------------------------------------------------------


def _egress_permission(properties: Mapping[str, Any]) -> dict[str, Any]:
    permission: dict[str, Any] = {"IpProtocol": str(properties["IpProtocol"])}
    permission.update({key: int(properties[key]) for key in ("FromPort", "ToPort") if key in properties})
    if "CidrIp" in properties:
        permission["IpRanges"] = [{"CidrIp": properties["CidrIp"]}]
    if "CidrIpv6" in properties:
        permission["Ipv6Ranges"] = [{"CidrIpv6": properties["CidrIpv6"]}]
    if "DestinationSecurityGroupId" in properties:
        permission["UserIdGroupPairs"] = [{"GroupId": properties["DestinationSecurityGroupId"]}]
    return permission


def _egress(request: Request) -> tuple[str, dict[str, Any]]:
    client("ec2", request.region).authorize_security_group_egress(
        GroupId=request.properties["GroupId"], IpPermissions=[_egress_permission(request.properties)]
    )
    return request.name, {"Id": request.name}


def _delete_egress(request: Request, _: Resource) -> None:
    client("ec2", request.region).revoke_security_group_egress(
        GroupId=request.properties["GroupId"], IpPermissions=[_egress_permission(request.properties)]
    )


def _network_acl(request: Request) -> tuple[str, dict[str, Any]]:
    made = client("ec2", request.region).create_network_acl(VpcId=request.properties["VpcId"])
    identifier = made["NetworkAcl"]["NetworkAclId"]
    return identifier, {"Id": identifier}


def _network_acl_entry(request: Request) -> tuple[str, dict[str, Any]]:
    properties = request.properties
    optional: dict[str, Any] = {key: properties[key] for key in ("CidrBlock", "Ipv6CidrBlock") if key in properties}
    if "PortRange" in properties:
        optional["PortRange"] = {key: int(value) for key, value in properties["PortRange"].items()}
    client("ec2", request.region).create_network_acl_entry(
        NetworkAclId=properties["NetworkAclId"],
        RuleNumber=int(properties["RuleNumber"]),
        Protocol=str(properties["Protocol"]),
        RuleAction=properties["RuleAction"],
        Egress=bool(properties.get("Egress", False)),
        **optional,
    )
    return request.name, {"Id": request.name}


def _delete_network_acl_entry(request: Request, _: Resource) -> None:
    client("ec2", request.region).delete_network_acl_entry(
        NetworkAclId=request.properties["NetworkAclId"],
        RuleNumber=int(request.properties["RuleNumber"]),
        Egress=bool(request.properties.get("Egress", False)),
    )


def _eip(request: Request) -> tuple[str, dict[str, Any]]:
    ec2 = client("ec2", request.region)
    made = ec2.allocate_address(Domain="vpc")
    if "InstanceId" in request.properties:
        ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=request.properties["InstanceId"])
    return made["PublicIp"], {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}


def _update_eip(request: Request, resource: Resource) -> None:
    if "InstanceId" in request.properties:
        client("ec2", request.region).associate_address(
            AllocationId=resource.attributes["AllocationId"],
            InstanceId=request.properties["InstanceId"],
            AllowReassociation=True,
        )


def _eip_association(request: Request) -> tuple[str, dict[str, Any]]:
    known = ("AllocationId", "InstanceId", "NetworkInterfaceId", "PrivateIpAddress")
    made = client("ec2", request.region).associate_address(
        **{key: request.properties[key] for key in known if key in request.properties}
    )
    return made["AssociationId"], {"Id": made["AssociationId"]}


def _vpc_endpoint(request: Request) -> tuple[str, dict[str, Any]]:
    properties = {"VpcEndpointType": "Gateway", **request.properties}
    if "PolicyDocument" in properties:
        properties["PolicyDocument"] = _policy(properties["PolicyDocument"])
    made = client("ec2", request.region).create_vpc_endpoint(**properties)["VpcEndpoint"]
    return made["VpcEndpointId"], {"Id": made["VpcEndpointId"]}


def _route_table_association(request: Request) -> tuple[str, dict[str, Any]]:
    made = client("ec2", request.region).associate_route_table(**request.properties)
    return made["AssociationId"], {"Id": made["AssociationId"]}


def _key_pair(request: Request) -> tuple[str, dict[str, Any]]:
    ec2 = client("ec2", request.region)
    name = request.properties["KeyName"]
    if "PublicKeyMaterial" in request.properties:
        made = ec2.import_key_pair(KeyName=name, PublicKeyMaterial=request.properties["PublicKeyMaterial"].encode())
    else:
        made = ec2.create_key_pair(KeyName=name)
    return name, {"KeyPairId": made["KeyPairId"], "KeyFingerprint": made["KeyFingerprint"]}


# -- CloudFormation's own -------------------------------------------------------------------------------------------


def _wait_condition_handle(request: Request) -> tuple[str, dict[str, Any]]:
    url = (
        f"https://cloudformation-waitcondition-{request.region}.s3.amazonaws.com/"
        f"{request.stack_id}/{request.logical_id}"
    )
    return url, {"Id": url}


def _wait_condition(request: Request) -> tuple[str, dict[str, Any]]:
    physical_id = f"{request.stack_id}/{mock_random.uuid4()}/{request.logical_id}"
    return physical_id, {"Data": "{}", "Id": physical_id}


def _nothing(_: Request, __: Resource) -> None:
    """Nothing is kept of the resource but the stack's own record."""


API_TYPES: dict[str, ApiType] = {
    "AWS::AutoScaling::LifecycleHook": ApiType(_lifecycle_hook, _delete_lifecycle_hook, repeatable=True),
    "AWS::AutoScaling::ScalingPolicy": ApiType(_scaling_policy, _delete_scaling_policy, repeatable=True),
    # moto has a model of this one, whose name is not the stack's own.
    "AWS::AutoScaling::ScheduledAction": ApiType(_scheduled_action, _delete_scheduled_action, repeatable=True),
    "AWS::CloudFormation::WaitCondition": ApiType(_wait_condition, _nothing, update=_nothing),
    "AWS::CloudFormation::WaitConditionHandle": ApiType(_wait_condition_handle, _nothing, update=_nothing),
    "AWS::CloudWatch::Alarm": ApiType(
        _alarm,
        lambda request, resource: client("cloudwatch", request.region).delete_alarms(AlarmNames=[resource.physical_id]),
        repeatable=True,
        name_property="AlarmName",
    ),
    # moto has a model of this one, whose addresses are not of the VPC kind.
    "AWS::EC2::EIP": ApiType(
        _eip,
        lambda request, resource: client("ec2", request.region).release_address(
            AllocationId=resource.attributes["AllocationId"]
        ),
        update=_update_eip,
    ),
    "AWS::EC2::EIPAssociation": ApiType(
        _eip_association,
        lambda request, resource: client("ec2", request.region).disassociate_address(
            AssociationId=resource.physical_id
        ),
    ),
    "AWS::EC2::KeyPair": ApiType(
        _key_pair, lambda request, resource: client("ec2", request.region).delete_key_pair(KeyName=resource.physical_id)
    ),
    "AWS::EC2::NetworkAcl": ApiType(
        _network_acl,
        lambda request, resource: client("ec2", request.region).delete_network_acl(NetworkAclId=resource.physical_id),
        update=_nothing,
    ),
    "AWS::EC2::NetworkAclEntry": ApiType(_network_acl_entry, _delete_network_acl_entry),
    "AWS::EC2::SecurityGroupEgress": ApiType(_egress, _delete_egress, update=_nothing),
    # moto has a model of this one, whose associations its route tables do not know.
    "AWS::EC2::SubnetRouteTableAssociation": ApiType(
        _route_table_association,
        lambda request, resource: client("ec2", request.region).disassociate_route_table(
            AssociationId=resource.physical_id
        ),
    ),
    # moto has a model of this one, which cannot do without any of its properties.
    "AWS::EC2::VPCEndpoint": ApiType(
        _vpc_endpoint,
        lambda request, resource: client("ec2", request.region).delete_vpc_endpoints(
            VpcEndpointIds=[resource.physical_id]
        ),
    ),
    "AWS::IAM::Group": ApiType(
        _iam_group,
        lambda request, resource: client("iam", request.region).delete_group(GroupName=resource.physical_id),
        name_property="GroupName",
    ),
    "AWS::Lambda::Alias": ApiType(_alias, _delete_alias, update=_update_alias),
    "AWS::Lambda::EventInvokeConfig": ApiType(_event_invoke_config, _delete_event_invoke_config, repeatable=True),
    # moto has a model of this one, which cannot be found again to be deleted.
    "AWS::Lambda::Permission": ApiType(_permission, _delete_permission),
    "AWS::Logs::MetricFilter": ApiType(
        _metric_filter,
        lambda request, resource: client("logs", request.region).delete_metric_filter(
            logGroupName=request.properties["LogGroupName"], filterName=resource.physical_id
        ),
        repeatable=True,
        name_property="FilterName",
    ),
    "AWS::S3::BucketPolicy": ApiType(
        _bucket_policy,
        lambda request, _: client("s3", request.region).delete_bucket_policy(Bucket=request.properties["Bucket"]),
        repeatable=True,
    ),
    "AWS::SNS::TopicPolicy": ApiType(_topic_policy, _delete_topic_policy, repeatable=True),
    "AWS::SQS::QueuePolicy": ApiType(_queue_policy, _delete_queue_policy, repeatable=True),
    # moto has a model of this one, which cannot do without a name and forgets the versions.
    "AWS::SSM::Parameter": ApiType(
        _parameter,
        lambda request, resource: client("ssm", request.region).delete_parameter(Name=resource.physical_id),
        update=_update_parameter,
        name_property="Name",
    ),
    "AWS::SecretsManager::Secret": ApiType(
        _secret,
        lambda request, resource: client("secretsmanager", request.region).delete_secret(
            SecretId=resource.physical_id, ForceDeleteWithoutRecovery=True
        ),
        name_property="Name",
    ),
}

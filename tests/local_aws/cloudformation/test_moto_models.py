"""The resource types that nobody wrote here: moto's models of them, as CloudFormation's resources.

Source: CloudFormation Template Reference, AWS::DynamoDB::Table, AWS::Route53::HostedZone, AWS::Route53::RecordSet,
AWS::EC2::NetworkInterface.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import NETWORK, StackWorld, stack_world


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


def record(address: str) -> dict[str, Any]:
    zone = {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "example.com"}}
    properties = {"HostedZoneId": {"Ref": "Zone"}, "Name": "www.example.com", "Type": "A", "TTL": "60"}
    return {
        "Zone": zone,
        "Record": {"Type": "AWS::Route53::RecordSet", "Properties": {**properties, "ResourceRecords": [address]}},
    }


def addresses(world: StackWorld, zone: str) -> list[str]:
    listed = world.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [value["Value"] for entry in listed if entry["Type"] == "A" for value in entry["ResourceRecords"]]


def test_a_model_is_created_updated_and_deleted(world: StackWorld) -> None:
    ids = world.put(record("192.0.2.1"))
    assert addresses(world, ids["Zone"]) == ["192.0.2.1"]
    assert world.put(record("192.0.2.2")) == ids
    assert addresses(world, ids["Zone"]) == ["192.0.2.2"]
    world.put({"Zone": record("")["Zone"]})
    assert addresses(world, ids["Zone"]) == []


def table(**properties: Any) -> dict[str, Any]:
    keys = {
        "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
    }
    return {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", **keys, **properties},
        }
    }


def test_an_attribute_is_the_models_or_fails_by_its_name(world: StackWorld) -> None:
    """An attribute that the type does not have is another thing than one that nobody models."""
    for attribute, reason in (
        ("Arn", None),
        ("StreamArn", "the embedded AWS does not model the attribute StreamArn of an AWS::DynamoDB::Table"),
    ):
        outputs = {"It": {"Value": {"Fn::GetAtt": ["Table", attribute]}}}
        world.create("one", json.dumps({"Resources": table(), "Outputs": outputs}))
        if reason is None:
            assert world.outputs("one") == {"It": "arn:aws:dynamodb:us-east-1:123456789012:table/t"}
        else:
            assert any(reason in text for text in world.reasons("one")), world.reasons("one")
        world.remove()
    outputs = {"It": {"Value": {"Fn::GetAtt": ["Table", "Colour"]}}}
    with pytest.raises(ClientError, match="resource Table does not support attribute type Colour in Fn::GetAtt"):
        world.create("one", json.dumps({"Resources": table(), "Outputs": outputs}))


def test_an_update_that_would_lose_what_the_resource_has_become_fails(world: StackWorld) -> None:
    """moto would make another table, without the items."""
    world.put(table())
    world.client("dynamodb").put_item(TableName="t", Item={"a": {"S": "kept"}})
    body = json.dumps({"Resources": table(BillingMode="PROVISIONED")})
    world.cloudformation.update_stack(StackName="one", TemplateBody=body)
    assert world.settle("one") == "UPDATE_ROLLBACK_COMPLETE"
    assert "the embedded AWS does not model the update of an AWS::DynamoDB::Table in place" in world.reasons("one")
    assert world.client("dynamodb").scan(TableName="t")["Items"] == [{"a": {"S": "kept"}}]


def test_a_model_of_ec2_has_the_tags_of_the_stack(world: StackWorld) -> None:
    """CloudFormation User Guide, "Resource tag"."""
    world.create("network", NETWORK)
    subnet = world.outputs("network")["SubnetIds"].split(",")[0]
    resources = {"Nic": {"Type": "AWS::EC2::NetworkInterface", "Properties": {"SubnetId": subnet}}}
    identifier = world.put(resources)["Nic"]
    tags = world.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [identifier]}])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags}.items() >= {
        "aws:cloudformation:stack-name": "one",
        "aws:cloudformation:logical-id": "Nic",
    }.items()

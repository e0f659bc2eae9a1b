"""Parts of templates with resources of EC2."""

from __future__ import annotations

from typing import Any


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def named(name: str) -> list[dict[str, str]]:
    return [{"Key": "Name", "Value": name}]


def own_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    """The tags but for those of CloudFormation."""
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


VPC = resource("EC2::VPC", CidrBlock="10.0.0.0/16")
ID = {"Ref": "Vpc"}


def subnet(number: int, **properties: Any) -> dict[str, Any]:
    zone = f"us-east-1{'ab'[number]}"
    return resource("EC2::Subnet", VpcId=ID, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone, **properties)

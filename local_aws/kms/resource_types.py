"""Keys and their aliases.

Source: CloudFormation Template Reference, AWS::KMS::Key, AWS::KMS::Alias; AWS KMS API Reference.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import ResourceType, client, names, picked, policy_text, retag, tags
from local_aws.core.resources import Request, Resource


def _tag_list(new_tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in new_tags.items()]


def _create_key(request: Request) -> tuple[str, dict[str, Any]]:
    properties = request.properties
    policy = {"Policy": policy_text(properties["KeyPolicy"])} if "KeyPolicy" in properties else {}
    key = client("kms", request.region).create_key(
        Tags=_tag_list(tags(request)),
        **policy,
        **picked(properties, "Description", "KeySpec", "KeyUsage", "MultiRegion"),
    )["KeyMetadata"]
    _set_state(request, key["KeyId"], {})
    return key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]}


def _set_state(request: Request, key: str, old: dict[str, Any]) -> None:
    kms = client("kms", request.region)
    rotates = request.properties.get("EnableKeyRotation", False)
    if rotates != old.get("EnableKeyRotation", False):
        (kms.enable_key_rotation if rotates else kms.disable_key_rotation)(KeyId=key)
    enabled = request.properties.get("Enabled", True)
    if enabled != old.get("Enabled", True):
        (kms.enable_key if enabled else kms.disable_key)(KeyId=key)


def _update_key(request: Request, resource: Resource) -> None:
    kms, key = client("kms", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    if "KeyPolicy" in new:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy_text(new["KeyPolicy"]))
    kms.update_key_description(KeyId=key, Description=new.get("Description", ""))
    _set_state(request, key, old)
    retag(
        request,
        resource,
        lambda added: kms.tag_resource(KeyId=key, Tags=_tag_list(added)),
        lambda removed: kms.untag_resource(KeyId=key, TagKeys=removed),
    )


def _delete_key(request: Request, resource: Resource) -> None:
    """Schedule the deletion of the key, which exists until then."""
    client("kms", request.region).schedule_key_deletion(
        KeyId=resource.physical_id, PendingWindowInDays=request.properties.get("PendingWindowInDays", 30)
    )


def _create_alias(request: Request) -> tuple[str, dict[str, Any]]:
    name = request.properties["AliasName"]
    client("kms", request.region).create_alias(AliasName=name, TargetKeyId=request.properties["TargetKeyId"])
    return name, {"AliasName": name}


TYPES = {
    "AWS::KMS::Alias": ResourceType(
        _create_alias,
        lambda request, resource: client("kms", request.region).delete_alias(AliasName=resource.physical_id),
        names("AliasName TargetKeyId"),
        update=lambda request, resource: client("kms", request.region).update_alias(
            AliasName=resource.physical_id, TargetKeyId=request.properties["TargetKeyId"]
        ),
    ),
    # moto has a model of this one, which cannot be updated and is of one kind of key.
    "AWS::KMS::Key": ResourceType(
        _create_key,
        _delete_key,
        names("Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage MultiRegion PendingWindowInDays Tags"),
        update=_update_key,
    ),
}

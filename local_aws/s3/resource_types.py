"""Buckets and their policies.

Source: CloudFormation Template Reference, AWS::S3::Bucket, AWS::S3::BucketPolicy; Amazon S3 API Reference.
"""

from __future__ import annotations

import re
from typing import Any

from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import (
    ResourceFailed,
    ResourceType,
    client,
    names,
    picked,
    policy_text,
    tag_list,
    tags,
)
from local_aws.core.resources import Request
from local_aws.s3 import buckets

_RULE_PROPERTIES = names(
    "AbortIncompleteMultipartUpload ExpirationInDays Id NoncurrentVersionExpiration Prefix Status TagFilters "
    "Transitions"
)


def _create_bucket(request: Request) -> tuple[str, dict[str, Any]]:
    s3, name = client("s3", request.region), request.name
    if buckets.exists(request.account_id, request.region, name):
        # In us-east-1, CreateBucket answers that one's own bucket was created.
        raise ResourceFailed(
            f'Resource handler returned message: "{name} already exists" (HandlerErrorCode: AlreadyExists)'
        )
    _canned_acl(request)  # before there is a bucket that would be left over
    place: dict[str, Any] = {}
    if request.region != "us-east-1":
        place = {"CreateBucketConfiguration": {"LocationConstraint": request.region}}
    s3.create_bucket(Bucket=name, **place)
    _configure(request, {})
    return name, {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{request.region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{request.region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{request.region}.amazonaws.com",
    }


def _configure(request: Request, old: dict[str, Any]) -> None:
    """Give the bucket the settings of the request, and reset those that only `old` has."""
    s3, new = client("s3", request.region), request.properties
    bucket = {"Bucket": request.name}
    if "BucketEncryption" in new:
        rules = [
            {
                **picked(rule, "BucketKeyEnabled"),
                "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            }
            for rule in new["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        ]
        s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    elif "BucketEncryption" in old:
        s3.delete_bucket_encryption(**bucket)
    if "VersioningConfiguration" in new:
        s3.put_bucket_versioning(**bucket, VersioningConfiguration=new["VersioningConfiguration"])
    elif "VersioningConfiguration" in old:
        s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Suspended"})
    if "PublicAccessBlockConfiguration" in new:
        s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration=new["PublicAccessBlockConfiguration"])
    elif "PublicAccessBlockConfiguration" in old:
        s3.delete_public_access_block(**bucket)
    if "OwnershipControls" in new:
        s3.put_bucket_ownership_controls(**bucket, OwnershipControls=new["OwnershipControls"])
    elif "OwnershipControls" in old:
        s3.delete_bucket_ownership_controls(**bucket)
    acl = _canned_acl(request)
    if acl != "private" or "AccessControl" in old:
        s3.put_bucket_acl(**bucket, ACL=acl)
    if "LifecycleConfiguration" in new:
        rules = [_lifecycle_rule(rule) for rule in new["LifecycleConfiguration"]["Rules"]]
        s3.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration={"Rules": rules})
    elif "LifecycleConfiguration" in old:
        s3.delete_bucket_lifecycle(**bucket)
    if new_tags := tags(request):
        s3.put_bucket_tagging(**bucket, Tagging={"TagSet": tag_list(new_tags)})
    elif "Tags" in old:
        s3.delete_bucket_tagging(**bucket)


def _canned_acl(request: Request) -> str:
    """The canned ACL of the request, as the API names it.

    Raises ResourceFailed when the ownership controls do not allow it. Source: S3 User Guide, "Controlling ownership of
    objects and disabling ACLs for your bucket".
    """
    acl = request.properties.get("AccessControl", "Private")
    rules = request.properties.get("OwnershipControls", {}).get("Rules", [{"ObjectOwnership": "BucketOwnerEnforced"}])
    if acl != "Private" and rules[0]["ObjectOwnership"] == "BucketOwnerEnforced":
        raise ResourceFailed("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
    # PublicRead is public-read, and so on.
    return re.sub("(?<!^)(?=[A-Z])", "-", acl).lower()


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(rule.keys() - _RULE_PROPERTIES):
        raise NotModelled(
            f"the embedded AWS does not model {', '.join(unknown)} of a lifecycle rule of an AWS::S3::Bucket"
        )
    api_rule: dict[str, Any] = picked(rule, "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration", "Status")
    if "Id" in rule:
        api_rule["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        api_rule["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "Transitions" in rule:
        api_rule["Transitions"] = [
            {"StorageClass": transition["StorageClass"], "Days": transition["TransitionInDays"]}
            for transition in rule["Transitions"]
        ]
    if "TagFilters" in rule:
        api_rule["Filter"] = {"And": {"Prefix": rule.get("Prefix", ""), "Tags": rule["TagFilters"]}}
    else:
        api_rule["Filter"] = {"Prefix": rule.get("Prefix", "")}
    return api_rule


def _bucket_policy(request: Request) -> tuple[str, dict[str, Any]]:
    bucket = request.properties["Bucket"]
    client("s3", request.region).put_bucket_policy(
        Bucket=bucket, Policy=policy_text(request.properties["PolicyDocument"])
    )
    return bucket, {}


TYPES = {
    # moto has a model of this one, with encryption and tags alone.
    "AWS::S3::Bucket": ResourceType(
        _create_bucket,
        lambda request, resource: client("s3", request.region).delete_bucket(Bucket=resource.physical_id),
        names(
            "AccessControl BucketEncryption BucketName LifecycleConfiguration OwnershipControls "
            "PublicAccessBlockConfiguration Tags VersioningConfiguration"
        ),
        update=lambda request, resource: _configure(request, {**resource.request.properties}),
        name_property="BucketName",
    ),
    "AWS::S3::BucketPolicy": ResourceType(
        _bucket_policy,
        lambda request, _: client("s3", request.region).delete_bucket_policy(Bucket=request.properties["Bucket"]),
        names("Bucket PolicyDocument"),
        repeatable=True,
    ),
}

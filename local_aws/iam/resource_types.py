"""Roles, instance profiles, managed and inline policies, and groups.

Source: CloudFormation Template Reference, AWS::IAM::Role, AWS::IAM::InstanceProfile, AWS::IAM::ManagedPolicy,
AWS::IAM::Policy, AWS::IAM::Group; IAM API Reference.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import (
    ResourceType,
    client,
    names,
    picked,
    policy_text,
    retag,
    tag_list,
    tags,
)
from local_aws.core.resources import Request, Resource

_VERSIONS_AT_MOST = 5
"""IAM and AWS STS quotas: versions of a managed policy that can be stored."""

# -- roles ------------------------------------------------------------------------------------------------------------


def _create_role(request: Request) -> tuple[str, dict[str, Any]]:
    iam, properties = client("iam", request.region), request.properties
    created_role = iam.create_role(
        RoleName=request.name,
        AssumeRolePolicyDocument=policy_text(properties["AssumeRolePolicyDocument"]),
        Tags=tag_list(tags(request)),
        **picked(properties, "Description", "MaxSessionDuration", "Path", "PermissionsBoundary"),
    )["Role"]
    _grant(request, {})
    return request.name, {"Arn": created_role["Arn"], "RoleId": created_role["RoleId"]}


def _update_role(request: Request, resource: Resource) -> None:
    iam, name = client("iam", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy_text(new["AssumeRolePolicyDocument"]))
    iam.update_role(
        RoleName=name,
        Description=new.get("Description", ""),
        MaxSessionDuration=new.get("MaxSessionDuration", 3600),
    )
    if "PermissionsBoundary" in new:
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=new["PermissionsBoundary"])
    elif "PermissionsBoundary" in old:
        iam.delete_role_permissions_boundary(RoleName=name)
    _grant(request, old)
    retag(
        request,
        resource,
        lambda added: iam.tag_role(RoleName=name, Tags=tag_list(added)),
        lambda removed: iam.untag_role(RoleName=name, TagKeys=removed),
    )


def _grant(request: Request, old: dict[str, Any]) -> None:
    """Give the role the policies of the request, and remove those that only `old` has."""
    iam, role = client("iam", request.region), {"RoleName": request.name}
    inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in request.properties.get("Policies", [])}
    for policy in old.get("Policies", []):
        if policy["PolicyName"] not in inline:
            iam.delete_role_policy(**role, PolicyName=policy["PolicyName"])
    for name, document in inline.items():
        iam.put_role_policy(**role, PolicyName=name, PolicyDocument=policy_text(document))
    managed = request.properties.get("ManagedPolicyArns", [])
    for arn in old.get("ManagedPolicyArns", []):
        if arn not in managed:
            iam.detach_role_policy(**role, PolicyArn=arn)
    for arn in managed:
        iam.attach_role_policy(**role, PolicyArn=arn)


def _delete_role(request: Request, resource: Resource) -> None:
    iam, name = client("iam", request.region), resource.physical_id
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


# -- instance profiles ------------------------------------------------------------------------------------------------


def _create_instance_profile(request: Request) -> tuple[str, dict[str, Any]]:
    iam = client("iam", request.region)
    created = iam.create_instance_profile(InstanceProfileName=request.name, **picked(request.properties, "Path"))
    for role in request.properties["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=request.name, RoleName=role)
    return request.name, {"Arn": created["InstanceProfile"]["Arn"]}


def _update_instance_profile(request: Request, resource: Resource) -> None:
    iam, profile = client("iam", request.region), {"InstanceProfileName": resource.physical_id}
    old, new = resource.request.properties["Roles"], request.properties["Roles"]
    for role in old:
        if role not in new:
            iam.remove_role_from_instance_profile(**profile, RoleName=role)
    for role in new:
        if role not in old:
            iam.add_role_to_instance_profile(**profile, RoleName=role)


def _delete_instance_profile(request: Request, resource: Resource) -> None:
    iam, profile = client("iam", request.region), {"InstanceProfileName": resource.physical_id}
    for role in iam.get_instance_profile(**profile)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(**profile, RoleName=role["RoleName"])
    iam.delete_instance_profile(**profile)


# -- managed policies -------------------------------------------------------------------------------------------------


def _create_managed_policy(request: Request) -> tuple[str, dict[str, Any]]:
    policy = client("iam", request.region).create_policy(
        PolicyName=request.name,
        PolicyDocument=policy_text(request.properties["PolicyDocument"]),
        **picked(request.properties, "Description", "Path"),
    )["Policy"]
    _attach(request, policy["Arn"], {})
    return policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]}


def _update_managed_policy(request: Request, resource: Resource) -> None:
    iam, arn = client("iam", request.region), resource.physical_id
    document = request.properties["PolicyDocument"]
    if document != resource.request.properties["PolicyDocument"]:
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) == _VERSIONS_AT_MOST:
            replaceable = [version for version in versions if not version["IsDefaultVersion"]]
            oldest = min(replaceable, key=lambda version: version["CreateDate"])
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy_text(document), SetAsDefault=True)
    _attach(request, arn, resource.request.properties)


def _attach(request: Request, arn: str, old: dict[str, Any]) -> None:
    """Attach the policy to the holders that the request names, and detach it from those that only `old` names."""
    iam = client("iam", request.region)
    for kind in ("Role", "User", "Group"):
        holders, previous_holders = request.properties.get(f"{kind}s", []), old.get(f"{kind}s", [])
        for name in previous_holders:
            if name not in holders:
                getattr(iam, f"detach_{kind.lower()}_policy")(**{f"{kind}Name": name, "PolicyArn": arn})
        for name in holders:
            getattr(iam, f"attach_{kind.lower()}_policy")(**{f"{kind}Name": name, "PolicyArn": arn})


def _delete_managed_policy(request: Request, resource: Resource) -> None:
    iam, arn = client("iam", request.region), resource.physical_id
    holders = iam.list_entities_for_policy(PolicyArn=arn)
    for kind in ("Role", "User", "Group"):
        for holder in holders[f"Policy{kind}s"]:
            name = {f"{kind}Name": holder[f"{kind}Name"]}
            getattr(iam, f"detach_{kind.lower()}_policy")(**name, PolicyArn=arn)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


# -- inline policies --------------------------------------------------------------------------------------------------


def _put_policy(request: Request) -> tuple[str, dict[str, Any]]:
    iam = client("iam", request.region)
    document = policy_text(request.properties["PolicyDocument"])
    for kind, holder in _holders(request):
        getattr(iam, f"put_{kind.lower()}_policy")(
            **{f"{kind}Name": holder}, PolicyName=request.properties["PolicyName"], PolicyDocument=document
        )
    return request.name, {"Id": request.name}


def _holders(request: Request) -> list[tuple[str, str]]:
    """Whose policy it is: the kind, and the name."""
    return [(kind, name) for kind in ("User", "Role", "Group") for name in request.properties.get(f"{kind}s", [])]


def _update_policy(request: Request, resource: Resource) -> None:
    _delete_policy(resource.request, resource)
    _put_policy(request)


def _delete_policy(request: Request, _: Resource) -> None:
    iam = client("iam", request.region)
    for kind, holder in _holders(request):
        getattr(iam, f"delete_{kind.lower()}_policy")(
            **{f"{kind}Name": holder}, PolicyName=request.properties["PolicyName"]
        )


# -- groups -----------------------------------------------------------------------------------------------------------


def _create_group(request: Request) -> tuple[str, dict[str, Any]]:
    iam, name = client("iam", request.region), request.name
    created = iam.create_group(GroupName=name, Path=request.properties.get("Path", "/"))
    for arn in request.properties.get("ManagedPolicyArns", []):
        iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    for policy in request.properties.get("Policies", []):
        iam.put_group_policy(
            GroupName=name, PolicyName=policy["PolicyName"], PolicyDocument=policy_text(policy["PolicyDocument"])
        )
    return name, {"Arn": created["Group"]["Arn"]}


def _delete_group(request: Request, resource: Resource) -> None:
    iam, name = client("iam", request.region), resource.physical_id
    for policy in iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"]:
        iam.detach_group_policy(GroupName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_group_policies(GroupName=name)["PolicyNames"]:
        iam.delete_group_policy(GroupName=name, PolicyName=inline)
    iam.delete_group(GroupName=name)


TYPES = {
    "AWS::IAM::Group": ResourceType(
        _create_group,
        _delete_group,
        names("GroupName ManagedPolicyArns Path Policies"),
        name_property="GroupName",
    ),
    # moto has a model of this one, which it cannot update.
    "AWS::IAM::InstanceProfile": ResourceType(
        _create_instance_profile,
        _delete_instance_profile,
        names("InstanceProfileName Path Roles"),
        update=_update_instance_profile,
        name_property="InstanceProfileName",
    ),
    # moto has a model of this one, which it cannot update.
    "AWS::IAM::ManagedPolicy": ResourceType(
        _create_managed_policy,
        _delete_managed_policy,
        names("Description Groups ManagedPolicyName Path PolicyDocument Roles Users"),
        update=_update_managed_policy,
        name_property="ManagedPolicyName",
    ),
    "AWS::IAM::Policy": ResourceType(
        _put_policy,
        _delete_policy,
        names("Groups PolicyDocument PolicyName Roles Users"),
        update=_update_policy,
    ),
    # moto has a model of this one, which does not attach managed policies and updates the description only.
    "AWS::IAM::Role": ResourceType(
        _create_role,
        _delete_role,
        names(
            "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path PermissionsBoundary "
            "Policies RoleName Tags"
        ),
        update=_update_role,
        name_property="RoleName",
    ),
}

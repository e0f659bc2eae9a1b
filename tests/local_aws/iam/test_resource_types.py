"""IAM's resource types: IAM returns of each what the template specifies, after creation and after an update.

Source: CloudFormation Template Reference, AWS::IAM::Role, AWS::IAM::InstanceProfile, AWS::IAM::ManagedPolicy,
AWS::IAM::Group, with "Update requires" of each property.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import StackWorld


def trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(*actions: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def role(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust("ec2.amazonaws.com"), **properties},
    }


CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
BUILDER = "arn:aws:iam::aws:policy/EC2InstanceProfileForImageBuilder"


def grants(iam: Any, name: str) -> tuple[dict[str, Any], set[str]]:
    """The inline policies and the attached ones of a role."""
    inline = {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return inline, {policy["PolicyArn"] for policy in attached}


def test_a_role_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::IAM::Role: every property but Path and RoleName is updated with no interruption."""
    iam = world.client("iam")
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(allow("s3:*")))
    boundary_arn = boundary["Policy"]["Arn"]
    ids = world.put(
        {
            "Role": role(
                Path="/builders/",
                Description="Builds",
                MaxSessionDuration=7200,
                PermissionsBoundary=boundary_arn,
                ManagedPolicyArns=[CORE, BUILDER],
                Policies=[
                    {"PolicyName": "read", "PolicyDocument": allow("s3:GetObject")},
                    {"PolicyName": "write", "PolicyDocument": allow("s3:PutObject")},
                ],
                Tags=[{"Key": "team", "Value": "images"}, {"Key": "cost", "Value": "1"}],
            )
        }
    )
    name = ids["Role"]
    created = iam.get_role(RoleName=name)["Role"]
    assert (created["Path"], created["Description"], created["MaxSessionDuration"]) == ("/builders/", "Builds", 7200)
    assert created["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary_arn
    assert created["AssumeRolePolicyDocument"] == trust("ec2.amazonaws.com")
    assert {tag["Key"]: tag["Value"] for tag in created["Tags"]} == {"team": "images", "cost": "1"}
    assert grants(iam, name) == ({"read": allow("s3:GetObject"), "write": allow("s3:PutObject")}, {CORE, BUILDER})
    changed = role(
        Path="/builders/",
        ManagedPolicyArns=[CORE],
        AssumeRolePolicyDocument=trust("lambda.amazonaws.com"),
        Policies=[{"PolicyName": "write", "PolicyDocument": allow("s3:PutObject", "s3:DeleteObject")}],
        Tags=[{"Key": "team", "Value": "platform"}],
    )
    assert world.put({"Role": changed}) == ids
    updated = iam.get_role(RoleName=name)["Role"]
    assert (updated.get("Description", ""), updated["MaxSessionDuration"]) == ("", 3600)
    assert "PermissionsBoundary" not in updated
    assert updated["AssumeRolePolicyDocument"] == trust("lambda.amazonaws.com")
    assert updated["Tags"] == [{"Key": "team", "Value": "platform"}]
    assert grants(iam, name) == ({"write": allow("s3:PutObject", "s3:DeleteObject")}, {CORE})
    assert world.put({"Role": role(Path="/others/")})["Role"] != name
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=name)
    world.remove()
    assert iam.list_roles()["Roles"] == []


def test_a_role_with_a_policy_that_does_not_exist_fails(world: StackWorld) -> None:
    """IAM API Reference, AttachRolePolicy: NoSuchEntity; the stack fails with the service's own message."""
    missing = "arn:aws:iam::aws:policy/NoSuchPolicy"
    with pytest.raises(AssertionError, match="NoSuchPolicy"):
        world.put({"Role": role(ManagedPolicyArns=[missing])})
    assert world.status("one") == "ROLLBACK_COMPLETE"
    world.remove()


def test_an_instance_profile_takes_another_role(world: StackWorld) -> None:
    """AWS::IAM::InstanceProfile: Roles is updated with no interruption."""
    iam = world.client("iam")

    def profile(name: str) -> dict[str, Any]:
        properties = {"Path": "/builders/", "Roles": [{"Ref": name}]}
        return {
            "One": role(),
            "Two": role(),
            "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": properties},
        }

    ids = world.put(profile("One"))
    described = iam.get_instance_profile(InstanceProfileName=ids["Profile"])["InstanceProfile"]
    assert (described["Path"], [member["RoleName"] for member in described["Roles"]]) == ("/builders/", [ids["One"]])
    assert world.put(profile("Two")) == ids
    described = iam.get_instance_profile(InstanceProfileName=ids["Profile"])["InstanceProfile"]
    assert [member["RoleName"] for member in described["Roles"]] == [ids["Two"]]
    world.remove()
    assert iam.list_instance_profiles()["InstanceProfiles"] == []


def test_a_managed_policy_gets_a_new_version(world: StackWorld) -> None:
    """AWS::IAM::ManagedPolicy: PolicyDocument and whom it is attached to are updated with no interruption. IAM keeps
    five versions at most (IAM User Guide, "IAM and AWS STS quotas")."""
    iam = world.client("iam")

    def policy(action: str, holder: str) -> dict[str, Any]:
        properties = {"Path": "/p/", "Description": "d", "PolicyDocument": allow(action), "Roles": [{"Ref": holder}]}
        return {
            "One": role(),
            "Two": role(),
            "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties},
        }

    ids = world.put(policy("s3:Get0", "One"))
    arn = ids["Policy"]
    described = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (described["Path"], described["Description"], described["AttachmentCount"]) == ("/p/", "d", 1)
    for number in range(1, 7):
        assert world.put(policy(f"s3:Get{number}", "Two")) == ids
    current = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=current)["PolicyVersion"]["Document"]
    assert document == allow("s3:Get6")
    assert len(iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 5
    assert grants(iam, ids["One"]) == ({}, set())
    assert grants(iam, ids["Two"]) == ({}, {arn})
    world.remove()
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_policy(PolicyArn=arn)


def test_a_group_has_its_policies(world: StackWorld) -> None:
    """AWS::IAM::Group: ManagedPolicyArns, Path, Policies."""
    iam = world.client("iam")
    properties = {
        "Path": "/people/",
        "ManagedPolicyArns": [CORE],
        "Policies": [{"PolicyName": "read", "PolicyDocument": allow("s3:GetObject")}],
    }
    name = world.put({"Group": {"Type": "AWS::IAM::Group", "Properties": properties}})["Group"]
    assert iam.get_group(GroupName=name)["Group"]["Path"] == "/people/"
    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"][0]["PolicyArn"] == CORE
    assert iam.get_group_policy(GroupName=name, PolicyName="read")["PolicyDocument"] == allow("s3:GetObject")
    world.remove()
    assert iam.list_groups()["Groups"] == []


def test_a_policy_that_names_no_version_is_taken(world: StackWorld) -> None:
    """IAM User Guide, "IAM JSON policy elements: Version": 2008-10-17 is one, and that of a policy without it."""
    statement = allow("s3:GetObject")["Statement"]
    old = {"Version": "2008-10-17", "Statement": statement}
    for document in ({"Statement": statement}, old):
        ids = world.put({"Role": role(Policies=[{"PolicyName": "read", "PolicyDocument": document}])})
        assert grants(world.client("iam"), ids["Role"]) == ({"read": document}, set())
    with pytest.raises(AssertionError, match="MalformedPolicyDocument"):
        world.put({"Role": role(Policies=[{"PolicyName": "read", "PolicyDocument": {**old, "Version": "2020-01-01"}}])})
    world.remove()


def test_a_managed_policy_names_the_latest_version(world: StackWorld) -> None:
    """CreatePolicy's own answer, as moto's tests have it: an older version is for inline and resource policies."""
    statement = allow("s3:GetObject")["Statement"]
    message = "Policy document must be version 2012-10-17 or greater."
    for document in ({"Statement": statement}, {"Version": "2008-10-17", "Statement": statement}):
        with pytest.raises(ClientError, match=message) as refused:
            world.client("iam").create_policy(PolicyName="old", PolicyDocument=json.dumps(document))
        assert refused.value.response["Error"]["Code"] == "MalformedPolicyDocument"


def test_an_inline_policy_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::IAM::Policy: its name, its document and whose it is are updated with no interruption."""
    iam = world.client("iam")
    roles = {name: role(RoleName=name.lower()) for name in ("First", "Second")}

    def policy(name: str, action: str, *holders: str) -> dict[str, Any]:
        properties = {
            "PolicyName": name,
            "PolicyDocument": allow(action),
            "Roles": [{"Ref": holder} for holder in holders],
        }
        return {**roles, "Policy": {"Type": "AWS::IAM::Policy", "Properties": properties}}

    ids = world.put(policy("read", "s3:GetObject", "First"))
    assert (grants(iam, "first")[0], grants(iam, "second")[0]) == ({"read": allow("s3:GetObject")}, {})
    assert world.put(policy("write", "s3:PutObject", "First", "Second")) == ids
    expected = {"write": allow("s3:PutObject")}
    assert (grants(iam, "first")[0], grants(iam, "second")[0]) == (expected, expected)
    assert world.put(policy("write", "s3:PutObject", "Second")) == ids
    assert (grants(iam, "first")[0], grants(iam, "second")[0]) == ({}, expected)
    world.put(roles)
    assert (grants(iam, "first")[0], grants(iam, "second")[0]) == ({}, {})
    world.remove()

"""The Rules section of a template, by what is created and what is refused.

Sources: CloudFormation User Guide, "CloudFormation template Rules syntax"; Template Reference, "Rule functions". That
AWS "doesn't create or update the stack" is documented; its error for a failed assertion is not: the code and the
words before the AssertDescription are the embedded AWS's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import NETWORK, StackWorld, given, stack_world


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        created.create("network", NETWORK)
        created.create("elsewhere", NETWORK.replace("${AWS::StackName}-", "elsewhere-"), VpcCidr="10.9.0.0/16")
        yield created


@pytest.fixture(autouse=True)
def _no_stack_is_left(world: StackWorld) -> Iterator[None]:
    yield
    world.cloudformation.delete_stack(StackName="ruled")


def ruled(assertion: Any, condition: Any = None, **parameters: Any) -> str:
    """A template with one rule, over parameters of the declarations."""
    rule: dict[str, Any] = {"Assertions": [{"Assert": assertion, "AssertDescription": "say it better"}]}
    if condition is not None:
        rule["RuleCondition"] = condition
    document = {
        "Parameters": parameters,
        "Rules": {"Sensible": rule},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    return json.dumps(document)


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def is_accepted(world: StackWorld, assertion: Any, declarations: dict[str, Any], **values: str) -> bool:
    """Whether a stack is created under the assertion; when not, nothing is made of it."""
    arguments = {"StackName": "ruled", "TemplateBody": ruled(assertion, **declarations), "Parameters": given(**values)}
    try:
        world.cloudformation.create_stack(**arguments)
    except ClientError as error:
        assert error.response["Error"] == {
            **error.response["Error"],
            "Code": "ValidationError",
            "Message": "Template error: Rule Sensible failed: say it better",
        }
        assert world.client("sns").list_topics()["Topics"] == []
        return False
    assert world.status("ruled") == "CREATE_COMPLETE", world.reasons("ruled")
    world.cloudformation.delete_stack(StackName="ruled")
    return True


TEXT = {"It": {"Type": "String"}}
LIST = {"It": {"Type": "CommaDelimitedList"}}
IS_A = {"Fn::Equals": [{"Ref": "It"}, "a"]}
IS_B = {"Fn::Equals": [{"Ref": "It"}, "b"]}


@pytest.mark.parametrize(
    ("assertion", "declarations", "accepted", "refused"),
    [
        (IS_A, TEXT, "a", "b"),
        ({"Fn::Not": [IS_A]}, TEXT, "b", "a"),
        ({"Fn::Or": [IS_A, IS_B]}, TEXT, "b", "c"),
        ({"Fn::And": [{"Fn::Not": [IS_A]}, {"Fn::Not": [IS_B]}]}, TEXT, "c", "b"),
        ({"Fn::Contains": [["a", "b"], {"Ref": "It"}]}, TEXT, "b", "c"),
        ({"Fn::Contains": [[1, 2], {"Ref": "It"}]}, {"It": {"Type": "Number"}}, "2", "3"),
        ({"Fn::Contains": [{"Ref": "It"}, "a"]}, LIST, "b, a", "b,c"),
        ({"Fn::Not": [{"Fn::Contains": [{"Ref": "It"}, ""]}]}, LIST, "a", ""),
        ({"Fn::EachMemberEquals": [{"Ref": "It"}, "a"]}, LIST, "a,a", "a,b"),
        ({"Fn::EachMemberIn": [{"Ref": "It"}, ["a", "b"]]}, LIST, "b,a,b", "a,c"),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "It"}]}, TEXT, "us-east-1", "eu-west-1"),
    ],
)
def test_an_assertion_decides(
    world: StackWorld, assertion: Any, declarations: dict[str, Any], accepted: str, refused: str
) -> None:
    """Rule functions: what each of them is true of; Ref and the others may be nested in them."""
    assert is_accepted(world, assertion, declarations, It=accepted)
    assert not is_accepted(world, assertion, declarations, It=refused)


def test_the_attributes_of_what_a_parameter_names_are_read_from_the_account(world: StackWorld) -> None:
    """Rule functions, Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll; Supported attributes."""
    here, there = world.outputs("network"), world.outputs("elsewhere")
    vpc, (one, two) = here["VpcId"], here["SubnetIds"].split(",")
    foreign = there["SubnetIds"].split(",")[0]
    subnets = {"Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"}, "Vpc": {"Type": "AWS::EC2::VPC::Id"}}
    for attribute in ({"Fn::ValueOf": ["Subnets", "VpcId"]}, {"Fn::ValueOfAll": ["AWS::EC2::Subnet::Id", "VpcId"]}):
        inside = {"Fn::EachMemberEquals": [attribute, {"Ref": "Vpc"}]}
        assert is_accepted(world, inside, subnets, Subnets=f"{one},{two}", Vpc=vpc)
        assert not is_accepted(world, inside, subnets, Subnets=f"{one},{foreign}", Vpc=vpc)
    zones = {"Fn::EachMemberIn": [{"Fn::ValueOf": ["Subnets", "AvailabilityZone"]}, ["us-east-1a"]]}
    assert is_accepted(world, zones, {"Subnets": subnets["Subnets"]}, Subnets=one)
    assert not is_accepted(world, zones, {"Subnets": subnets["Subnets"]}, Subnets=two)
    known = {"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::VPC::Id"}, {"Ref": "It"}]}
    assert is_accepted(world, known, TEXT, It=vpc)
    assert not is_accepted(world, known, TEXT, It="vpc-00000000")


def test_the_defaults_and_tags_of_a_vpc_can_be_held_against_a_value(world: StackWorld) -> None:
    """Rule functions, Supported attributes: DefaultNetworkAcl, DefaultSecurityGroup and Tags of a VPC."""
    vpc = world.outputs("network")["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    (acl,) = world.ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    (group,) = world.ec2.describe_security_groups(Filters=[*filters, {"Name": "group-name", "Values": ["default"]}])[
        "SecurityGroups"
    ]
    declarations = {"Vpc": {"Type": "AWS::EC2::VPC::Id"}, **TEXT}
    for attribute, value in (
        ("DefaultNetworkAcl", acl["NetworkAclId"]),
        ("DefaultSecurityGroup", group["GroupId"]),
        ("Tags.Name", "network"),
        ("Tags.Nobody", ""),
    ):
        assertion = {"Fn::Equals": [{"Fn::ValueOf": ["Vpc", attribute]}, {"Ref": "It"}]}
        assert is_accepted(world, assertion, declarations, Vpc=vpc, It=value)
        assert not is_accepted(world, assertion, declarations, Vpc=vpc, It="other")


def test_an_attribute_of_what_does_not_exist_is_refused(world: StackWorld) -> None:
    """Rule functions, Fn::ValueOf: there is no value to return. The words are those of a parameter that names
    nothing."""
    assertion = {"Fn::Equals": [{"Fn::ValueOf": ["It", "VpcId"]}, "vpc-1"]}
    body = ruled(assertion, It={"Type": "AWS::EC2::Subnet::Id"})
    error = refusal(
        world.cloudformation.create_stack, StackName="ruled", TemplateBody=body, Parameters=given(It="subnet-1")
    )
    assert error == (
        "ValidationError",
        "Parameter validation failed: parameter value subnet-1 for parameter name It does not exist",
    )


def test_a_rule_holds_for_creation_update_and_change_set_when_its_condition_does(world: StackWorld) -> None:
    """CloudFormation template Rules syntax: RuleCondition decides whether the assertions are checked, before
    CloudFormation creates or updates any resource."""
    condition = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    body = ruled(
        {"Fn::Equals": [{"Ref": "Size"}, "large"]}, condition, Stage={"Type": "String"}, Size={"Type": "String"}
    )
    small = {"StackName": "ruled", "Parameters": given(Stage="prod", Size="small")}
    expected = ("ValidationError", "Template error: Rule Sensible failed: say it better")
    assert refusal(world.cloudformation.create_stack, TemplateBody=body, **small) == expected
    new = {"TemplateBody": body, "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    assert refusal(world.cloudformation.create_change_set, **new, **small) == expected
    names = [stack["StackName"] for stack in world.cloudformation.describe_stacks()["Stacks"]]
    assert sorted(names) == ["elsewhere", "network"]
    world.create("ruled", body, Stage="test", Size="small")
    assert refusal(world.cloudformation.update_stack, UsePreviousTemplate=True, **small) == expected
    again = {"UsePreviousTemplate": True, "ChangeSetName": "second"}
    assert refusal(world.cloudformation.create_change_set, **again, **small) == expected
    assert world.status("ruled") == "CREATE_COMPLETE"
    assert world.parameters("ruled") == {"Stage": "test", "Size": "small"}
    assert world.cloudformation.list_change_sets(StackName="ruled")["Summaries"] == []


def test_a_rule_reads_the_value_of_a_systems_manager_parameter(world: StackWorld) -> None:
    """Rule functions, Ref, as the CDK's own rule CheckBootstrapVersion uses it."""
    world.client("ssm").put_parameter(Name="/version", Value="5", Type="String")
    declarations = {"It": {"Type": "AWS::SSM::Parameter::Value<String>"}}
    for old, expected in (("4", True), ("5", False)):
        assertion = {"Fn::Not": [{"Fn::Contains": [[old], {"Ref": "It"}]}]}
        assert is_accepted(world, assertion, declarations, It="/version") is expected


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        (
            {"Fn::Equals": [{"Fn::If": ["X", "a", "b"]}, {"Fn::Sub": "x"}]},
            "Following functions are not supported in the Rules block of the template: [Fn::If, Fn::Sub]",
        ),
        (
            {"Condition": "X"},
            "Following functions are not supported in the Rules block of the template: [Condition]",
        ),
        ({"Ref": "It"}, "Rule Sensible is malformed: expected a function that is true or false, found {'Ref': 'It'}."),
        ({"Fn::And": [IS_A]}, f"Rule Sensible is malformed: Fn::And takes a list of 2 to 10, found {[IS_A]}."),
        ({"Fn::Not": IS_A}, f"Rule Sensible is malformed: Fn::Not takes a list of 1, found {IS_A}."),
        ({"Fn::Equals": [{"Ref": "Topic"}, "a"]}, "Unresolved dependencies [Topic] in the Rules block of the template"),
        (
            {"Fn::Equals": [{"Fn::ValueOf": ["It", "VpcId"]}, "a"]},
            "Rule Sensible is malformed: Fn::ValueOf reads attributes of AWS::EC2::Subnet::Id, AWS::EC2::VPC::Id, "
            "AWS::EC2::SecurityGroup::Id, found 'String'.",
        ),
        (
            {"Fn::Contains": [{"Fn::ValueOfAll": ["AWS::EC2::VPC::Id", "CidrBlock"]}, "a"]},
            "Rule Sensible is malformed: Fn::ValueOfAll of AWS::EC2::VPC::Id reads DefaultNetworkAcl, "
            "DefaultSecurityGroup, Tags.key, found 'CidrBlock'.",
        ),
        (
            {"Fn::Contains": [{"Fn::RefAll": "String"}, "a"]},
            "Rule Sensible is malformed: Fn::RefAll takes an AWS-specific parameter type, found 'String'.",
        ),
        (
            {"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::Vpc::Id"}, "a"]},
            "Rule Sensible is malformed: Fn::RefAll takes an AWS-specific parameter type, found 'AWS::EC2::Vpc::Id'.",
        ),
    ],
)
def test_what_a_rule_may_not_say_is_named(world: StackWorld, assertion: Any, message: str) -> None:
    """Rule functions, Supported functions. The words of the first are AWS's, as quoted in issue 921 of
    aws-cloudformation/cloudformation-coverage-roadmap (Fn::If) and meant in its issue 1183 (Condition); those of the
    others are the embedded AWS's own."""
    expected = ("ValidationError", f"Template format error: {message}")
    body = ruled(assertion, **TEXT)
    assert refusal(world.cloudformation.validate_template, TemplateBody=body) == expected
    arguments = {"StackName": "ruled", "TemplateBody": body, "Parameters": given(It="a")}
    assert refusal(world.cloudformation.create_stack, **arguments) == expected


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"RuleCondition": IS_A}, "it must have a list of Assertions"),
        ({"Assertions": [{"AssertDescription": "x"}]}, "each of its Assertions must have an Assert"),
        (
            {"Assertions": [{"Assert": IS_A}], "Condition": "X"},
            "expected only Assertions, RuleCondition, found Condition",
        ),
    ],
)
def test_a_rule_without_its_parts_is_refused(world: StackWorld, rule: Any, what: str) -> None:
    """CloudFormation template Rules syntax, Rules fields; the words are the embedded AWS's own."""
    document = {**json.loads(ruled(IS_A, **TEXT)), "Rules": {"Sensible": rule}}
    expected = ("ValidationError", f"Template format error: Rule Sensible is malformed: {what}.")
    assert refusal(world.cloudformation.validate_template, TemplateBody=json.dumps(document)) == expected


def test_the_short_forms_of_yaml_are_understood(world: StackWorld) -> None:
    """CloudFormation template Rules syntax, YAML, with the tags that the examples of the Rules section use."""
    body = """
Parameters:
  It: {Type: String}
Rules:
  Sensible:
    RuleCondition: !Not [!Equals [!Ref It, ""]]
    Assertions:
      - Assert: !And [!Contains [[a, b], !Ref It], !EachMemberIn [[!Ref It], [a, c]]]
        AssertDescription: It must be a
Resources:
  Topic: {Type: AWS::SNS::Topic}
"""
    world.create("ruled", body, It="a")
    assert world.status("ruled") == "CREATE_COMPLETE"
    error = refusal(
        world.cloudformation.update_stack, StackName="ruled", UsePreviousTemplate=True, Parameters=given(It="b")
    )
    assert error == ("ValidationError", "Template error: Rule Sensible failed: It must be a")

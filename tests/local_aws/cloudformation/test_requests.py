"""What CloudFormation takes, refuses and answers, held against AWS's documents.

The documents are chapters of the CloudFormation User Guide unless another is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.core import settings
from local_aws.core.settings import InvalidSettings
from tests.local_aws.stack_world import APPLICATION, NETWORK, StackWorld, given, stack_world


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


TOPIC = {"Topic": {"Type": "AWS::SNS::Topic"}}


def template(**sections: Any) -> str:
    return json.dumps({"Resources": TOPIC, **sections})


def parameter(**declaration: Any) -> str:
    """A template whose one parameter is the value of an SSM parameter."""
    resources = {"Kept": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "It"}}}}
    return template(Parameters={"It": declaration}, Resources=resources)


def kept_value(world: StackWorld, stack: str = "one") -> str:
    """What the stack of `parameter` made of its parameter."""
    name = world.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="Kept")
    answer = world.client("ssm").get_parameter(Name=name["StackResourceDetail"]["PhysicalResourceId"])
    return str(answer["Parameter"]["Value"])


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    """The code and the message of the error that the call ends in."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


# -- templates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "Template format error: JSON not well-formed. (line 1, column 2)"),
        ("a: [", "Template format error: YAML not well-formed. (line 1, column 5)"),
        (json.dumps({"Resources": {}}), "Template format error: At least one Resources member must be defined."),
        (template(Extra={}), "Invalid template property or properties [Extra]"),
        (
            template(Outputs={"X": {"Value": {"Ref": "Nobody"}}}),
            "Template format error: Unresolved resource dependencies [Nobody] in the Outputs block of the template",
        ),
        (
            template(
                Resources={
                    "A": {"Type": "AWS::SNS::Topic", "DependsOn": "B"},
                    "B": {"Type": "AWS::SNS::Topic", "DependsOn": "A"},
                }
            ),
            "Circular dependency between resources: [A, B]",
        ),
        (
            template(Parameters={"P": {"Type": "Text"}}),
            "Template format error: Unrecognized parameter type: Text",
        ),
        (
            template(Parameters={"P": {"Type": "List<AWS::EC2::KeyPair::KeyName>"}}),
            "Template format error: Unrecognized parameter type: List<AWS::EC2::KeyPair::KeyName>",
        ),
        (
            template(Parameters={"P": {"Type": "String", "Allowed": []}}),
            "Invalid template parameter property 'Allowed'",
        ),
    ],
)
def test_a_malformed_template_is_refused_with_cloudformations_words(world: StackWorld, body: str, message: str) -> None:
    """Troubleshooting CloudFormation, "Template format error"; nothing is created."""
    assert refusal(world.cloudformation.create_stack, StackName="one", TemplateBody=body) == (
        "ValidationError",
        message,
    )
    assert world.cloudformation.list_stacks()["StackSummaries"] == []


@pytest.mark.parametrize(
    ("section", "one"),
    [
        ("Resources", {"Type": "AWS::SNS::Topic"}),
        ("Parameters", {"Type": "String", "Default": "x"}),
        ("Outputs", {"Value": "x"}),
        ("Mappings", {"a": {"b": "c"}}),
    ],
)
def test_a_template_with_too_many_of_something_is_refused(world: StackWorld, section: str, one: Any) -> None:
    """Understand CloudFormation quotas: 500 resources, 200 parameters, outputs and mappings; the text is that of
    errors seen in the wild."""
    most = 500 if section == "Resources" else 200
    body = template(**{section: {f"It{number}": one for number in range(most + 1)}})
    assert refusal(world.cloudformation.create_stack, StackName="one", TemplateBody=body)[1] == (
        f"Template format error: Number of {section.lower()}, {most + 1}, is greater than maximum allowed, {most}"
    )
    world.cloudformation.validate_template(
        TemplateBody=template(**{section: {f"It{number}": one for number in range(most)}})
    )


def test_a_template_in_a_bucket_has_a_limit_too(world: StackWorld) -> None:
    """Understand CloudFormation quotas: 1 MB in an S3 object; the text is that of errors seen in the wild."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="large", Body=template(Metadata={"It": "x" * 1_000_000}))
    url = "https://templates.s3.amazonaws.com/large"
    assert refusal(world.cloudformation.create_stack, StackName="one", TemplateURL=url) == (
        "ValidationError",
        "Template may not exceed 1000000 bytes in size.",
    )


@pytest.mark.parametrize(
    ("name", "constraint"),
    [
        ("a_b", "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"),
        ("1st", "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"),
        ("a" * 129, "have length less than or equal to 128"),
    ],
)
def test_stacks_and_change_sets_have_names_of_a_kind(world: StackWorld, name: str, constraint: str) -> None:
    """API Reference, CreateStack, StackName; CreateChangeSet, ChangeSetName: the pattern and the length."""
    world.create("one", template())
    create, change = world.cloudformation.create_stack, world.cloudformation.create_change_set
    for member, code_and_text in (
        ("stackName", refusal(create, StackName=name, TemplateBody=template())),
        (
            "stackName",
            refusal(change, StackName=name, ChangeSetName="x", ChangeSetType="CREATE", TemplateBody=template()),
        ),
        ("changeSetName", refusal(change, StackName="one", ChangeSetName=name, TemplateBody=template())),
    ):
        text = f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must "
        assert code_and_text == ("ValidationError", f"{text}{constraint}")


def test_tags_and_values_have_limits(world: StackWorld) -> None:
    """API Reference, CreateStack, Tags: 50; Understand CloudFormation quotas: 4,096 bytes of a parameter's value."""
    body, create = parameter(Type="String"), world.cloudformation.create_stack
    tags = [{"Key": str(number), "Value": "x"} for number in range(51)]
    text = refusal(create, StackName="one", TemplateBody=body, Parameters=given(It="x"), Tags=tags)[1]
    assert "at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50" in text
    text = refusal(create, StackName="one", TemplateBody=body, Parameters=given(It="ä" * 2049))[1]
    assert text.endswith(
        "at 'parameters.1.member.parameterValue' failed to satisfy constraint: Member must have length less than or "
        "equal to 4096"
    )
    create(StackName="one", TemplateBody=body, Parameters=given(It="ä" * 2048), Tags=tags[:50])
    assert world.status("one") == "CREATE_COMPLETE"


def test_every_resource_type_that_nobody_models_is_named_and_nothing_is_created(world: StackWorld) -> None:
    """API Reference, CreateStack: an unrecognized resource type is a ValidationError before anything is made."""
    resources = {**TOPIC, "Cluster": {"Type": "AWS::EKS::Cluster"}, "Typo": {"Type": "AWS::EC2::Instanse"}}
    code, message = refusal(
        world.cloudformation.create_stack, StackName="one", TemplateBody=template(Resources=resources)
    )
    assert code == "ValidationError"
    assert message.startswith(
        "Template format error: Unrecognized resource types: [AWS::EKS::Cluster, AWS::EC2::Instanse]"
    )
    assert "the embedded AWS does not model them" in message
    assert "AWS does not have AWS::EC2::Instanse either" in message
    assert world.client("sns").list_topics()["Topics"] == []


def test_a_failed_creation_is_rolled_back(world: StackWorld) -> None:
    """Stack failure options: by default what was created is deleted, and the stack stays as ROLLBACK_COMPLETE."""
    resources = {
        **TOPIC,
        "Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "DependsOn": "Topic",
            "Properties": {"Queues": ["https://queue.amazonaws.com/123456789012/none"], "PolicyDocument": {}},
        },
    }
    world.create("one", template(Resources=resources))
    assert world.status("one") == "ROLLBACK_COMPLETE"
    assert world.client("sns").list_topics()["Topics"] == []
    assert ("Policy", "CREATE_FAILED") in world.trail("one")
    assert "The following resource(s) failed to create: [Policy]. Rollback requested by user." in world.reasons("one")
    code, message = refusal(world.cloudformation.update_stack, StackName="one", UsePreviousTemplate=True)
    assert (code, message.split(" is in ")[1]) == ("ValidationError", "ROLLBACK_COMPLETE state and can not be updated.")


# -- parameters -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declaration", "value", "message"),
    [
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "Parameter 'It' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "A", "Parameter 'It' must match pattern [a-z]+"),
        ({"Type": "String", "MinLength": 3}, "ab", "Parameter 'It' must contain at least 3 characters"),
        ({"Type": "String", "MaxLength": "3"}, "abcd", "Parameter 'It' must contain at most 3 characters"),
        ({"Type": "Number", "MinValue": 2}, "1", "Parameter 'It' must be a number not less than 2"),
        ({"Type": "Number", "MaxValue": 2}, "3", "Parameter 'It' must be a number not greater than 2"),
        ({"Type": "Number"}, "x", "Parameter 'It' must be a number."),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "lower case"},
            "A",
            "Parameter It failed to satisfy constraint: lower case",
        ),
        (
            {"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+"},
            "a, B",
            "Parameter 'It' must match pattern [a-z]+",
        ),
        (
            {"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"], "ConstraintDescription": "a or b"},
            "a,c",
            "Parameter It failed to satisfy constraint: a or b",
        ),
        (
            {"Type": "List<Number>", "MinValue": 2, "MaxValue": 4},
            "2,5",
            "Parameter 'It' must be a number not greater than 4",
        ),
        ({"Type": "List<Number>"}, "1,x", "Parameter 'It' must be a number."),
        (
            {"Type": "List<AWS::EC2::Subnet::Id>", "AllowedPattern": "subnet-[0-9a-f]+"},
            "subnet-1,vpc-1",
            "Parameter 'It' must match pattern subnet-[0-9a-f]+",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>"},
            "/none",
            "Unable to fetch parameters [/none] from parameter store for this account.",
        ),
        ({"Type": "String"}, None, "Parameters: [It] must have values"),
    ],
)
def test_a_parameters_value_is_held_against_its_constraints(
    world: StackWorld, declaration: dict[str, Any], value: str | None, message: str
) -> None:
    """CloudFormation template Parameters syntax: the constraints, on creation and update alike."""
    arguments = {"StackName": "one", "TemplateBody": parameter(**declaration)}
    given_value = {"Parameters": given(It=value)} if value is not None else {}
    assert refusal(world.cloudformation.create_stack, **arguments, **given_value) == ("ValidationError", message)
    world.create("one", template())
    assert refusal(world.cloudformation.update_stack, **arguments, **given_value) == ("ValidationError", message)


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("AWS::EC2::AvailabilityZone::Name", "us-east-1z"),
        ("AWS::EC2::Instance::Id", "i-00000000"),
        ("AWS::EC2::KeyPair::KeyName", "nobodys"),
        ("AWS::EC2::SecurityGroup::GroupName", "nobodys"),
        ("AWS::EC2::SecurityGroup::Id", "sg-00000000"),
        ("AWS::EC2::Subnet::Id", "subnet-00000000"),
        ("AWS::EC2::VPC::Id", "vpc-00000000"),
        ("AWS::EC2::Volume::Id", "vol-00000000"),
        ("AWS::Route53::HostedZone::Id", "Z000"),
        ("AWS::SSM::Parameter::Name", "/none"),
        ("AWS::EC2::Image::Id", "not-an-ami"),
    ],
)
def test_a_parameter_of_an_aws_specific_type_names_what_exists(world: StackWorld, kind: str, missing: str) -> None:
    """Supply existing resources at runtime: the value must exist in the account and Region. The text is that of failed
    stacks seen in the wild."""
    ec2 = world.ec2
    (instance,) = ec2.run_instances(ImageId=world.old_ami, MinCount=1, MaxCount=1)["Instances"]
    ec2.create_key_pair(KeyName="ours")
    world.client("ssm").put_parameter(Name="/ours", Value="x", Type="String")
    zone = world.client("route53").create_hosted_zone(Name="example.com", CallerReference="x")["HostedZone"]["Id"]
    existing = {
        "AWS::EC2::AvailabilityZone::Name": "us-east-1b",
        "AWS::EC2::Image::Id": world.old_ami,
        "AWS::EC2::Instance::Id": instance["InstanceId"],
        "AWS::EC2::KeyPair::KeyName": "ours",
        "AWS::EC2::SecurityGroup::GroupName": "default",
        "AWS::EC2::SecurityGroup::Id": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
        "AWS::EC2::Subnet::Id": instance["SubnetId"],
        "AWS::EC2::VPC::Id": instance["VpcId"],
        "AWS::EC2::Volume::Id": ec2.describe_volumes()["Volumes"][0]["VolumeId"],
        "AWS::Route53::HostedZone::Id": zone.removeprefix("/hostedzone/"),
        "AWS::SSM::Parameter::Name": "/ours",
    }[kind]
    reason = f"Parameter validation failed: parameter value {missing} for parameter name It does not exist"
    listable = kind not in ("AWS::EC2::KeyPair::KeyName", "AWS::SSM::Parameter::Name")
    for form, good, bad in (
        (kind, existing, missing),
        *([(f"List<{kind}>", f"{existing},{existing}", f"{existing}, {missing}")] if listable else []),
    ):
        joined = {"Fn::Join": ["|", {"Ref": "It"}]} if form.startswith("List<") else {"Ref": "It"}
        body = json.loads(parameter(Type=form))
        body["Resources"]["Kept"]["Properties"]["Value"] = joined
        world.create("one", json.dumps(body), It=good)
        assert kept_value(world) == good.replace(",", "|")
        world.remove("one")
        world.create("one", json.dumps(body), It=bad)
        assert world.status("one") == "ROLLBACK_COMPLETE"
        assert f"{reason}. Rollback requested by user." in world.reasons("one")
        world.remove("one")


def test_parameters_that_the_template_does_not_have_are_refused(world: StackWorld) -> None:
    """API Reference, UpdateStack; the text is that of ValidationErrors seen in the wild."""
    message = "Parameters: [Other, More] do not exist in the template"
    arguments = {"StackName": "one", "TemplateBody": template(), "Parameters": given(Other="1", More="2")}
    assert refusal(world.cloudformation.create_stack, **arguments) == ("ValidationError", message)


def test_a_parameter_left_out_of_an_update_falls_back_to_the_templates_default(world: StackWorld) -> None:
    """API Reference, Parameter: without a value CloudFormation uses the template's default, not the previous value."""
    world.create("one", parameter(Type="String", Default="default"), It="given")
    assert kept_value(world) == "given"
    world.cloudformation.update_stack(StackName="one", UsePreviousTemplate=True)
    assert world.settle("one") == "UPDATE_COMPLETE"
    assert kept_value(world) == "default"


def test_a_previous_value_is_kept_whether_it_was_given_or_the_default(world: StackWorld) -> None:
    """API Reference, Parameter, UsePreviousValue: the value that the stack is using."""
    changed = json.loads(parameter(Type="String", Default="other default"))
    changed["Resources"].update(TOPIC)
    previous = [{"ParameterKey": "It", "UsePreviousValue": True}]
    for name, values in (("given", {"It": "given"}), ("default", {})):
        world.create(name, parameter(Type="String", Default="default"), **values)
        world.cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(changed), Parameters=previous)
        assert world.settle(name) == "UPDATE_COMPLETE"
        assert kept_value(world, name) == name
        assert world.parameters(name) == {"It": name}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"ParameterKey": "It", "UsePreviousValue": True, "ParameterValue": "x"},
            "Invalid input for parameter key It. Cannot specify usePreviousValue as true and non empty value for a "
            "parameter",
        ),
        (
            {"ParameterKey": "It", "UsePreviousValue": True},
            "Invalid input for parameter key It. Cannot specify usePreviousValue as true for a parameter key not in "
            "the previous template",
        ),
    ],
)
def test_a_previous_value_must_be_there_and_be_all(world: StackWorld, item: dict[str, Any], message: str) -> None:
    """API Reference, Parameter, UsePreviousValue; texts seen in the wild."""
    world.create("one", template())
    arguments = {"StackName": "one", "TemplateBody": parameter(Type="String"), "Parameters": [item]}
    assert refusal(world.cloudformation.update_stack, **arguments) == ("ValidationError", message)


def test_a_noecho_parameter_is_masked_kept_and_used(world: StackWorld) -> None:
    """CloudFormation template Parameters syntax, NoEcho: the value is shown as asterisks, never given back."""
    world.create("one", parameter(Type="String", NoEcho=True), It="secret")
    assert world.parameters("one") == {"It": "****"}
    changed = json.loads(parameter(Type="String", NoEcho="true"))
    changed["Resources"].update(TOPIC)
    world.cloudformation.update_stack(
        StackName="one",
        TemplateBody=json.dumps(changed),
        Parameters=[{"ParameterKey": "It", "UsePreviousValue": True}],
    )
    assert world.settle("one") == "UPDATE_COMPLETE"
    assert kept_value(world) == "secret"
    answers = [world.cloudformation.describe_stacks(), world.cloudformation.get_template_summary(StackName="one")]
    assert "secret" not in json.dumps(answers, default=str)


def test_an_ssm_parameter_is_read_anew_at_each_update(world: StackWorld) -> None:
    """Specify existing resources at runtime with Systems Manager parameter types: the name is kept, the value is
    the latest at the time of the update, and DescribeStacks shows both."""
    ssm = world.client("ssm")
    ssm.put_parameter(Name="/golden/ami", Value=world.old_ami, Type="String")
    body = parameter(Type="AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>")
    world.create("one", body, It="/golden/ami")
    assert kept_value(world) == world.old_ami
    previous = {"Parameters": [{"ParameterKey": "It", "UsePreviousValue": True}], "UsePreviousTemplate": True}
    assert (
        refusal(world.cloudformation.update_stack, StackName="one", **previous)[1] == "No updates are to be performed."
    )
    ssm.put_parameter(Name="/golden/ami", Value=world.new_ami, Type="String", Overwrite=True)
    world.cloudformation.update_stack(StackName="one", **previous)
    assert world.settle("one") == "UPDATE_COMPLETE"
    assert kept_value(world) == world.new_ami
    assert world.stack("one")["Parameters"] == [
        {"ParameterKey": "It", "ParameterValue": "/golden/ami", "ResolvedValue": world.new_ami}
    ]


# -- updates ----------------------------------------------------------------------------------------------------


def test_an_update_that_changes_nothing_is_refused(world: StackWorld) -> None:
    """Update CloudFormation stacks: there must be a change of the template or of the parameters' values."""
    world.create("one", parameter(Type="String"), It="same")
    arguments = {"StackName": "one", "UsePreviousTemplate": True, "Parameters": given(It="same")}
    assert refusal(world.cloudformation.update_stack, **arguments) == (
        "ValidationError",
        "No updates are to be performed.",
    )
    assert world.status("one") == "CREATE_COMPLETE"
    reformatted = json.dumps(json.loads(parameter(Type="String")), indent=3)
    arguments = {"StackName": "one", "TemplateBody": reformatted, "Parameters": given(It="same")}
    assert refusal(world.cloudformation.update_stack, **arguments)[1] == "No updates are to be performed."


def test_an_unknown_stack_is_a_validation_error(world: StackWorld) -> None:
    """API Reference, UpdateStack and DescribeStacks: no error of their own, a ValidationError with a text."""
    assert refusal(world.cloudformation.update_stack, StackName="nobody", TemplateBody=template()) == (
        "ValidationError",
        "Stack [nobody] does not exist",
    )
    assert refusal(world.cloudformation.describe_stacks, StackName="nobody") == (
        "ValidationError",
        "Stack with id nobody does not exist",
    )


def test_a_repeated_request_with_its_token_is_the_same_operation(world: StackWorld) -> None:
    """API Reference, UpdateStack, ClientRequestToken: so that a retry is not another update."""
    world.create_application()
    world.patch(token="patch-1")
    events = len(world.events())
    world.patch(token="patch-1")
    assert len(world.events()) == events
    assert world.settle() == "UPDATE_COMPLETE"
    world.patch(token="patch-1")
    assert world.status() == "UPDATE_COMPLETE"


def test_a_token_of_another_operation_is_refused(world: StackWorld) -> None:
    """API Reference, UpdateStack: TokenAlreadyExistsException, a client request token already exists."""
    world.create_application()
    world.patch(token="patch-1")
    world.settle()
    arguments = {"StackName": "app", "TemplateBody": template(), "ClientRequestToken": "patch-1"}
    assert refusal(world.cloudformation.update_stack, **arguments) == (
        "TokenAlreadyExistsException",
        "A client request token already exists.",
    )


def test_what_an_update_does_not_mention_stays(world: StackWorld) -> None:
    """API Reference, UpdateStack: Tags, NotificationARNs and RollbackConfiguration are kept when not given."""
    topic = world.client("sns").create_topic(Name="events")["TopicArn"]
    world.cloudformation.create_stack(
        StackName="one",
        TemplateBody=parameter(Type="String"),
        Parameters=given(It="1"),
        Tags=[{"Key": "owner", "Value": "us"}],
        NotificationARNs=[topic],
        RollbackConfiguration={"MonitoringTimeInMinutes": 1},
    )
    world.clock.sleep(60)
    world.cloudformation.update_stack(StackName="one", UsePreviousTemplate=True, Parameters=given(It="2"))
    assert world.settle("one") == "UPDATE_COMPLETE"
    stack = world.stack("one")
    assert stack["Tags"] == [{"Key": "owner", "Value": "us"}]
    assert stack["NotificationARNs"] == [topic]
    assert stack["RollbackConfiguration"]["MonitoringTimeInMinutes"] == 1
    assert stack["LastUpdatedTime"] > stack["CreationTime"]


@pytest.mark.parametrize(
    ("properties", "capability"), [({}, "CAPABILITY_IAM"), ({"RoleName": "named"}, "CAPABILITY_NAMED_IAM")]
)
def test_iam_resources_must_be_acknowledged(world: StackWorld, properties: dict[str, Any], capability: str) -> None:
    """Acknowledging IAM resources in CloudFormation templates: custom names need CAPABILITY_NAMED_IAM."""
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    body = template(Resources={"Role": {"Type": "AWS::IAM::Role", "Properties": {**trust, **properties}}})
    arguments = {"StackName": "one", "TemplateBody": body}
    expected = ("InsufficientCapabilitiesException", f"Requires capabilities : [{capability}]")
    assert refusal(world.cloudformation.create_stack, **arguments) == expected
    if capability == "CAPABILITY_NAMED_IAM":
        weaker = {**arguments, "Capabilities": ["CAPABILITY_IAM"]}
        assert refusal(world.cloudformation.create_stack, **weaker) == expected
    assert world.create("one", body)["StackStatus"] == "CREATE_COMPLETE"
    summary = world.cloudformation.get_template_summary(StackName="one")
    assert summary["Capabilities"] == [capability]


@pytest.mark.parametrize(
    ("role", "service"), [("none", None), ("others", "ec2.amazonaws.com"), ("ours", "cloudformation.amazonaws.com")]
)
def test_a_service_role_has_to_exist_and_to_trust_cloudformation(
    world: StackWorld, role: str, service: str | None
) -> None:
    """On record: test_update_with_role_without_permissions. CloudFormation service role: CloudFormation assumes it, and
    uses it for all later operations on the stack; one that was deleted since makes them fail."""
    arn = f"arn:aws:iam::123456789012:role/{role}"
    if service is not None:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        world.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    world.create("one", parameter(Type="String"), It="1")
    request = {"StackName": "one", "UsePreviousTemplate": True, "Parameters": given(It="2"), "RoleARN": arn}
    calls: list[tuple[Any, dict[str, Any]]] = [
        (world.cloudformation.create_stack, {"StackName": "two", "TemplateBody": template(), "RoleARN": arn}),
        (world.cloudformation.create_change_set, {**request, "ChangeSetName": "set"}),
        (world.cloudformation.update_stack, request),
    ]
    refused = ("ValidationError", f"Role {arn} is invalid or cannot be assumed")
    if role != "ours":
        assert [refusal(call, **arguments) for call, arguments in calls] == [refused] * 3
        return
    for call, arguments in calls:
        call(**arguments)
    world.client("iam").delete_role(RoleName=role)
    assert refusal(world.cloudformation.delete_stack, StackName="two") == refused
    assert world.status("two") == "CREATE_COMPLETE"


def test_a_template_in_the_request_has_at_most_51200_bytes(world: StackWorld) -> None:
    """On record (TestMacros::test_to_validate_template_limit_for_macro), with the template after "Value"; API
    Reference, TemplateBody of each of these; User Guide, "Understand CloudFormation quotas"."""
    body = template(Description="too long").replace("too", "zu groß,").ljust(51200)
    assert (len(body), len(body.encode())) == (51200, 51201)
    stacks = world.cloudformation
    request: dict[str, Any] = {"StackName": "one", "TemplateBody": body}
    refused = (
        "ValidationError",
        f"1 validation error detected: Value '{body}' at 'templateBody' failed to satisfy constraint: Member must have "
        "length less than or equal to 51200",
    )
    stacks.create_stack(StackName="one", TemplateBody=template(Description="long enough").ljust(51200))
    assert refusal(stacks.update_stack, **request) == refused
    assert refusal(stacks.create_stack, **{**request, "StackName": "two"}) == refused
    assert refusal(stacks.create_change_set, **request, ChangeSetName="set") == refused
    assert refusal(stacks.validate_template, TemplateBody=body) == refused
    assert refusal(stacks.get_template_summary, TemplateBody=body) == refused


def test_the_events_are_published_to_the_stacks_notification_topics(world: StackWorld) -> None:
    """API Reference, CreateStack, NotificationARNs: the topics to which stack events are published."""
    topic = world.client("sns").create_topic(Name="events")["TopicArn"]
    queue = world.client("sqs").create_queue(QueueName="events")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:events"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    world.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    world.cloudformation.create_stack(StackName="one", TemplateBody=template(), NotificationARNs=[topic])
    world.clock.sleep(60)
    texts = []
    while messages := world.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            body = json.loads(message["Body"])
            assert body["Subject"] == "AWS CloudFormation Notification"
            texts.append(body["Message"])
            world.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert len(texts) == len(world.trail("one"))
    assert any("LogicalResourceId='Topic'\n" in text and "ResourceStatus='CREATE_COMPLETE'\n" in text for text in texts)


# -- exports, deletion ------------------------------------------------------------------------------------------


def test_an_export_in_use_keeps_its_stack(world: StackWorld) -> None:
    """Get exported outputs from a deployed CloudFormation stack: an exporting stack cannot be deleted while another
    imports from it."""
    world.create("network", NETWORK)
    importer = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String"}}
    importer["Properties"] = {"Type": "String", "Value": {"Fn::ImportValue": {"Fn::Sub": "${Network}-VpcId"}}}
    body = template(Parameters={"Network": {"Type": "String"}}, Resources={"Kept": importer})
    world.create("user", body, Network="network")
    assert kept_value(world, "user") == world.outputs("network")["VpcId"]
    assert world.cloudformation.list_imports(ExportName="network-VpcId")["Imports"] == ["user"]
    assert refusal(world.cloudformation.delete_stack, StackName="network") == (
        "ValidationError",
        "Export network-VpcId cannot be deleted as it is in use by user",
    )
    world.cloudformation.delete_stack(StackName="user")
    world.cloudformation.delete_stack(StackName="network")
    assert world.cloudformation.list_exports()["Exports"] == []
    assert refusal(
        world.cloudformation.create_stack, StackName="user", TemplateBody=body, Parameters=given(Network="network")
    ) == ("ValidationError", "No export named network-VpcId found.")


def test_an_export_in_use_keeps_its_value(world: StackWorld) -> None:
    """Get exported outputs from a deployed CloudFormation stack: an export cannot be modified or removed while another
    stack imports it; names of exports are unique in a Region. The texts are those of failed stacks seen in the wild."""

    def exporting(value: str, name: str = "shared") -> str:
        return template(
            Outputs={"Shared": {"Value": value, "Export": {"Name": name}}, "Other": {"Value": value}},
        )

    world.create("owner", exporting("one"))
    importer = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::ImportValue": "shared"}}}
    world.create("user", template(Resources={"Kept": importer}))
    for body, verb in ((exporting("two"), "updated"), (exporting("one", name="renamed"), "deleted")):
        world.cloudformation.update_stack(StackName="owner", TemplateBody=body)
        assert world.settle("owner") == "UPDATE_ROLLBACK_COMPLETE"
        assert f"Export shared cannot be {verb} as it is in use by user" in world.reasons("owner")
        assert world.cloudformation.list_exports()["Exports"][0]["Value"] == "one"
    assert kept_value(world, "user") == "one"
    world.create("rival", exporting("three"))
    assert world.status("rival") == "ROLLBACK_COMPLETE"
    assert any(
        "Export with name shared is already exported by stack owner" in reason for reason in world.reasons("rival")
    )
    world.cloudformation.delete_stack(StackName="user")
    world.cloudformation.update_stack(StackName="owner", TemplateBody=exporting("two"))
    assert world.settle("owner") == "UPDATE_COMPLETE"
    assert world.cloudformation.list_exports()["Exports"][0]["Value"] == "two"


def test_a_deleted_stack_is_found_by_its_id_only(world: StackWorld) -> None:
    """API Reference, DescribeStacks: deleted stacks are described by their unique id."""
    world.create_application()
    identifier = world.stack("app")["StackId"]
    world.cloudformation.delete_stack(StackName="app")
    assert world.running() == {}
    assert world.groups() == []
    assert world.status(identifier) == "DELETE_COMPLETE"
    assert refusal(world.cloudformation.describe_stacks, StackName="app")[0] == "ValidationError"
    world.cloudformation.delete_stack(StackName="app")
    world.cloudformation.delete_stack(StackName="network")
    assert {item["StackStatus"] for item in world.cloudformation.list_stacks()["StackSummaries"]} == {"DELETE_COMPLETE"}
    assert world.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"] == []


def test_a_retained_resource_outlives_its_stack(world: StackWorld) -> None:
    """DeletionPolicy attribute, Retain."""
    world.create("one", template(Resources={"Topic": {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Retain"}}))
    identifier = world.stack("one")["StackId"]
    world.cloudformation.delete_stack(StackName="one")
    assert len(world.client("sns").list_topics()["Topics"]) == 1
    assert ("Topic", "DELETE_SKIPPED") in world.trail(identifier)


def test_creation_takes_time_when_the_settings_say_so(world: StackWorld) -> None:
    """CreationPolicy attribute: a stack is CREATE_IN_PROGRESS until its instances have signalled."""
    settings.use(CloudFormationSettings(instant_create_and_delete=False))
    world.cloudformation.create_stack(StackName="network", TemplateBody=NETWORK)
    assert world.status("network") == "CREATE_IN_PROGRESS"
    assert world.settle("network") == "CREATE_COMPLETE"
    began = world.clock.time()
    values = given(AmazonMachineImage=world.old_ami, **world.outputs("network"))
    world.cloudformation.create_stack(StackName="app", TemplateBody=APPLICATION, Parameters=values)
    assert world.settle() == "CREATE_COMPLETE"
    assert world.clock.time() - began >= 200
    settings.use(AutoScalingSettings(stacks={"*": {"signals": "none"}}))
    world.cloudformation.create_stack(StackName="late", TemplateBody=APPLICATION, Parameters=values)
    assert world.settle("late") == "ROLLBACK_COMPLETE"
    assert len(world.running()) == 2


def test_a_wait_condition_that_hears_nothing_fails_the_creation(world: StackWorld) -> None:
    """Template Reference, AWS::CloudFormation::WaitCondition: Count signals within Timeout seconds."""
    settings.use(
        CloudFormationSettings(instant_create_and_delete=False),
        AutoScalingSettings(stacks={"one": {"signals": "none"}}),
    )
    handle = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    properties = {"Handle": {"Ref": "Handle"}, "Timeout": "600", "Count": 2}
    wait = {"Wait": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": properties}}
    world.cloudformation.create_stack(StackName="one", TemplateBody=template(Resources={**handle, **wait}))
    assert world.settle("one") == "ROLLBACK_COMPLETE"
    assert "WaitCondition timed out. Received 0 conditions when expecting 2" in world.reasons("one")


@pytest.mark.parametrize("by", ["the stack's deletion", "an update"])
def test_a_volume_leaves_a_snapshot(world: StackWorld, by: str) -> None:
    """DeletionPolicy attribute, Snapshot: a snapshot before the volume is deleted."""
    properties = {"Size": 8, "AvailabilityZone": "us-east-1a"}
    volume = {"Type": "AWS::EC2::Volume", "Properties": properties, "DeletionPolicy": "Snapshot"}
    world.create("one", template(Resources={**TOPIC, "Volume": volume}))
    identifier = world.physical_ids("one")["Volume"]
    if by == "an update":
        world.put(TOPIC)
    else:
        world.remove("one")
    snapshots = world.ec2.describe_snapshots(Filters=[{"Name": "volume-id", "Values": [identifier]}])["Snapshots"]
    assert len(snapshots) == 1
    assert identifier not in [item["VolumeId"] for item in world.ec2.describe_volumes()["Volumes"]]


def test_a_snapshot_that_is_not_modelled_is_refused_by_name(world: StackWorld) -> None:
    """What the embedded AWS does not model fails by its name: RDS supports snapshots, and the engine makes none."""
    database = {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot"}
    body = template(Resources={"Database": database})
    assert refusal(world.cloudformation.create_stack, StackName="one", TemplateBody=body)[1] == (
        "the embedded AWS does not model the deletion policy Snapshot of AWS::RDS::DBInstance"
    )


SLOW = template(
    Resources={
        **TOPIC,
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle", "DependsOn": "Topic"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "3600"},
        },
    }
)


@pytest.mark.parametrize(
    ("on_failure", "status", "requested"),
    [("ROLLBACK", "ROLLBACK_COMPLETE", "Rollback"), ("DELETE", "DELETE_COMPLETE", "Delete")],
)
def test_a_creation_that_takes_too_long_fails(world: StackWorld, on_failure: str, status: str, requested: str) -> None:
    """API Reference, CreateStack, TimeoutInMinutes: the time that can pass before the stack fails. The text is that of
    failed stacks seen in the wild (docker-archive/ecs-plugin#177)."""
    settings.use(
        CloudFormationSettings(instant_create_and_delete=False),
        AutoScalingSettings(stacks={"one": {"signals": "none"}}),
    )
    identifier = world.cloudformation.create_stack(
        StackName="one", TemplateBody=SLOW, TimeoutInMinutes=10, OnFailure=on_failure
    )["StackId"]
    world.clock.sleep(599)
    assert world.status(identifier) == "CREATE_IN_PROGRESS"
    assert world.settle(identifier) == status
    reason = f"Stack creation time exceeded the specified timeout. {requested} requested by user."
    assert reason in world.reasons(identifier)
    assert "Resource creation cancelled" in world.reasons(identifier)
    assert world.client("sns").list_topics()["Topics"] == []


@pytest.mark.parametrize("seconds", [0, 15, 300])
def test_a_stack_may_be_deleted_while_it_is_created(world: StackWorld, seconds: float) -> None:
    """Observed on AWS: the deletion is accepted, the creation stops, and what was created is deleted."""
    settings.use(
        CloudFormationSettings(instant_create_and_delete=False),
        AutoScalingSettings(stacks={"one": {"signals": "hang"}}),
    )
    identifier = world.cloudformation.create_stack(StackName="one", TemplateBody=SLOW)["StackId"]
    world.clock.sleep(seconds)
    world.cloudformation.delete_stack(StackName="one")
    assert world.settle(identifier) == "DELETE_COMPLETE"
    assert world.client("sns").list_topics()["Topics"] == []
    statuses = [status for logical_id, status in world.trail(identifier) if logical_id == "one"]
    assert statuses == ["CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_deleted_stack_shows_its_resources_for_ninety_days(world: StackWorld) -> None:
    """API Reference, DescribeStackResources, DescribeStackResource, ListStackResources and ListStacks: of deleted
    stacks for up to 90 days."""
    kept = {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Retain"}
    identifier = world.create("one", template(Resources={**TOPIC, "Kept": kept}))["StackId"]
    topics = world.physical_ids("one")
    world.cloudformation.delete_stack(StackName="one")
    described = world.cloudformation.describe_stack_resources(StackName=identifier)["StackResources"]
    assert {item["LogicalResourceId"]: item["ResourceStatus"] for item in described} == {
        "Topic": "DELETE_COMPLETE",
        "Kept": "DELETE_SKIPPED",
    }
    assert world.physical_ids(identifier) == topics
    world.clock.sleep(89 * 86_400)
    assert len(world.cloudformation.list_stack_resources(StackName=identifier)["StackResourceSummaries"]) == 2
    world.clock.sleep(2 * 86_400)
    assert refusal(world.cloudformation.describe_stack_resources, StackName=identifier)[0] == "ValidationError"
    assert world.cloudformation.list_stacks()["StackSummaries"] == []


# -- reading ----------------------------------------------------------------------------------------------------


def test_the_events_of_an_operation_can_be_asked_for_by_its_id(world: StackWorld) -> None:
    """API Reference, DescribeEvents: by OperationId, and the failed ones alone."""
    settings.use(AutoScalingSettings(stacks={"app": {"signals": "none"}}))
    world.create_application()
    identifier = world.cloudformation.update_stack(
        StackName="app",
        UsePreviousTemplate=True,
        Parameters=world.patched(),
    )["OperationId"]
    world.settle()
    events = world.cloudformation.describe_events(OperationId=identifier)["OperationEvents"]
    assert {event["OperationType"] for event in events} == {"UPDATE_STACK"}
    assert events[0]["ResourceStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    failed = world.cloudformation.describe_events(
        StackName="app", OperationId=identifier, Filters={"FailedEvents": True}
    )["OperationEvents"]
    assert [(event["LogicalResourceId"], event["EventType"]) for event in failed] == [
        ("AppAutoScalingGroup", "PROVISIONING_ERROR")
    ]


def test_events_are_newest_first_and_come_in_pages(world: StackWorld) -> None:
    """API Reference, DescribeStackEvents: reverse chronological order, NextToken."""
    resources = {f"Topic{number}": {"Type": "AWS::SNS::Topic"} for number in range(50)}
    world.create("one", template(Resources=resources))
    page = world.cloudformation.describe_stack_events(StackName="one")
    assert page["StackEvents"][0]["ResourceStatus"] == "CREATE_COMPLETE"
    assert page["StackEvents"][0]["LogicalResourceId"] == "one"
    assert "NextToken" in page
    assert world.trail("one")[0] == ("one", "CREATE_IN_PROGRESS")
    assert len(world.trail("one")) == 2 + 3 * 50


def test_a_stack_without_outputs_parameters_and_capabilities_shows_none(world: StackWorld) -> None:
    """On record: test_stack_description_lifecycle."""
    world.cloudformation.create_stack(StackName="one", TemplateBody=template())
    stack = world.stack("one")
    assert not {"Outputs", "Parameters", "Capabilities"} & set(stack)
    assert (stack["Tags"], stack["NotificationARNs"]) == ([], [])


def test_a_templates_summary_has_its_parameters_and_their_types(world: StackWorld) -> None:
    """API Reference, GetTemplateSummary."""
    world.create_application()
    summary = world.cloudformation.get_template_summary(StackName="app")
    types = {item["ParameterKey"]: item["ParameterType"] for item in summary["Parameters"]}
    assert types["AmazonMachineImage"] == "AWS::EC2::Image::Id"
    assert types["SubnetIds"] == "List<AWS::EC2::Subnet::Id>"
    assert world.cloudformation.get_template(StackName="app")["TemplateBody"] == APPLICATION


# -- change sets ------------------------------------------------------------------------------------------------


def test_a_change_set_shows_what_an_ami_would_change_and_changes_nothing(world: StackWorld) -> None:
    """Update CloudFormation stacks using change sets; API Reference, ResourceChange."""
    world.create_application()
    before = world.running()
    world.cloudformation.create_change_set(
        StackName="app",
        ChangeSetName="preview",
        UsePreviousTemplate=True,
        Parameters=world.patched(),
    )
    change_set = world.cloudformation.describe_change_set(StackName="app", ChangeSetName="preview")
    assert (change_set["Status"], change_set["ExecutionStatus"], change_set["Changes"]) == (
        "CREATE_IN_PROGRESS",
        "UNAVAILABLE",
        [],
    )
    change_set = world.made("app", "preview")
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    changes = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in change_set["Changes"]}
    assert set(changes) == {"AppLaunchTemplate", "AppAutoScalingGroup"}
    assert (changes["AppLaunchTemplate"]["Action"], changes["AppLaunchTemplate"]["Replacement"]) == ("Modify", "False")
    assert changes["AppAutoScalingGroup"]["Replacement"] == "Conditional"
    assert world.running() == before
    assert world.status() == "CREATE_COMPLETE"
    world.cloudformation.execute_change_set(StackName="app", ChangeSetName="preview", ClientRequestToken="set-1")
    assert world.settle() == "UPDATE_COMPLETE"
    assert set(world.running().values()) == {world.new_ami}
    assert world.trail(token="set-1")[-1] == ("app", "UPDATE_COMPLETE")


def test_a_change_set_tells_certain_replacements_from_possible_ones(world: StackWorld) -> None:
    """API Reference, ResourceChange, Replacement: True for a property that needs it, Conditional for what follows."""
    body = json.dumps(
        {
            "Parameters": {"Ami": {"Type": "String"}},
            "Resources": {
                "Server": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": {"Ref": "Ami"}}},
                "Address": {"Type": "AWS::EC2::EIP", "Properties": {"InstanceId": {"Ref": "Server"}}},
                "Apart": {"Type": "AWS::SNS::Topic"},
            },
        }
    )
    world.create("one", body, Ami=world.old_ami)
    world.cloudformation.create_change_set(
        StackName="one", ChangeSetName="preview", UsePreviousTemplate=True, Parameters=given(Ami=world.new_ami)
    )
    listed = world.made("one", "preview")["Changes"]
    changes = {change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"] for change in listed}
    assert {name: change["Replacement"] for name, change in changes.items()} == {"Server": "True", "Address": "False"}
    detail = changes["Server"]["Details"][0]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ParameterReference", "Ami")
    assert (detail["Target"]["Name"], detail["Target"]["RequiresRecreation"]) == ("ImageId", "Always")
    world.cloudformation.execute_change_set(StackName="one", ChangeSetName="preview")
    assert world.settle("one") == "UPDATE_COMPLETE"
    assert list(world.running().values()) == [world.new_ami]


def test_a_change_set_without_changes_fails_and_says_so(world: StackWorld) -> None:
    """Update CloudFormation stacks using change sets; the text is that of the AWS CLI's deploy command."""
    world.create("one", parameter(Type="String"), It="same")
    world.cloudformation.create_change_set(
        StackName="one", ChangeSetName="none", UsePreviousTemplate=True, Parameters=given(It="same")
    )
    change_set = world.made("one", "none")
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert change_set["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to create a change set."
    )
    assert refusal(world.cloudformation.execute_change_set, StackName="one", ChangeSetName="none")[0] == (
        "InvalidChangeSetStatus"
    )


def test_a_stack_can_be_created_by_a_change_set(world: StackWorld) -> None:
    """API Reference, CreateChangeSet, ChangeSetType CREATE: the stack is REVIEW_IN_PROGRESS until it is executed."""
    world.cloudformation.create_change_set(
        StackName="one", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template()
    )
    assert world.status("one") == "REVIEW_IN_PROGRESS"
    assert world.client("sns").list_topics()["Topics"] == []
    world.made("one", "first")
    world.cloudformation.execute_change_set(StackName="one", ChangeSetName="first")
    assert world.status("one") == "CREATE_COMPLETE"
    assert len(world.client("sns").list_topics()["Topics"]) == 1


def test_an_update_in_another_way_makes_a_change_set_obsolete(world: StackWorld) -> None:
    """API Reference, DescribeChangeSet: ExecutionStatus gives the reason why a change set cannot be executed, such as
    that the stack was already updated."""
    world.create("one", parameter(Type="String"), It="first")
    for name in ("preview", "direct"):
        world.cloudformation.create_change_set(
            StackName="one", ChangeSetName=name, UsePreviousTemplate=True, Parameters=given(It="second")
        )
    assert world.made("one", "preview")["ExecutionStatus"] == "AVAILABLE"
    world.cloudformation.update_stack(StackName="one", UsePreviousTemplate=True, Parameters=given(It="third"))
    assert world.settle("one") == "UPDATE_COMPLETE"
    change_set = world.made("one", "preview")
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("CREATE_COMPLETE", "OBSOLETE")
    code, text = refusal(world.cloudformation.execute_change_set, StackName="one", ChangeSetName="preview")
    assert code == "InvalidChangeSetStatus"
    assert text.endswith("cannot be executed in its current execution status of [OBSOLETE]")
    again = refusal(
        world.cloudformation.create_change_set,
        StackName="one",
        ChangeSetName="preview",
        UsePreviousTemplate=True,
        Parameters=given(It="fourth"),
    )
    assert again[0] == "AlreadyExistsException"


# -- settings ---------------------------------------------------------------------------------------------------


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InvalidSettings, match="found 'some'"):
        AutoScalingSettings(stacks={"app": {"signals": "some"}})
    with pytest.raises(InvalidSettings, match="found signal"):
        AutoScalingSettings(stacks={"*": {"signal": "none"}})

"""What the policies of a role allow, and that nobody does more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local_aws.aws import LocalAws
from local_aws.core.delivery import undelivered
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.core.resource_policies import PolicyNotModelled
from local_aws.iam.permissions import allows
from local_aws.lambda_.invocations import invoke
from tests.local_aws.lambda_.functions import allow, create_function, create_role

ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/web/1"


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        create_role("worker")
        yield aws


def put(*statements: dict[str, Any]) -> None:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    boto3.client("iam").put_role_policy(RoleName="worker", PolicyName="it", PolicyDocument=json.dumps(policy))


def allowed(action: str = "cloudformation:UpdateStack", resource: str = STACK, **context: str) -> bool:
    return allows(ROLE, action, resource, {key.replace("_", ":"): value for key, value in context.items()})


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("cloudformation:UpdateStack", STACK, True),
        ("CloudFormation:update*", "arn:*:cloudformation:*:*:stack/web/*", True),
        ("cloudformation:*", "*", True),
        ("cloudformation:DescribeStacks", "*", False),
        ("cloudformation:UpdateStack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/we/*", False),
        ("cloudformation:UpdateStack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/WEB/*", False),
    ],
)
def test_a_statement_names_actions_and_resources(aws: LocalAws, action: str, resource: str, expected: bool) -> None:
    """IAM User Guide, "IAM JSON policy elements": Action, without regard to case, and Resource, with wildcards."""
    put({"Effect": "Allow", "Action": [action], "Resource": resource})
    assert allowed() is expected


def test_what_takes_no_resource_is_allowed_on_all_only(aws: LocalAws) -> None:
    """Service Authorization Reference: an action without resource types has to be allowed on "*"."""
    put({"Effect": "Allow", "Action": "ec2:DescribeImages", "Resource": "arn:aws:ec2:*:*:image/*"})
    assert not allowed("ec2:DescribeImages", "*")
    put({"Effect": "Allow", "Action": "ec2:DescribeImages", "Resource": "*"})
    assert allowed("ec2:DescribeImages", "*")


def test_a_denial_is_stronger_and_nothing_is_allowed_by_itself(aws: LocalAws) -> None:
    """IAM User Guide, "Policy evaluation logic": an explicit denial, then an allowance, else an implicit denial."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    put(everything, {"Effect": "Deny", "Action": "cloudformation:Update*", "Resource": "*"})
    assert not allowed() and allowed("cloudformation:DescribeStacks")
    put({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})
    assert not allowed()


def test_a_condition_has_to_hold_and_a_missing_key_matches_nothing(aws: LocalAws) -> None:
    """IAM User Guide, "IAM JSON policy elements: Condition operators"."""
    condition = {"StringEquals": {"aws:RequestedRegion": [REGION]}}
    put({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition})
    assert allowed(aws_requestedregion=REGION)
    assert not allowed(aws_requestedregion="eu-west-1") and not allowed()


def test_a_managed_policy_counts_as_well(aws: LocalAws) -> None:
    boto3.client("iam").attach_role_policy(RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert allowed("ec2:DescribeImages", "*") and not allowed()


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_what_is_not_evaluated_is_named(aws: LocalAws, statement: dict[str, Any]) -> None:
    put(statement)
    with pytest.raises(PolicyNotModelled, match=r"NotAction|Bool"):
        allowed()


# -- who is judged ----------------------------------------------------------------------------------------------------

CALLS = """
    import boto3

    def handler(event, context):
        client = boto3.client(event["service"])
        return str(getattr(client, event["method"])(**event.get("arguments", {})))
"""


def call(service: str, method: str, **arguments: Any) -> Any:
    return invoke("f", {"service": service, "method": method, "arguments": arguments}, REGION).payload


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("ec2", "describe_images", "UnauthorizedOperation"),
        ("cloudformation", "describe_stacks", "AccessDenied"),
        ("autoscaling", "describe_auto_scaling_groups", "AccessDenied"),
    ],
)
def test_a_function_makes_the_calls_that_its_role_may_make(aws: LocalAws, service: str, method: str, code: str) -> None:
    """Common Errors; Error codes for the Amazon EC2 API. Who makes a call without a role is not judged."""
    create_function("f", CALLS, Timeout=60)
    refused = call(service, method)
    assert code in refused["errorMessage"], refused
    assert f"assumed-role/f-role/f is not authorized to perform: {service}:" in refused["errorMessage"]
    getattr(boto3.client(service), method)()  # type: ignore[call-overload]
    allow("f-role", f"{service}:*")
    assert "errorMessage" not in str(call(service, method))


def test_a_call_in_json_is_denied_too_and_by_its_resource(aws: LocalAws) -> None:
    create_function("f", CALLS, Timeout=60)
    boto3.client("ssm").put_parameter(Name="/ours/one", Value="1", Type="String")
    allow("f-role", "ssm:GetParameter", resource=f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/ours/*")
    assert "'Value': '1'" in call("ssm", "get_parameter", Name="/ours/one")
    refused = call("ssm", "get_parameter", Name="/theirs/one")
    assert "AccessDeniedException" in refused["errorMessage"]
    assert (
        f"ssm:GetParameter on resource: arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/theirs/one" in refused["errorMessage"]
    )


def test_an_action_of_which_nothing_is_known_is_named(aws: LocalAws) -> None:
    create_function("f", CALLS, Timeout=60)
    failed = call("ec2", "describe_vpcs")
    assert failed["errorType"] == "ActionNotModelled" and "ec2:DescribeVpcs" in failed["errorMessage"]


def test_a_role_for_a_stack_has_to_be_passed(aws: LocalAws) -> None:
    """IAM User Guide, "Grant a user permissions to pass a role to an AWS service"."""
    template = json.dumps({"Parameters": {"Size": {"Type": "String"}}, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    boto3.client("cloudformation").create_stack(
        StackName="web", TemplateBody=template, Parameters=[{"ParameterKey": "Size", "ParameterValue": "1"}]
    )
    create_function("f", CALLS, Timeout=60)
    update = {
        "StackName": "web",
        "UsePreviousTemplate": True,
        "Parameters": [{"ParameterKey": "Size", "ParameterValue": "2"}],
        "RoleARN": ROLE,
    }
    allow("f-role", "cloudformation:UpdateStack")
    assert "iam:PassRole on resource" in call("cloudformation", "update_stack", **update)["errorMessage"]


def test_a_destination_that_the_role_may_not_send_to_gets_nothing(aws: LocalAws) -> None:
    """Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations": the execution role sends."""
    queue = boto3.client("sqs").create_queue(QueueName="failed")["QueueUrl"]
    create_function("f", "def handler(e, c): raise ValueError('bad')")
    destination = {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"}}
    client = boto3.client("lambda")
    client.put_function_event_invoke_config(FunctionName="f", DestinationConfig=destination, MaximumRetryAttempts=0)
    client.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
    aws.clock.sleep(60)
    assert "Messages" not in boto3.client("sqs").receive_message(QueueUrl=queue)
    (lost,) = undelivered()
    assert "sqs:SendMessage" in lost.error_message


def test_a_state_machine_that_may_not_invoke_fails_its_task(aws: LocalAws) -> None:
    """Step Functions Developer Guide, "IAM policies": the role of the state machine invokes the function."""
    function = create_function("f", "def handler(e, c): return 1")
    definition = {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": function, "End": True}}}
    machine = create_role("machine")
    allow("machine", "lambda:InvokeFunction", resource=f"{function}-other")
    client = boto3.client("stepfunctions")
    created = client.create_state_machine(name="m", definition=json.dumps(definition), roleArn=machine)
    execution = client.start_execution(stateMachineArn=created["stateMachineArn"])["executionArn"]
    aws.clock.sleep(60)
    ended = client.describe_execution(executionArn=execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert "lambda:InvokeFunction" in ended["cause"]

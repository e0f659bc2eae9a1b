"""Stacks that others wrote are created with the AWS CLI and patched as they are, with no parameter lost."""

from __future__ import annotations

import json

import pytest

from tests.command_line.terminal import CommandFailed, Terminal

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SECRET = "correct-horse-battery-staple"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def test_they_are_patched_unmodified_in_one_run(terminal: Terminal) -> None:
    golden = terminal.parameters("web")["AmazonMachineImage"]
    terminal.type("aws ssm put-parameter --name /greeting --type String --value hello")
    terminal.type("aws ssm put-parameter --name /service/log-level --type String --value info")
    terminal.create_stack("baseline", "tests/workflow/foreign-network.yaml")
    terminal.create_stack(
        "theirs",
        "tests/workflow/foreign-application.yaml",
        "--capabilities CAPABILITY_IAM --tags Key=team,Value=web",
        BaselineStack="baseline",
        InstanceAmi=golden,
        InstanceType="t3.micro",
        NumberOfInstances="3",
        DatabasePassword=SECRET,
    )
    baseline = terminal.outputs("baseline")
    terminal.create_stack(
        "service",
        "tests/command_line/foreign-service.yaml",
        Environment="production",
        ImageId=golden,
        Vpc=baseline["Vpc"],
        Subnets=baseline["Subnets"],
        UseSpot="yes",
        ApiKey=SECRET,
    )
    terminal.create_stack("watch", "tests/command_line/foreign-watch.yaml", Service="service")
    before = {name: terminal.stack(name) for name in ("theirs", "service")}
    templates = {name: template(terminal, name) for name in before}
    groups = {name: terminal.resources(name)["Group"] for name in before}
    instances = {name: terminal.instances(groups[name]) for name in before}
    assert {name: list(amis.values()) for name, amis in instances.items()} == {
        "theirs": [golden] * 3,
        "service": [golden] * 2,
    }
    role = terminal.type(
        "aws iam create-role --role-name cloudformation --query Role.Arn --assume-role-policy-document {trust}",
        trust=json.dumps(TRUST),
    )
    terminal.update_stack(
        "ami-autopatch",
        "--capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND",
        ApplicationStacks="theirs,service",
        AcceptedFindings="theirs:NoServiceRole,service:NoServiceRole",
        CloudFormationRoleArn=role,
    )

    output = terminal.patch({})
    ami = output["ami"]["amiId"]
    assert {target["stackName"]: target["outcome"] for target in output["summary"]["targets"]} == {
        "theirs": "PATCHED",
        "service": "PATCHED",
    }
    assert terminal.parameters("web")["AmazonMachineImage"] == golden, "a stack that is not a target stays as it is"

    for name, ami_parameter in (("theirs", "InstanceAmi"), ("service", "ImageId")):
        stack = terminal.stack(name)
        assert stack["StackStatus"] == "UPDATE_COMPLETE"
        assert stack["RoleARN"] == role
        assert stack.get("Tags") == before[name].get("Tags")
        assert stack["Parameters"] == [
            {**parameter, "ParameterValue": ami} if parameter["ParameterKey"] == ami_parameter else parameter
            for parameter in before[name]["Parameters"]
        ]
        assert template(terminal, name) == templates[name]
        serving = terminal.instances(terminal.resources(name)["Group"])
        assert set(serving.values()) == {ami} and len(serving) == len(instances[name])
        assert set(serving).isdisjoint(instances[name])

    for name in ("/database/password", "/service/api-key"):
        kept = terminal.type(f"aws ssm get-parameter --name {name} --query Parameter.Value")
        assert kept == SECRET, "a value that is shown as asterisks is still the one that was given"
    assert "****" in terminal.parameters("service").values()
    target_group = baseline["TargetGroup"]
    assert set(terminal.health(target_group)) == set(terminal.instances(terminal.resources("theirs")["Group"]))

    # A replacing update gave the one a new group; a rolling update kept the other's, whose export is in use.
    assert terminal.resources("theirs")["Group"] != groups["theirs"]
    assert terminal.resources("service")["Group"] == groups["service"]
    exported = terminal.type("aws cloudformation list-exports --query \"Exports[?Name=='service-Group'].Value\"")
    assert exported == [groups["service"]]
    assert terminal.type("aws cloudformation list-imports --export-name service-Group --query Imports") == ["watch"]
    assert [alarmed(terminal, name) for name in ("service", "watch")] == [groups["service"]] * 2
    (group,) = terminal.type(
        f"aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names {groups['service']} "
        "--query AutoScalingGroups"
    )
    policy = group["MixedInstancesPolicy"]
    assert policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 50
    assert [override["InstanceType"] for override in policy["LaunchTemplate"]["Overrides"]] == ["m5.large", "m5a.large"]
    assert group["SuspendedProcesses"] == []
    signals = terminal.type(
        "aws cloudformation describe-stack-events --stack-name service --query "
        "\"StackEvents[?ResourceStatus=='UPDATE_IN_PROGRESS'].ResourceStatusReason\""
    )
    received = {text.split()[-1] for text in signals if text.startswith("Received SUCCESS signal with UniqueId ")}
    assert received == {instance["InstanceId"] for instance in group["Instances"]}

    # A stack that exports a value can be deleted only after those that import it.
    with pytest.raises(CommandFailed, match=r"Export service-Group cannot be deleted as it is in use by watch"):
        terminal.type("aws cloudformation delete-stack --stack-name service")
    for name in ("watch", "service", "theirs", "baseline"):
        terminal.delete_stack(name)
    exports = terminal.type("aws cloudformation list-exports --query Exports[].Name")
    assert not [name for name in exports if name.startswith(("service-", "baseline-"))]


def alarmed(terminal: Terminal, stack: str) -> str:
    """The Auto Scaling group that the alarms of the stack watch."""
    (group,) = terminal.type(
        f"aws cloudwatch describe-alarms --alarm-name-prefix {stack}- --query MetricAlarms[].Dimensions[0].Value"
    )
    return str(group)


def template(terminal: Terminal, stack: str) -> str:
    return terminal.show(f"aws cloudformation get-template --stack-name {stack} --query TemplateBody")

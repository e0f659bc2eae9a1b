"""What `sam build` made, deployed by `sam deploy` to the AWS of `make serve`, and run there.

The SAM CLI uploads the functions and the definition, creates a change set of the template with its transform, and
executes it: nothing of the rehearsal's own deployment takes part.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.command_line.terminal import REPOSITORY, served_environment

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SAM = REPOSITORY / ".venv-sam/bin/sam"
PATIENCE_SECONDS = 60

Deploy = Callable[..., None]
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with served_environment() as environment:
        yield environment


@pytest.fixture
def client(environment: dict[str, str]) -> Client:
    def make(service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )

    return make


@pytest.fixture
def deploy(environment: dict[str, str], tmp_path: Path) -> Deploy:
    def run(*arguments: str) -> None:
        """Run `sam deploy`, which is expected to succeed."""
        command = [str(SAM), "deploy", "--no-confirm-changeset", *arguments]
        variables = {**environment, "HOME": str(tmp_path), "SAM_CLI_TELEMETRY": "0"}
        deployed = subprocess.run(
            command, check=False, cwd=REPOSITORY, env=variables, capture_output=True, text=True, timeout=600
        )
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr

    return run


def outputs(client: Client, stack: str) -> dict[str, str]:
    described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    assert described["StackStatus"] == "CREATE_COMPLETE"
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def execute(client: Client, machine: str) -> dict[str, Any]:
    """The output of an execution, which is expected to succeed."""
    stepfunctions = client("stepfunctions")
    execution = stepfunctions.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    end = time.monotonic() + PATIENCE_SECONDS
    while (described := stepfunctions.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < end, described
        time.sleep(0.1)
    assert described["status"] == "SUCCEEDED", described
    output: dict[str, Any] = json.loads(described["output"])
    return output


def test_sam_deploys_what_it_has_built_and_that_patches(client: Client, deploy: Deploy) -> None:
    """SAM Developer Guide, "sam deploy", --resolve-s3: the bucket is that of the stack aws-sam-cli-managed-default."""
    pipeline = outputs(client, "image-pipeline")["ImagePipelineArn"]
    parameters = ("--parameter-overrides", f"PipelineArn={pipeline}", "ApplicationStacks=web")
    deploy("--stack-name", "built", "--tags", "team=platform", *parameters)

    machine = outputs(client, "built")["StateMachineArn"]
    tags = client("stepfunctions").list_tags_for_resource(resourceArn=machine)["tags"]
    assert {"key": "team", "value": "platform"} in tags
    resources = client("cloudformation").describe_stack_resources(StackName="built")["StackResources"]
    plan = next(one["PhysicalResourceId"] for one in resources if one["LogicalResourceId"] == "PlanRunFunction")
    size = client("lambda").get_function(FunctionName=plan)["Configuration"]["CodeSize"]
    assert size > 1_000_000, "expected the package with its dependencies and the SDK"
    bucket = outputs(client, "aws-sam-cli-managed-default")["SourceBucket"]
    sizes = [item["Size"] for item in client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert size in sizes

    execute(client, machine)
    stack = client("cloudformation").describe_stacks(StackName="web")["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    ami = next(one["ParameterValue"] for one in stack["Parameters"] if one["ParameterKey"] == "AmazonMachineImage")
    running = client("ec2").describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    images = [instance["ImageId"] for group in running["Reservations"] for instance in group["Instances"]]
    assert images == [ami, ami]


def test_sam_updates_the_stack_that_make_serve_has_deployed(client: Client, deploy: Deploy) -> None:
    """The parameters that are not given keep their values: `sam deploy` without any is enough."""
    cloudformation = client("cloudformation")
    before = cloudformation.describe_stacks(StackName="ami-autopatch")["Stacks"][0]
    deploy()
    after = cloudformation.describe_stacks(StackName="ami-autopatch")["Stacks"][0]
    assert after["StackStatus"] == "UPDATE_COMPLETE"
    assert after["Parameters"] == before["Parameters"]
    functions = client("lambda").list_functions()["Functions"]
    sizes = {function["CodeSize"] for function in functions if function["FunctionName"].startswith("ami-autopatch-")}
    assert min(sizes) > 1_000_000, "expected every function to be of the package that sam built"

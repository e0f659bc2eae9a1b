"""Deploying into the embedded AWS as a user would into their own: the stacks to patch, the pipeline, our own stack."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from local_aws.cloudformation import transforms
from local_aws.cloudformation.errors import ValidationError
from local_aws.cloudformation.reader import read_template
from local_aws.cloudformation.template import parse
from local_aws.core import clock, faults
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.lambda_ import environments
from rehearsal.scenario import Scenario

REPOSITORY = Path(__file__).parent.parent
STACK = "ami-autopatch"
BASE_AMI_TOPIC = "arn:aws:sns:us-east-1:137112412989:amazon-linux-2023-ami-updates"
"""Amazon Linux user guide, "Receive notifications on new updates": owned by Amazon."""

_NETWORK_STACK = "network"
_PIPELINE_STACK = "image-pipeline"
OWN_STACKS = (_NETWORK_STACK, _PIPELINE_STACK, STACK)
"""What is deployed beside the application stacks."""

_BUCKET = f"deployment-{ACCOUNT}-{REGION}"
_PACKAGE = "functions.zip"
_PACKAGED_TEMPLATE = "ami-autopatch.template"
TEMPLATE_URL = f"https://s3.{REGION}.amazonaws.com/{_BUCKET}/{_PACKAGED_TEMPLATE}"
"""Where `upload` puts the packaged template."""
_POLL_SECONDS = 5
_CLIENT_CIDR = "203.0.113.0/24"


class DeploymentError(Exception):
    """A template cannot be deployed."""


@dataclass(frozen=True)
class Deployment:
    """What was deployed. `stacks` are the names of the application stacks; `definition` is the ASL as deployed."""

    state_machine_arn: str
    notification_topic_arn: str
    pipeline_arn: str
    golden_ami: str
    stacks: tuple[str, ...]
    definition: dict[str, Any]


def deploy(scenario: Scenario, on_stack: Callable[[str], object] = lambda _: None) -> Deployment:
    """Create the stacks to patch, the image pipeline and our own stack, in the embedded AWS that runs now.

    `on_stack` is called with the name of each stack before it is created. The scenario's faults do not strike here.
    Raises DeploymentError when a stack is not created.
    """
    with faults.spared():
        return _deploy(scenario, on_stack)


def _deploy(scenario: Scenario, on_stack: Callable[[str], object]) -> Deployment:
    golden_ami = boto3.client("ec2").register_image(
        Name="golden-image-first", RootDeviceName="/dev/xvda", Architecture="x86_64"
    )["ImageId"]
    on_stack(_NETWORK_STACK)
    network = _create(_NETWORK_STACK, _template("infrastructure/network.yaml"), {})
    for stack in scenario.stacks:
        document = _template(stack.template)
        offered = {"AmazonMachineImage": golden_ami, "ClientCidr": _CLIENT_CIDR, **network}
        given = {**offered, **_filled(stack.parameters, golden_ami)}
        on_stack(stack.name)
        _create(stack.name, document, _known(given, document), network["ApplicationServiceRoleArn"])
    pipeline = _template("infrastructure/image-pipeline.yaml")
    built_in = {**network, "SubnetId": network["SubnetIds"].split(",")[0]}
    on_stack(_PIPELINE_STACK)
    pipeline_arn = _create(_PIPELINE_STACK, pipeline, _known(built_in, pipeline))["ImagePipelineArn"]
    for name, content in scenario.change_calendars.items():
        boto3.client("ssm").create_document(
            Name=name, Content=content, DocumentType="ChangeCalendar", DocumentFormat="TEXT"
        )
    ours = {
        "PipelineArn": pipeline_arn,
        "ApplicationStacks": ",".join(stack.name for stack in scenario.stacks),
        "BaseAmiTopicArn": BASE_AMI_TOPIC,
        "NotificationEmail": "operations@example.com",
        **_filled(scenario.parameters, golden_ami),
    }
    on_stack(STACK)
    outputs = deploy_ours(STACK, ours)
    machine_arn = outputs["StateMachineArn"]
    machine = boto3.client("stepfunctions").describe_state_machine(stateMachineArn=machine_arn)
    return Deployment(
        state_machine_arn=machine_arn,
        notification_topic_arn=outputs["NotificationTopicArn"],
        pipeline_arn=pipeline_arn,
        golden_ami=golden_ami,
        stacks=tuple(stack.name for stack in scenario.stacks),
        definition=json.loads(machine["definition"]),
    )


def fill(value: Any, golden_ami: str) -> Any:
    """`value`, a JSON value of a scenario, with `${GoldenAmi}` filled in."""
    return json.loads(json.dumps(value).replace("${GoldenAmi}", golden_ami))


def _filled(parameters: Mapping[str, str], golden_ami: str) -> dict[str, str]:
    return fill(dict(parameters), golden_ami)  # type: ignore[no-any-return]


def _known(parameters: Mapping[str, str], template: str) -> dict[str, str]:
    """Those of the parameters that the template has."""
    declared = read_template(template).get("Parameters", {})
    return {name: value for name, value in parameters.items() if name in declared}


def _template(path: str) -> str:
    return _read(REPOSITORY / path)


@functools.cache
def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise DeploymentError(f"expected a template at {path}, found none: {error.strerror}") from error


def _create(name: str, template: str, parameters: Mapping[str, str], role_arn: str | None = None) -> dict[str, str]:
    """Create a stack and wait for it; returns its outputs."""
    with_role = {} if role_arn is None else {"RoleARN": role_arn}
    boto3.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        **with_role,  # type: ignore[arg-type]
    )
    return _created(name)


def _created(name: str) -> dict[str, str]:
    """The outputs of a stack, which is expected to be created."""
    cloudformation = boto3.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise DeploymentError(
            f"stack {name}: expected CREATE_COMPLETE, found {stack['StackStatus']}: {stack.get('StackStatusReason')}"
        )
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


# -- what `sam build` and `sam deploy` do -----------------------------------------------------------------------------


def deploy_ours(name: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Create a stack of `template.yaml`; returns its outputs.

    Its transform is left to CloudFormation, in a change set, as by `sam deploy`. Raises DeploymentError.
    """
    upload()
    cloudformation = boto3.client("cloudformation")
    change_set = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName="deployment",
        ChangeSetType="CREATE",
        TemplateURL=TEMPLATE_URL,
        Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )["Id"]
    while (described := cloudformation.describe_change_set(ChangeSetName=change_set))["Status"] == "CREATE_IN_PROGRESS":
        clock.current().sleep(_POLL_SECONDS)
    if described["Status"] != "CREATE_COMPLETE":
        raise DeploymentError(
            f"change set for stack {name}: expected CREATE_COMPLETE, found {described['Status']}: "
            f"{described.get('StatusReason')}"
        )
    cloudformation.execute_change_set(ChangeSetName=change_set)
    return _created(name)


def upload() -> None:
    """Put the packaged template, and what it points to, into the bucket for it."""
    package, code_hash = _package()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=_BUCKET)
    s3.put_object(Bucket=_BUCKET, Key=_PACKAGE, Body=package)
    environments.register_code(code_hash, REPOSITORY / "functions")
    for machine in _state_machines(read_template(_template("template.yaml"))):
        s3.put_object(Bucket=_BUCKET, Key=machine["DefinitionUri"], Body=_template(machine["DefinitionUri"]).encode())
    s3.put_object(Bucket=_BUCKET, Key=_PACKAGED_TEMPLATE, Body=packaged_template().encode())


def definition_file(state_machine: Mapping[str, Any]) -> str:
    """The text of the file that has the definition of a state machine, given its properties in the template."""
    return _template(state_machine["DefinitionS3Location"]["Key"])


@functools.cache
def packaged_template() -> str:
    """`template.yaml` as `sam deploy` uploads it: with the places in S3 of what it points to.

    The file of a state machine's definition is uploaded as it is, here under its path in the repository.
    """
    template = json.loads(json.dumps(read_template(_template("template.yaml"))))
    template.setdefault("Globals", {}).setdefault("Function", {})["CodeUri"] = f"s3://{_BUCKET}/{_PACKAGE}"
    for machine in _state_machines(template):
        machine["DefinitionUri"] = f"s3://{_BUCKET}/{machine['DefinitionUri']}"
    return json.dumps(template)


def _state_machines(template: dict[str, Any]) -> list[dict[str, Any]]:
    """The properties of the state machines of a SAM template."""
    resources = template["Resources"].values()
    return [resource["Properties"] for resource in resources if resource["Type"] == "AWS::Serverless::StateMachine"]


@functools.cache
def transformed_template() -> dict[str, Any]:
    """What CloudFormation makes of the packaged template, its parameters at their defaults. Do not change it.

    Raises DeploymentError, with CloudFormation's words, when it is not a valid SAM template.
    """
    try:
        return transforms.process(parse(packaged_template()), {}, REGION).document
    except ValidationError as error:
        raise DeploymentError(f"template.yaml: expected a valid SAM template, found: {error.message}") from error


@functools.cache
def _package() -> tuple[bytes, str]:
    """The functions' code as a package, and its hash as Lambda gives it."""
    packed = io.BytesIO()
    directory = REPOSITORY / "functions"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                # A fixed time, so that the same code has the same hash.
                information = zipfile.ZipInfo(str(path.relative_to(directory)), (1980, 1, 1, 0, 0, 0))
                archive.writestr(information, path.read_bytes())
    content = packed.getvalue()
    return content, base64.b64encode(hashlib.sha256(content).digest()).decode()

"""What somebody does in the account while the run goes on, as a scenario plans it."""

from __future__ import annotations

import re
from typing import Any

import boto3

from local_aws.core import faults
from rehearsal.deployment import Deployment, fill
from rehearsal.scenario import Intervention

TOKEN = "intervention"
"""The client token of the operations that interventions start; a measurement leaves these out."""

_RESOURCE = re.compile(r"\$\{([\w-]+)\.(\w+)(?:\[(\d+)\])?\}")


def intervene(intervention: Intervention, deployment: Deployment, execution_arn: str) -> None:
    """Carry `intervention` out; none of the scenario's faults strikes it."""
    with faults.spared():
        match intervention.do:
            case "abort":
                boto3.client("stepfunctions").stop_execution(
                    executionArn=execution_arn, cause="Stopped by an operator in the console"
                )
            case "cancel-image":
                _cancel_image(deployment)
            case "update-stack":
                _update_stack(intervention, deployment)
            case "call":
                _call(intervention, deployment)


def _cancel_image(deployment: Deployment) -> None:
    image_builder = boto3.client("imagebuilder")
    images = image_builder.list_image_pipeline_images(imagePipelineArn=deployment.pipeline_arn)
    image_builder.cancel_image_creation(imageBuildVersionArn=images["imageSummaryList"][0]["arn"], clientToken=TOKEN)


def _update_stack(intervention: Intervention, deployment: Deployment) -> None:
    assert intervention.stack is not None
    cloudformation = boto3.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=intervention.stack)["Stacks"][0]
    changed = fill(intervention.parameters, deployment.golden_ami)
    cloudformation.update_stack(
        StackName=intervention.stack,
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": changed[key]}
            if key in changed
            else {"ParameterKey": key, "UsePreviousValue": True}
            for key in (parameter["ParameterKey"] for parameter in stack.get("Parameters", []))
        ],
        Capabilities=stack.get("Capabilities", []),
        ClientRequestToken=TOKEN,
    )


def _call(intervention: Intervention, deployment: Deployment) -> None:
    assert intervention.service is not None and intervention.operation is not None
    client = boto3.client(intervention.service)  # type: ignore[call-overload]
    getattr(client, intervention.operation)(**_resolved(fill(intervention.parameters, deployment.golden_ami)))


def _resolved(value: Any) -> Any:
    """`value` with the physical ids of resources, and the ids of instances, in place of the placeholders."""
    if isinstance(value, dict):
        return {key: _resolved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    return _RESOURCE.sub(lambda match: _identifier(*match.groups()), value) if isinstance(value, str) else value


def _identifier(stack_name: str, logical_id: str, position: str | None) -> str:
    resource = boto3.client("cloudformation").describe_stack_resource(
        StackName=stack_name, LogicalResourceId=logical_id
    )
    physical_id = resource["StackResourceDetail"]["PhysicalResourceId"]
    if position is None:
        return physical_id
    groups = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[physical_id])
    return groups["AutoScalingGroups"][0]["Instances"][int(position)]["InstanceId"]

"""Who may make a call: a session of a role makes only the calls that the role's policies allow.

A call with nobody's credentials is allowed, as one of the account's root user. A call by a role of an action that is
not listed here fails by its name.

Source: Service Authorization Reference, which says what resources an action is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.utilities.utils import get_partition

from local_aws.cloudformation.errors import ChangeSetNotFound
from local_aws.cloudformation.models import cloudformation_backends
from local_aws.core.errors import NotModelled
from local_aws.core.resource_policies import not_authorized
from local_aws.core.seam import Denial
from local_aws.iam import permissions

# The prefixes of actions that are not boto3's name of the service.
_PREFIXES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
}


class ActionNotModelled(NotModelled):
    """A role makes a call for which it is not known what it has to be allowed."""


@dataclass(frozen=True)
class _Call:
    account: str
    region: str
    parameter: Callable[[str], Any]

    def arn(self, service: str, resource: str, account: str | None = None) -> str:
        partition = get_partition(self.region)
        return f"arn:{partition}:{service}:{self.region}:{self.account if account is None else account}:{resource}"


def denial(account: str, region: str, access_key: str, service: str, operation: str, parameter: Any) -> Denial | None:
    """Why the call is denied; None when it is allowed.

    `parameter` gives a parameter of the call by its name. Raises ActionNotModelled, and PolicyNotModelled.
    """
    session = permissions.session(account, region, access_key)
    if session is None:
        return None
    call = _Call(account, region, parameter)
    for action, resource, context in _needed(f"{_PREFIXES.get(service, service)}:{operation}", call):
        if not permissions.allows(session.role_arn, action, resource, context):
            return Denial(not_authorized(f"User: {session.arn}", action, resource))
    return None


def _needed(action: str, call: _Call) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """The actions that the role has to be allowed, each with its resource and the condition keys of the request."""
    context = {"aws:requestedregion": call.region}
    if action not in _RESOURCES:
        raise ActionNotModelled(f"the embedded AWS does not model what a role has to be allowed for {action}")
    for resource in _RESOURCES[action](call):
        yield action, resource, context
    role_arn = call.parameter("RoleARN") if action in _WITH_A_ROLE else None
    if role_arn:
        yield "iam:PassRole", role_arn, {**context, "iam:passedtoservice": "cloudformation.amazonaws.com"}


# -- the resources of a call ------------------------------------------------------------------------------------------


def _none(_: _Call) -> list[str]:
    """The action takes no resource."""
    return ["*"]


def _unrestricted(_: _Call) -> list[str]:
    """Nobody has to be allowed the action."""
    return []


def _given(name: str) -> Callable[[_Call], list[str]]:
    """The parameter has the ARN."""
    return lambda call: [str(call.parameter(name))]


def _stack(call: _Call) -> list[str]:
    """The stack that is named, or that has the change set; none for a change set that does not exist."""
    backend = cloudformation_backends[call.account][call.region]
    name, change_set = call.parameter("StackName"), call.parameter("ChangeSetName")
    if name is None and change_set is not None:
        try:
            return [backend.find_change_set(change_set, None).stack.stack_id]
        except ChangeSetNotFound:
            return []
    if name is None:
        return ["*"]
    stack = backend.find(name)
    if stack is not None:
        return [stack.stack_id]
    return [name if name.startswith("arn:") else call.arn("cloudformation", f"stack/{name}/*")]


def _instance(call: _Call) -> list[str]:
    return [call.arn("ec2", f"instance/{call.parameter('InstanceId')}")]


def _ssm_parameter(name: str) -> Callable[[_Call], list[str]]:
    return lambda call: [_ssm_parameter_arn(call, str(call.parameter(name)))]


def _ssm_parameters(call: _Call) -> list[str]:
    return [_ssm_parameter_arn(call, str(name)) for name in call.parameter("Names")]


def _ssm_parameter_arn(call: _Call, parameter: str) -> str:
    # AWS's public parameters have no account.
    account = "" if parameter.startswith("/aws/service/") else None
    return call.arn("ssm", f"parameter/{parameter.removeprefix('/')}", account)


def _calendars(call: _Call) -> list[str]:
    names = [str(name) for name in call.parameter("CalendarNames")]
    return [name if name.startswith("arn:") else call.arn("ssm", f"document/{name}") for name in names]


def _quota(call: _Call) -> list[str]:
    return [call.arn("servicequotas", f"{call.parameter('ServiceCode')}/{call.parameter('QuotaCode')}")]


def _queue(call: _Call) -> list[str]:
    url = call.parameter("QueueUrl")
    # https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
    account, name = url.split("/")[-2:] if url else (None, call.parameter("QueueName"))
    return [call.arn("sqs", str(name), account)]


_WITH_A_ROLE = {"cloudformation:CreateChangeSet", "cloudformation:UpdateStack"}

_RESOURCES: dict[str, Callable[[_Call], list[str]]] = {
    "autoscaling:DescribeAutoScalingGroups": _none,
    "autoscaling:DescribeScalingActivities": _none,
    "cloudformation:CancelUpdateStack": _stack,
    "cloudformation:CreateChangeSet": _stack,
    "cloudformation:DeleteChangeSet": _stack,
    "cloudformation:DeleteStack": _stack,
    "cloudformation:DescribeChangeSet": _stack,
    "cloudformation:DescribeEvents": _stack,
    "cloudformation:DescribeStackEvents": _stack,
    "cloudformation:DescribeStacks": _stack,
    "cloudformation:ExecuteChangeSet": _stack,
    "cloudformation:GetStackPolicy": _stack,
    "cloudformation:GetTemplate": _stack,
    "cloudformation:GetTemplateSummary": _stack,
    "cloudformation:ListHookResults": lambda call: [call.parameter("TargetId") or "*"],
    "cloudformation:ListStackResources": _stack,
    "cloudformation:UpdateStack": _stack,
    # It takes alarms, but says nothing of composite alarms to a narrower permission.
    "cloudwatch:DescribeAlarms": _none,
    "ec2:DescribeImages": _none,
    "ec2:DescribeInstances": _none,
    "ec2:DescribeLaunchTemplateVersions": _none,
    "ec2:DescribeSubnets": _none,
    "ec2:GetConsoleOutput": _instance,
    "elasticloadbalancing:DescribeInstanceHealth": _none,
    "elasticloadbalancing:DescribeTargetGroups": _none,
    "elasticloadbalancing:DescribeTargetHealth": _none,
    "imagebuilder:CancelImageCreation": _given("imageBuildVersionArn"),
    "imagebuilder:GetImage": _given("imageBuildVersionArn"),
    "imagebuilder:GetImagePipeline": _given("imagePipelineArn"),
    "imagebuilder:GetImageRecipe": _given("imageRecipeArn"),
    "imagebuilder:ListImagePipelineImages": _given("imagePipelineArn"),
    "imagebuilder:ListWorkflowExecutions": _given("imageBuildVersionArn"),
    "imagebuilder:RetryImage": _given("imageBuildVersionArn"),
    "imagebuilder:StartImagePipelineExecution": _given("imagePipelineArn"),
    "servicequotas:GetAWSDefaultServiceQuota": _none,
    "servicequotas:GetServiceQuota": _quota,
    "sns:Publish": _given("TopicArn"),
    "sqs:GetQueueUrl": _queue,
    "sqs:SendMessage": _queue,
    "ssm:DeleteParameters": _ssm_parameters,
    "ssm:GetCalendarState": _calendars,
    "ssm:GetParameter": _ssm_parameter("Name"),
    "ssm:GetParameters": _ssm_parameters,
    "ssm:GetParametersByPath": _ssm_parameter("Path"),
    "ssm:PutParameter": _ssm_parameter("Name"),
    "states:GetExecutionHistory": _given("executionArn"),
    "states:StartExecution": _given("stateMachineArn"),
    "sts:GetCallerIdentity": _unrestricted,
}

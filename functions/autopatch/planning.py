"""What a run will do: its targets, the parameters that hold their AMI and their capacity, and its deadlines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopatch.contracts import Refused, Run, Target
from autopatch.errors import ConfigError, InvalidInput, TargetNotReady
from autopatch.execution_input import AMI_ID, MAX_TARGETS, ExecutionInput, RequestedTarget
from autopatch.findings import not_ready
from autopatch.service_roles import service_role_findings

if TYPE_CHECKING:
    from autopatch.aws.cloudformation.stacks import Stack, Stacks, TemplateSummary
    from autopatch.aws.image_builder import ImageBuilder
    from autopatch.settings import PlanSettings

_NUMBER = re.compile(r"\d+", re.ASCII)


def plan_run(wanted: ExecutionInput, settings: PlanSettings, stacks: Stacks, image_builder: ImageBuilder) -> Run:
    """What the run will do.

    A target whose stack or parameter does not exist, or whose stack has no role to be updated with, is refused.

    Raises InvalidInput when there is no target, ConfigError when the pipeline does not exist, TargetNotReady, with the
    errors of all targets, when each is refused.
    """
    requested = wanted.targets or tuple(RequestedTarget(name) for name in settings.application_stacks)
    if not requested:
        raise InvalidInput(
            "targets: expected a stack in the input or in the deployment's application stacks, found none; name one"
        )
    if len(requested) > MAX_TARGETS:
        raise ConfigError(
            f"environment variable APPLICATION_STACKS: expected at most {MAX_TARGETS} stacks in one run, "
            f"found {len(requested)}; deploy the application a second time for the others"
        )
    if wanted.ami_id is None:
        image_builder.check_pipeline(settings.pipeline_arn)
    targets, refused = _find_targets(requested, settings, stacks)
    return Run(
        trigger=wanted.trigger,
        reason=wanted.reason,
        dry_run=wanted.dry_run,
        rollback=wanted.rollback or settings.rollback,
        pipeline_arn=settings.pipeline_arn,
        ami_id=wanted.ami_id,
        targets=targets,
        build_deadline_minutes=settings.build_deadline_minutes,
        deployment_deadline_minutes=settings.deployment_deadline_minutes,
        verification_deadline_minutes=settings.verification_deadline_minutes,
        refused=refused,
    )


def _find_targets(
    requested: tuple[RequestedTarget, ...], settings: PlanSettings, stacks: Stacks
) -> tuple[tuple[Target, ...], tuple[Refused, ...]]:
    targets, refused = [], []
    for target in requested:
        try:
            targets.append(_find_target(target, settings, stacks))
        except TargetNotReady as error:
            refused.append(Refused(target.stack_name, type(error).__name__, str(error)))
    if not targets:
        raise TargetNotReady("\n".join(target.reason for target in refused))
    return tuple(targets), tuple(refused)


def _find_target(requested: RequestedTarget, settings: PlanSettings, stacks: Stacks) -> Target:
    if requested.stack_name not in settings.application_stacks:
        # The functions' permissions are for these stacks alone.
        raise TargetNotReady(
            f"stack {requested.stack_name}: expected one of the deployment's application stacks "
            f"({', '.join(settings.application_stacks) or 'none'}), which alone may be updated, found another; correct "
            "the target, or add the stack to the parameter ApplicationStacks and deploy again"
        )
    stack = stacks.stack(requested.stack_name)
    summary = stacks.template_summary(stack.name)
    ami_parameter = requested.ami_parameter or _ami_parameter(stack, summary, settings.ami_parameter)
    _check_parameter(stack, summary, ami_parameter, "the id of an AMI, or nothing", AMI_ID)
    capacity_parameter = requested.capacity_parameter
    if capacity_parameter is not None:
        _check_parameter(stack, summary, capacity_parameter, "a number", _NUMBER)
    elif settings.capacity_parameter in stack.parameters and len(stacks.group_names(stack.name)) == 1:
        capacity_parameter = settings.capacity_parameter
    of_deployment = (finding for stack_name, finding in settings.accepted_findings if stack_name == stack.name)
    accepted = tuple(dict.fromkeys([*requested.accept, *of_deployment]))
    if findings := list(service_role_findings(stack, accepted, settings.cloudformation_role_arn)):
        raise not_ready(stack.name, findings)
    return Target(
        stack_name=stack.name,
        ami_parameter=ami_parameter,
        capacity_parameter=capacity_parameter,
        ami_before=stack.parameters[ami_parameter],
        accepted=accepted,
    )


def _ami_parameter(stack: Stack, summary: TemplateSummary, default: str) -> str:
    """The deployment's default where the stack has it, else the only parameter that holds an AMI."""
    if default in stack.parameters:
        return default
    candidates = [
        name
        for name, value in stack.parameters.items()
        if not summary.is_ssm_parameter(name) and (summary.is_image_parameter(name) or AMI_ID.fullmatch(value))
    ]
    if len(candidates) != 1:
        raise TargetNotReady(
            f"stack {stack.name}: expected the parameter {default} or exactly one that holds an AMI, "
            f"found {', '.join(candidates) or 'none'} among {', '.join(stack.parameters) or 'no parameters'}; "
            "name it as amiParameter of the target"
        )
    return candidates[0]


def _check_parameter(
    stack: Stack, summary: TemplateSummary, name: str, expected: str, pattern: re.Pattern[str]
) -> None:
    """A run overwrites the parameter, and on the way back writes what it held before: it must be meant for that."""
    if name not in stack.parameters:
        raise TargetNotReady(
            f"stack {stack.name}: expected a parameter {name}, found {', '.join(stack.parameters) or 'no parameters'}; "
            "correct the target"
        )
    if summary.is_ssm_parameter(name):
        raise TargetNotReady(
            f"stack {stack.name}: expected a parameter {name} that takes the value itself, found one of the type "
            f"{summary.parameter_types[name]}, which takes the name of an SSM parameter; name another one, or change "
            "the template's type to AWS::EC2::Image::Id"
        )
    value = stack.parameters[name]
    if name in summary.hidden:
        raise TargetNotReady(
            f"stack {stack.name}: expected a parameter {name} whose value CloudFormation shows, found one with NoEcho; "
            "name another one, or take NoEcho out of the template"
        )
    if value and not pattern.fullmatch(value):
        raise TargetNotReady(
            f"stack {stack.name}: expected the parameter {name} to hold {expected}, found {value!r}; correct the target"
        )

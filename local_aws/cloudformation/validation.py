"""What is checked of a request and its template before it is carried out, beside that the template is well formed.

Sources: CloudFormation API Reference, CreateStack, Capabilities; UpdateStack; RollbackConfiguration, RollbackTrigger.
"""

from __future__ import annotations

from local_aws.cloudformation import schemas, types
from local_aws.cloudformation.errors import InsufficientCapabilities, ValidationError
from local_aws.cloudformation.stacks import Stack
from local_aws.cloudformation.template import Template


def check_template(template: Template) -> None:
    """Raise ValidationError when the template needs what AWS, or the embedded AWS, does not have."""
    if template.transforms:
        raise ValidationError(
            f"the embedded AWS does not expand transforms, found [{', '.join(template.transforms)}]: "
            "transform the template first (AWS::Serverless: with samtranslator)"
        )
    unknown = [name for name in template.resource_types if types.find(name) is None]
    if unknown:
        nowhere = [name for name in unknown if not schemas.exists(name)]
        known_to_aws = [name for name in unknown if schemas.exists(name)]
        explanation = f" AWS has {', '.join(known_to_aws)}." if known_to_aws else ""
        explanation += f" AWS does not have {', '.join(nowhere)} either." if nowhere else ""
        raise ValidationError(
            f"Template format error: Unrecognized resource types: [{', '.join(unknown)}] "
            f"(the embedded AWS does not model them.{explanation})"
        )


def check_capabilities(template: Template, acknowledged: list[str]) -> None:
    """Raise InsufficientCapabilities when the template needs a capability that is not acknowledged."""
    given = set(acknowledged)
    if "CAPABILITY_NAMED_IAM" in given:
        given.add("CAPABILITY_IAM")
    missing = [name for name in template.required_capabilities if name not in given]
    if missing:
        raise InsufficientCapabilities(missing)


def check_rollback_triggers(triggers: list[dict[str, str]]) -> None:
    """Raise ValidationError when there are more than five, or one is no alarm."""
    if len(triggers) > 5:
        raise ValidationError(
            "1 validation error detected: Value at 'rollbackConfiguration.rollbackTriggers' failed to satisfy "
            "constraint: Member must have length less than or equal to 5"
        )
    for trigger in triggers:
        if trigger["Type"] not in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            raise ValidationError("Rollback Trigger Type not supported")
        if ":alarm:" not in trigger["Arn"]:
            raise ValidationError("RelativeId of a Rollback Trigger's ARN is incorrect")


def check_unchanged_types(stack: Stack, template: Template) -> None:
    """Raise ValidationError when the template gives a resource of the stack another type."""
    changed = [
        name
        for name, resource in stack.resources.items()
        if name in template.resources and template.resources[name]["Type"] != resource.definition.type
    ]
    if changed:
        raise ValidationError(
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(changed)}]"
        )

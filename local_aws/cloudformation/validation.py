"""What is checked of a request and its template before it is carried out, beside that the template is well formed.

Sources: CloudFormation API Reference, CreateStack; CreateChangeSet; UpdateStack; RollbackConfiguration,
RollbackTrigger; User Guide, "Understand CloudFormation quotas".
"""

from __future__ import annotations

import re

from local_aws.cloudformation import providers, schemas, types
from local_aws.cloudformation.errors import InsufficientCapabilities, ValidationError
from local_aws.cloudformation.stacks import Stack
from local_aws.cloudformation.template import Template, references
from local_aws.core.delivery import Sender
from local_aws.iam import roles

_NAME = "[a-zA-Z][-a-zA-Z0-9]*"


def check_template(template: Template) -> None:
    """Raise ValidationError when the template needs what AWS, or the embedded AWS, does not have."""
    for resource in template.resources.values():
        snapshots = "Snapshot" in (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if snapshots and resource["Type"] not in providers.SNAPSHOTS:
            raise ValidationError(f"the embedded AWS does not model the deletion policy Snapshot of {resource['Type']}")
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


def check_attributes(template: Template) -> None:
    """Raise ValidationError when Fn::GetAtt reads an attribute that the resource's type does not have.

    Some types give properties as attributes, too, which their schemas do not say: such a one is judged when it is read.
    """
    for name, attribute in references([template.document.get("Resources"), template.document.get("Outputs")]):
        kind = template.resources.get(name, {}).get("Type")
        if kind is None or attribute is None or attribute.split(".")[0] in schemas.schema(kind).get("properties", {}):
            continue
        if not schemas.has_attribute(kind, attribute):
            raise ValidationError(
                f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
            )


def check_name(value: str, member: str) -> None:
    """Raise ValidationError when a request's `member` is no name of a stack or a change set."""
    if len(value) > 128:
        raise _constraint(value, member, "length less than or equal to 128")
    if not re.fullmatch(_NAME, value):
        raise ValidationError(
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must "
            f"satisfy regular expression pattern: {_NAME}"
        )


def check_body(text: str) -> None:
    """Raise ValidationError when a template in a request has more than 51,200 bytes; one in S3 may have more."""
    if len(text.encode()) > 51200:
        raise _constraint(text, "templateBody", "length less than or equal to 51200")


def check_sizes(tags: list[dict[str, str]], parameters: list[dict[str, str]]) -> None:
    """Raise ValidationError when there are more than 50 tags, or a parameter's value has more than 4,096 bytes."""
    if len(tags) > 50:
        raise _constraint(str(tags), "tags", "length less than or equal to 50")
    for number, parameter in enumerate(parameters, 1):
        value = parameter.get("ParameterValue") or ""
        if len(value.encode()) > 4096:
            member = f"parameters.{number}.member.parameterValue"
            raise _constraint(value, member, "length less than or equal to 4096")


def _constraint(value: str, member: str, constraint: str) -> ValidationError:
    return ValidationError(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must have {constraint}"
    )


def check_capabilities(template: Template, acknowledged: list[str]) -> None:
    """Raise InsufficientCapabilities when the template needs a capability that is not acknowledged."""
    given = set(acknowledged)
    if "CAPABILITY_NAMED_IAM" in given:
        given.add("CAPABILITY_IAM")
    missing = [name for name in template.required_capabilities if name not in given]
    if missing:
        raise InsufficientCapabilities(missing)


def check_role(role_arn: str | None, stack_arn: str, account: str) -> None:
    """Raise ValidationError when the service role does not exist or does not trust CloudFormation."""
    if role_arn is None:
        return
    try:
        usable = roles.trusts(role_arn, Sender("cloudformation.amazonaws.com", stack_arn, account))
    except (ValueError, IndexError):
        usable = False
    if not usable:
        raise ValidationError(f"Role {role_arn} is invalid or cannot be assumed")


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
    """Raise ValidationError when the template gives a resource of the stack another type.

    What a template with a failed transform would give is not known.
    """
    if template.failure is not None:
        return
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

"""The template of a stack, evaluated as that stack's: its functions, and texts that show whether something changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.cloudformation import parameters, policies, providers
from local_aws.cloudformation.exports import Exports
from local_aws.cloudformation.functions import Evaluator, Scope
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.cloudformation.stacks import Inputs, Stack
from local_aws.core import settings


def evaluator(
    exports: Exports, stack: Stack, inputs: Inputs, *, symbolic: bool = False, block: str = "Resources"
) -> Evaluator:
    """What evaluates the template of `inputs` as the stack's; `symbolic` and `block` are as in Evaluator."""

    def ref(logical_id: str) -> str:
        return stack.resources[logical_id].physical_id

    def get_att(logical_id: str, attribute: str) -> Any:
        return providers.attribute(stack.resources[logical_id], attribute)

    def export(name: str) -> str:
        if not symbolic:
            stack.imports.add(name)
        return exports.value(name)

    values = {
        name: parameters.reference(inputs.template.parameters[name], value) for name, value in inputs.parameters.items()
    }
    scope = Scope(
        account_id=stack.account_id,
        region=stack.region,
        stack_id=stack.stack_id,
        stack_name=stack.name,
        notification_arns=inputs.notification_arns,
        parameters=values,
        ref=ref,
        get_att=get_att,
        export=export,
    )
    return Evaluator(inputs.template, scope, symbolic, block)


def signatures(exports: Exports, stack: Stack, inputs: Inputs) -> dict[str, str]:
    """The signature of each resource that the stack would have, in the order of their dependencies.

    There is none when the transforms of the template failed.
    Raises ValidationError when a condition, a policy of a resource, or an output is refused.
    """
    if inputs.template.failure is not None:
        return {}
    symbolic = evaluator(exports, stack, inputs, symbolic=True)
    for name in inputs.template.conditions:
        symbolic.condition(name)
    by_logical_id = {}
    for logical_id in inputs.template.order:
        resource = inputs.template.resources[logical_id]
        if symbolic.exists(resource):
            policies.creation_policy(symbolic, logical_id)
            policies.update_policy(symbolic, logical_id)
            part = {key: resource.get(key) for key in ("Type", "Properties", "Metadata")}
            evaluated = {"Metadata": None, **symbolic.evaluate(part)}
            by_logical_id[logical_id] = json.dumps(evaluated, sort_keys=True, default=str)
    _output_signature(exports, stack, inputs)
    return by_logical_id


def has_changes(exports: Exports, stack: Stack, inputs: Inputs, planned: Mapping[str, str]) -> bool:
    """Whether the stack with these inputs would have other resources, outputs, tags or rollback triggers than it has.

    `planned` are the signatures of the resources that it would have. It is not known to have none of these when the
    transforms of its template failed.
    """
    current = {name: resource.definition.signature for name, resource in stack.resources.items()}
    return (
        inputs.template.failure is not None
        or dict(planned) != current
        or stack.status in ("UPDATE_FAILED", "CREATE_FAILED")
        or dict(inputs.tags) != dict(stack.inputs.tags)
        or _has_other_triggers(stack, inputs)
        or _output_signature(exports, stack, inputs) != _output_signature(exports, stack, stack.inputs)
    )


def _has_other_triggers(stack: Stack, inputs: Inputs) -> bool:
    return (
        settings.current(CloudFormationSettings).updates_rollback_configuration_alone
        and inputs.monitored != stack.inputs.monitored
    )


def _output_signature(exports: Exports, stack: Stack, inputs: Inputs) -> str:
    """A text that changes when the definition of an output does.

    Raises ValidationError when an output refers to a resource that does not exist under its condition.
    """
    symbolic = evaluator(exports, stack, inputs, symbolic=True, block="Outputs")
    existing = {name: output for name, output in inputs.template.outputs.items() if symbolic.exists(output)}
    return json.dumps(symbolic.evaluate(existing), sort_keys=True, default=str)

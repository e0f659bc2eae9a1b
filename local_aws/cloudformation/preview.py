"""What a change set shows: the change of each resource, with its causes and with the resource before and after.

Sources: CloudFormation API Reference, ResourceChange, ResourceChangeDetail, ResourceTargetDefinition; User Guide,
"Example change sets for CloudFormation stacks", which shows a resource's context with its properties and its other
attributes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_aws.autoscaling import groups as autoscaling
from local_aws.cloudformation import parameters, schemas
from local_aws.cloudformation.evaluation import evaluator
from local_aws.cloudformation.exports import Exports
from local_aws.cloudformation.functions import Evaluator
from local_aws.cloudformation.stacks import Inputs, Stack
from local_aws.cloudformation.template import references
from local_aws.core.resources import Resource

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
_ATTRIBUTES = ("Properties", "Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")

Reference = tuple[str, str | None]
"""A reference to a resource: its logical id, and the attribute if one is read."""


def changes(exports: Exports, stack: Stack, inputs: Inputs, planned: Mapping[str, str]) -> list[dict[str, Any]]:
    """The resource changes that would bring the stack to `inputs`, in the order of dependencies.

    `planned` has the signature of each resource that the stack would have.
    """
    return _Preview(exports, stack, inputs).changes(planned)


class _Preview:
    def __init__(self, exports: Exports, stack: Stack, inputs: Inputs) -> None:
        self._stack = stack
        self._inputs = inputs
        self._changed: dict[str, str] = {}
        """The resources that change, with their Replacement."""
        self._changed_parameters = {
            name for name, value in inputs.parameters.items() if stack.inputs.parameters.get(name) != value
        }
        self._before = _masked(evaluator(exports, stack, stack.inputs), stack.inputs)
        self._after = self._with_unknown(_masked(evaluator(exports, stack, inputs), inputs))

    def _with_unknown(self, evaluate: Evaluator) -> Evaluator:
        """The same, with KNOWN_AFTER_APPLY for what only the update will show."""
        known = evaluate.scope

        def ref(logical_id: str) -> str:
            is_new = self._changed.get(logical_id, "False") != "False"
            return KNOWN_AFTER_APPLY if is_new else known.ref(logical_id)

        def get_att(logical_id: str, attribute: str) -> Any:
            return KNOWN_AFTER_APPLY if logical_id in self._changed else known.get_att(logical_id, attribute)

        return replace(evaluate, scope=replace(known, ref=ref, get_att=get_att))

    def changes(self, planned: Mapping[str, str]) -> list[dict[str, Any]]:
        previewed: list[dict[str, Any]] = []
        for logical_id, signature in planned.items():
            part = self._inputs.template.resources[logical_id]
            resource = self._stack.resources.get(logical_id)
            if resource is None:
                self._changed[logical_id] = "True"
                previewed.append(
                    {
                        "Action": "Add",
                        "LogicalResourceId": logical_id,
                        "ResourceType": part["Type"],
                        "AfterContext": self._context(self._after, part),
                    }
                )
                continue
            dynamic = self._changing_properties(part)
            if resource.definition.signature == signature and not dynamic:
                continue
            modification = self._modification(resource, signature, part, dynamic)
            self._changed[logical_id] = str(modification["Replacement"])
            previewed.append(modification)
        for logical_id, resource in self._stack.resources.items():
            if logical_id not in planned:
                previewed.append({"Action": "Remove", **_identity(resource)})
        return previewed

    def _changing_properties(self, part: Mapping[str, Any]) -> dict[str, list[Reference]]:
        """The properties that refer to a resource which is replaced, or read an attribute of one that changes; with
        these references."""
        by_property: dict[str, list[Reference]] = {}
        for name, value in (part.get("Properties") or {}).items():
            for logical_id, attribute in references(value):
                if logical_id in self._changed and (attribute is not None or self._changed[logical_id] != "False"):
                    by_property.setdefault(name, []).append((logical_id, attribute))
        return by_property

    def _modification(
        self, resource: Resource, signature: str, part: Mapping[str, Any], dynamic: Mapping[str, list[Reference]]
    ) -> dict[str, Any]:
        resource_type = resource.definition.type
        old, new = json.loads(resource.definition.signature), json.loads(signature)
        before, after = old.get("Properties") or {}, new.get("Properties") or {}
        static = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        changing = static | set(dynamic)
        always = {name for name in changing if schemas.needs_replacement(resource_type, {}, {name: "changed"})}
        replaces_groups = "AutoScalingReplacingUpdate" in (part.get("UpdatePolicy") or {})
        may_replace = replaces_groups and not autoscaling.LAUNCH_PROPERTIES.isdisjoint(changing)
        replacement = "True" if always & static else "Conditional" if always or may_replace else "False"
        scope = (["Properties"] if changing else []) + (
            ["Metadata"] if old.get("Metadata") != new.get("Metadata") else []
        )
        details = [
            {"Target": _target(name, name in always), **cause}
            for name in sorted(changing)
            for cause in self._causes((part.get("Properties") or {}).get(name), name in static, dynamic.get(name, []))
        ]
        return {
            "Action": "Modify",
            **_identity(resource),
            "Replacement": replacement,
            "Scope": scope,
            "Details": details,
            "BeforeContext": self._context(self._before, self._stack.inputs.template.resources[resource.logical_id]),
            "AfterContext": self._context(self._after, part),
        }

    def _causes(self, value: Any, is_static: bool, dynamic: list[Reference]) -> list[dict[str, Any]]:
        parameters_behind = list(
            dict.fromkeys(name for name, _ in references(value) if name in self._changed_parameters)
        )
        causes: list[dict[str, Any]] = []
        if is_static:
            causes += [
                {"Evaluation": "Static", "ChangeSource": "ParameterReference", "CausingEntity": name}
                for name in parameters_behind
            ]
            # Beside its cause, a change by a parameter is shown as one whose value is evaluated at the update.
            causes.append(
                {"Evaluation": "Dynamic" if parameters_behind else "Static", "ChangeSource": "DirectModification"}
            )
        causes += [
            {
                "Evaluation": "Dynamic",
                "ChangeSource": "ResourceReference" if attribute is None else "ResourceAttribute",
                "CausingEntity": logical_id if attribute is None else f"{logical_id}.{attribute}",
            }
            for logical_id, attribute in dict.fromkeys(dynamic)
        ]
        return causes

    def _context(self, evaluate: Evaluator, part: Mapping[str, Any]) -> str:
        return json.dumps(
            {name: _as_texts(evaluate.evaluate(part[name])) for name in _ATTRIBUTES if part.get(name) is not None}
        )


def _masked(evaluate: Evaluator, inputs: Inputs) -> Evaluator:
    """The same, with asterisks for the parameters that are not to be shown."""
    shown = {name: "****" for name in inputs.parameters if parameters.is_secret(inputs.template.parameters[name])}
    return replace(evaluate, scope=replace(evaluate.scope, parameters={**evaluate.scope.parameters, **shown}))


def _target(name: str, always: bool) -> dict[str, Any]:
    return {
        "Attribute": "Properties",
        "Name": name,
        "Path": f"/Properties/{name}",
        "RequiresRecreation": "Always" if always else "Never",
    }


def _as_texts(value: Any) -> Any:
    """The value as a context shows it: numbers and booleans as texts."""
    if isinstance(value, dict):
        return {key: _as_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _identity(resource: Resource) -> dict[str, Any]:
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.definition.type,
    }

"""What a change set says: the changes of each resource, with their causes and with the resource before and after.

Sources: CloudFormation API Reference, ResourceChange, ResourceChangeDetail, ResourceTargetDefinition; User Guide,
"Example change sets for CloudFormation stacks", which shows a resource's context with its properties and its other
attributes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local_aws.autoscaling import groups as autoscaling
from local_aws.cloudformation import parameters, schemas
from local_aws.cloudformation.deployment import evaluator
from local_aws.cloudformation.functions import Evaluator
from local_aws.cloudformation.stacks import Inputs, Stack
from local_aws.cloudformation.template import references
from local_aws.core.resources import Resource

if TYPE_CHECKING:
    from local_aws.cloudformation.models import CloudFormationBackend

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
_ATTRIBUTES = ("Properties", "Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")


def changes(
    backend: CloudFormationBackend, stack: Stack, inputs: Inputs, planned: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The resource changes that would bring the stack to `inputs`, in the order of dependencies.

    `planned` has the signature of each resource that the stack would have.
    """
    return _Preview(backend, stack, inputs).changes(planned)


class _Preview:
    def __init__(self, backend: CloudFormationBackend, stack: Stack, inputs: Inputs) -> None:
        self._stack = stack
        self._inputs = inputs
        self._changed: dict[str, str] = {}
        """The resources that change, with their Replacement."""
        self._changed_parameters = {
            name for name, value in inputs.parameters.items() if stack.inputs.parameters.get(name) != value
        }
        self._before = _masked(evaluator(backend, stack, stack.inputs), stack.inputs)
        self._after = self._with_unknown(_masked(evaluator(backend, stack, inputs), inputs))

    def _with_unknown(self, evaluate: Evaluator) -> Evaluator:
        """The same, but for what only the update will tell."""
        known = evaluate.scope

        def ref(logical_id: str) -> str:
            is_new = self._changed.get(logical_id, "False") != "False"
            return KNOWN_AFTER_APPLY if is_new else known.ref(logical_id)

        def get_att(logical_id: str, attribute: str) -> Any:
            return KNOWN_AFTER_APPLY if logical_id in self._changed else known.get_att(logical_id, attribute)

        return replace(evaluate, scope=replace(known, ref=ref, get_att=get_att))

    def changes(self, planned: Mapping[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for logical_id, signature in planned.items():
            said = self._inputs.template.resources[logical_id]
            resource = self._stack.resources.get(logical_id)
            if resource is None:
                self._changed[logical_id] = "True"
                found.append(
                    {
                        "Action": "Add",
                        "LogicalResourceId": logical_id,
                        "ResourceType": said["Type"],
                        "AfterContext": self._context(self._after, said),
                    }
                )
                continue
            dynamic = self._changing_properties(said)
            if resource.definition.signature == signature and not dynamic:
                continue
            entry = self._modification(resource, signature, said, dynamic)
            self._changed[logical_id] = str(entry["Replacement"])
            found.append(entry)
        for logical_id, resource in self._stack.resources.items():
            if logical_id not in planned:
                found.append({"Action": "Remove", **_identity(resource)})
        return found

    def _changing_properties(self, said: Mapping[str, Any]) -> dict[str, list[tuple[str, str | None]]]:
        """The properties that refer to a resource which is replaced, or read an attribute of one that changes.

        For each, what in it refers to such a resource: its logical id, and the attribute if one is read.
        """
        found: dict[str, list[tuple[str, str | None]]] = {}
        for name, value in (said.get("Properties") or {}).items():
            for other, attribute in references(value):
                if other in self._changed and (attribute is not None or self._changed[other] != "False"):
                    found.setdefault(name, []).append((other, attribute))
        return found

    def _modification(
        self,
        resource: Resource,
        signature: str,
        said: Mapping[str, Any],
        dynamic: Mapping[str, list[tuple[str, str | None]]],
    ) -> dict[str, Any]:
        kind = resource.definition.type
        old, new = json.loads(resource.definition.signature), json.loads(signature)
        before, after = old.get("Properties") or {}, new.get("Properties") or {}
        static = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        always = {name for name in static | set(dynamic) if schemas.needs_replacement(kind, {}, {name: "changed"})}
        replaces = "AutoScalingReplacingUpdate" in (
            said.get("UpdatePolicy") or {}
        ) and autoscaling.LAUNCH_PROPERTIES & (static | set(dynamic))
        replacement = "True" if always & static else "Conditional" if always or replaces else "False"
        scope = (["Properties"] if static or dynamic else []) + (
            ["Metadata"] if old.get("Metadata") != new.get("Metadata") else []
        )
        details = [
            {"Target": _target(name, name in always), **cause}
            for name in sorted(static | set(dynamic))
            for cause in self._causes((said.get("Properties") or {}).get(name), name in static, dynamic.get(name, []))
        ]
        return {
            "Action": "Modify",
            **_identity(resource),
            "Replacement": replacement,
            "Scope": scope,
            "Details": details,
            "BeforeContext": self._context(self._before, self._stack.inputs.template.resources[resource.logical_id]),
            "AfterContext": self._context(self._after, said),
        }

    def _causes(self, value: Any, is_static: bool, dynamic: list[tuple[str, str | None]]) -> list[dict[str, Any]]:
        parameters_behind = list(
            dict.fromkeys(name for name, _ in references(value) if name in self._changed_parameters)
        )
        causes: list[dict[str, Any]] = []
        if is_static:
            causes += [
                {"Evaluation": "Static", "ChangeSource": "ParameterReference", "CausingEntity": name}
                for name in parameters_behind
            ]
            # Beside its cause, a change by a parameter is told as one whose value is evaluated at the update.
            causes.append(
                {"Evaluation": "Dynamic" if parameters_behind else "Static", "ChangeSource": "DirectModification"}
            )
        causes += [
            {
                "Evaluation": "Dynamic",
                "ChangeSource": "ResourceReference" if attribute is None else "ResourceAttribute",
                "CausingEntity": other if attribute is None else f"{other}.{attribute}",
            }
            for other, attribute in dict.fromkeys(dynamic)
        ]
        return causes

    def _context(self, evaluate: Evaluator, said: Mapping[str, Any]) -> str:
        return json.dumps(
            {name: _as_texts(evaluate.evaluate(said[name])) for name in _ATTRIBUTES if said.get(name) is not None}
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

"""What a change set shows: the change of each resource with its causes, and with its values where they are asked for.

What AWS answered to LocalStack's tests of change sets is on record (tests/aws/services/cloudformation/, in files such
as test_change_set_fn_get_attr.snapshot.json), and stands above the documentation. A launch template, a group and a
resource that may be replaced ("Conditional") are on no record: of these it is shown what the documentation says.

Sources besides: CloudFormation API Reference, ResourceChange, ResourceChangeDetail, ResourceTargetDefinition; User
Guide, "Example change sets for CloudFormation stacks".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Any

from local_aws.autoscaling import groups as autoscaling
from local_aws.cloudformation import parameters, policies, schemas
from local_aws.cloudformation.evaluation import evaluator
from local_aws.cloudformation.exports import Exports
from local_aws.cloudformation.functions import NO_VALUE, Evaluator
from local_aws.cloudformation.stacks import Inputs, Stack
from local_aws.cloudformation.template import references
from local_aws.core.resources import Resource

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
# What the contexts of the records and of the User Guide's examples have. No sample has a CreationPolicy or an
# UpdatePolicy.
_ATTRIBUTES = ("Properties", "Metadata", "DeletionPolicy", "UpdateReplacePolicy")
_POLICY_ACTIONS = {"RetainExceptOnCreate": "Retain"}

Reference = tuple[str, str | None]
"""A reference to a resource: its logical id, and the attribute if one is read."""


@dataclass(frozen=True)
class ResourceChange:
    """The change of one resource, as the two descriptions of a change set have it.

    `with_values` is None for a change that the description with property values leaves out. `warning` is why its
    values are not complete.
    """

    plain: dict[str, Any]
    with_values: dict[str, Any] | None
    warning: str | None = None


@dataclass(frozen=True)
class _Cause:
    """Why a property, or the resource's Metadata, changes, and which of the two descriptions shows it."""

    attribute: str
    name: str | None
    evaluation: str
    source: str
    entity: str | None = None
    is_shown_plain: bool = True
    is_shown_with_values: bool = True


def changes(exports: Exports, stack: Stack, inputs: Inputs, planned: Mapping[str, str]) -> list[ResourceChange]:
    """The resource changes that would bring the stack to `inputs`, in the order of dependencies.

    `planned` has the signature of each resource that the stack would have.
    """
    return _Preview(exports, stack, inputs).changes(planned)


class _Preview:
    def __init__(self, exports: Exports, stack: Stack, inputs: Inputs) -> None:
        self._stack = stack
        self._inputs = inputs
        self._exports = exports
        self._changed: dict[str, str] = {}
        """The resources that change, with their Replacement."""
        # A value of Systems Manager that has moved is no change of the parameter that names it.
        self._changed_parameters = {
            name
            for name, value in inputs.parameters.items()
            if name not in stack.inputs.parameters or stack.inputs.parameters[name].given != value.given
        }
        self._missing_exports: list[str] = []
        self._before = _masked(evaluator(exports, stack, stack.inputs), stack.inputs)
        self._after = self._with_unknown(_masked(evaluator(exports, stack, inputs), inputs))

    def _with_unknown(self, evaluate: Evaluator) -> Evaluator:
        """The same, with KNOWN_AFTER_APPLY for what only the update will show.

        An attribute of a resource that is changed in place keeps its present value, even when the change changes it (on
        record, test_direct_attribute_value_change_with_dependent_addition).
        """
        known = evaluate.scope

        def ref(logical_id: str) -> str:
            return KNOWN_AFTER_APPLY if self._is_new(logical_id) else known.ref(logical_id)

        def get_att(logical_id: str, attribute: str) -> Any:
            return KNOWN_AFTER_APPLY if self._is_new(logical_id) else known.get_att(logical_id, attribute)

        def export(name: str) -> str:
            if self._exports.has(name):
                return known.export(name)
            self._missing_exports.append(name)
            return KNOWN_AFTER_APPLY

        return replaced(evaluate, scope=replaced(known, ref=ref, get_att=get_att, export=export))

    def _is_new(self, logical_id: str) -> bool:
        return self._changed.get(logical_id, "False") != "False"

    def changes(self, planned: Mapping[str, str]) -> list[ResourceChange]:
        previewed: list[ResourceChange] = []
        for logical_id, signature in planned.items():
            part = self._inputs.template.resources[logical_id]
            resource = self._stack.resources.get(logical_id)
            if resource is None:
                self._changed[logical_id] = "True"
                previewed.append(self._addition(logical_id, part))
                continue
            causes = list(self._causes(resource, signature, part))
            if not causes:
                continue
            modification = self._modification(resource, part, causes)
            self._changed[logical_id] = str(modification.plain["Replacement"])
            previewed.append(modification)
        previewed += [
            self._removal(resource)
            for logical_id, resource in self._stack.resources.items()
            if logical_id not in planned
        ]
        return previewed

    def _addition(self, logical_id: str, part: Mapping[str, Any]) -> ResourceChange:
        plain = {
            "Action": "Add",
            "LogicalResourceId": logical_id,
            "ResourceType": part["Type"],
            "Scope": [],
            "Details": [],
        }
        context, warning = self._context_after(logical_id, part)
        return ResourceChange(plain, {**plain, "AfterContext": context}, warning)

    def _removal(self, resource: Resource) -> ResourceChange:
        policy = resource.definition.deletion_policy
        plain = {
            "Action": "Remove",
            **_identity(resource),
            "PolicyAction": _POLICY_ACTIONS.get(policy, policy),
            "Scope": [],
            "Details": [],
        }
        # On record (test_resource_deletion): an attribute that it read is not shown, although it is known.
        hidden = replaced(self._before.scope, get_att=lambda *_: KNOWN_AFTER_APPLY)
        part = self._stack.inputs.template.resources[resource.logical_id]
        return ResourceChange(plain, {**plain, "BeforeContext": _context(replaced(self._before, scope=hidden), part)})

    # -- modifications ------------------------------------------------------------------------------------------

    def _causes(self, resource: Resource, signature: str, part: Mapping[str, Any]) -> Iterator[_Cause]:
        old, new = json.loads(resource.definition.signature), json.loads(signature)
        before, after = old.get("Properties") or {}, new.get("Properties") or {}
        properties = part.get("Properties") or {}
        for name in sorted({*before, *after, *properties}):
            is_static = before.get(name) != after.get(name)
            if is_static:
                yield from self._static_causes("Properties", name, properties.get(name))
            yield from self._dynamic_causes(name, properties.get(name), is_static)
        if old.get("Metadata") != new.get("Metadata"):
            yield from self._static_causes("Metadata", None, part.get("Metadata"))

    def _static_causes(self, attribute: str, name: str | None, value: Any) -> Iterator[_Cause]:
        """A change of the template or of parameters; without a parameter as its cause, of the template, or of a value
        in Systems Manager (on record, test_update_parameter_between_deployments)."""
        behind = list(dict.fromkeys(name for name, _ in references(value) if name in self._changed_parameters))
        for parameter in behind:
            yield _Cause(attribute, name, "Static", "ParameterReference", parameter)
        # Beside its cause, a change by a parameter is shown as one whose value is evaluated at the update.
        yield _Cause(attribute, name, "Dynamic" if behind else "Static", "DirectModification")

    def _dynamic_causes(self, name: str, value: Any, is_static: bool) -> Iterator[_Cause]:
        """References to a resource that is replaced, and to the attributes of one that changes.

        On record: of a resource that is changed in place, they are Dynamic, and not in the description with values
        (test_direct_attribute_value_change); of one that is replaced, they are Static, and with values stand beside a
        Dynamic DirectModification (test_immutable_property_update_causes_resource_replacement).
        """
        was_replaced = False
        for logical_id, attribute in dict.fromkeys(references(value)):
            replacement = self._changed.get(logical_id)
            if replacement is None or (attribute is None and replacement == "False"):
                continue
            was_replaced |= replacement != "False"
            yield _Cause(
                "Properties",
                name,
                "Static" if replacement == "True" else "Dynamic",
                "ResourceReference" if attribute is None else "ResourceAttribute",
                logical_id if attribute is None else f"{logical_id}.{attribute}",
                is_shown_with_values=replacement != "False",
            )
        if was_replaced and not is_static:
            yield _Cause("Properties", name, "Dynamic", "DirectModification", is_shown_plain=False)

    def _modification(self, resource: Resource, part: Mapping[str, Any], causes: list[_Cause]) -> ResourceChange:
        changing = {cause.name for cause in causes if cause.name is not None}
        always = {
            name for name in changing if schemas.needs_replacement(resource.definition.type, {}, {name: "changed"})
        }
        replaces_groups = "AutoScalingReplacingUpdate" in policies.update_policy(self._after, resource.logical_id)
        may_replace = replaces_groups and not autoscaling.LAUNCH_PROPERTIES.isdisjoint(changing)
        surely = any(cause.name in always and cause.evaluation == "Static" for cause in causes)
        replacement = "True" if surely else "Conditional" if always or may_replace else "False"
        action: dict[str, Any] = {}
        if replacement == "True":
            policy = part.get("UpdateReplacePolicy", "Delete")
            action = {"PolicyAction": f"ReplaceAnd{_POLICY_ACTIONS.get(policy, policy)}"}
        shared = {
            "Action": "Modify",
            **_identity(resource),
            **action,
            "Replacement": replacement,
            "Scope": sorted({cause.attribute for cause in causes}),
        }
        plain = [_detail(cause, always) for cause in causes if cause.is_shown_plain]
        shown = [cause for cause in causes if cause.is_shown_with_values]
        if not shown:
            return ResourceChange({**shared, "Details": plain}, None)
        before_part = self._stack.inputs.template.resources[resource.logical_id]
        context, warning = self._context_after(resource.logical_id, part)
        details = [
            _detail(cause, always, self._values(before_part, part, cause.name) if cause.name else {}) for cause in shown
        ]
        contexts = {"BeforeContext": _context(self._before, before_part), "AfterContext": context}
        return ResourceChange({**shared, "Details": plain}, {**shared, "Details": details, **contexts}, warning)

    def _values(self, before_part: Mapping[str, Any], part: Mapping[str, Any], name: str) -> dict[str, Any]:
        """What the description with values adds to the target of a change of that property."""
        before = self._before.evaluate((before_part.get("Properties") or {}).get(name, NO_VALUE))
        after = self._after.evaluate((part.get("Properties") or {}).get(name, NO_VALUE))
        values = {
            key: _as_text(value)
            for key, value in (("BeforeValue", before), ("AfterValue", after))
            if value is not NO_VALUE
        }
        kind = "Add" if before is NO_VALUE else "Remove" if after is NO_VALUE else "Modify"
        return {"Path": f"/Properties/{name}", "AttributeChangeType": kind, **values}

    def _context_after(self, logical_id: str, part: Mapping[str, Any]) -> tuple[str, str | None]:
        """The resource as it would be, and the warning that this is not complete.

        On record (test_describe_change_set_import_non_existent_export): an import without its export is no error yet.
        """
        self._missing_exports.clear()
        context = _context(self._after, part)
        reasons = [f"No export named {name}" for name in dict.fromkeys(self._missing_exports)]
        if not reasons:
            return context, None
        return context, f"ChangeSet creation failed for resource [{logical_id}] because: {', '.join(reasons)}"


def _masked(evaluate: Evaluator, inputs: Inputs) -> Evaluator:
    """The same, with asterisks for the parameters that are not to be shown."""
    shown = {name: "****" for name in inputs.parameters if parameters.is_secret(inputs.template.parameters[name])}
    return replaced(evaluate, scope=replaced(evaluate.scope, parameters={**evaluate.scope.parameters, **shown}))


def _detail(cause: _Cause, always: set[str], values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    target: dict[str, Any] = {"Attribute": cause.attribute}
    if cause.name is not None:
        target["Name"] = cause.name
    target["RequiresRecreation"] = "Always" if cause.name in always else "Never"
    detail = {"Target": {**target, **(values or {})}, "Evaluation": cause.evaluation, "ChangeSource": cause.source}
    return detail if cause.entity is None else {**detail, "CausingEntity": cause.entity}


def _context(evaluate: Evaluator, part: Mapping[str, Any]) -> str:
    values = {name: evaluate.evaluate(part[name]) for name in _ATTRIBUTES if part.get(name) is not None}
    return json.dumps({name: _as_texts(value) for name, value in values.items() if value is not NO_VALUE})


def _as_texts(value: Any) -> Any:
    """The value as a context shows it: numbers and booleans as texts."""
    if isinstance(value, dict):
        return {key: _as_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _as_text(value: Any) -> str:
    texts = _as_texts(value)
    return texts if isinstance(texts, str) else json.dumps(texts)


def _identity(resource: Resource) -> dict[str, Any]:
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.definition.type,
    }

"""The Rules section of a template: which parameters go together, checked before anything is made.

Sources: CloudFormation User Guide, "CloudFormation template Rules syntax"; Template Reference, "Rule functions", with
"Supported functions" and "Supported attributes".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.cloudformation.errors import ValidationError
from local_aws.cloudformation.functions import environment
from local_aws.cloudformation.parameters import ParameterValue, element_type, existing_values, reference
from local_aws.cloudformation.template import AWS_TYPES, Template
from local_aws.ec2 import identifiers

_SUBNET, _VPC, _SECURITY_GROUP = "AWS::EC2::Subnet::Id", "AWS::EC2::VPC::Id", "AWS::EC2::SecurityGroup::Id"
_ATTRIBUTES = {
    _SUBNET: ("AvailabilityZone", "VpcId"),
    _VPC: ("DefaultNetworkAcl", "DefaultSecurityGroup"),
    _SECURITY_GROUP: (),
}
# How many arguments each function takes: the least and the most.
_ARGUMENTS = {
    "Fn::And": (2, 10),
    "Fn::Contains": (2, 2),
    "Fn::EachMemberEquals": (2, 2),
    "Fn::EachMemberIn": (2, 2),
    "Fn::Equals": (2, 2),
    "Fn::Not": (1, 1),
    "Fn::Or": (2, 10),
    "Fn::ValueOf": (2, 2),
    "Fn::ValueOfAll": (2, 2),
}
_FUNCTIONS = {*_ARGUMENTS, "Fn::RefAll", "Ref"}
_BOOLEAN = {"Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals", "Fn::Not", "Fn::Or"}


def check_syntax(template: Template) -> None:
    """Check the Rules section as far as that takes no values.

    Raises ValidationError, CloudFormation's "Template format error", when a rule is malformed.
    """
    unsupported: dict[str, None] = {}
    for name, rule in template.rules.items():
        if not re.fullmatch(r"[A-Za-z0-9]+", str(name)):
            raise _malformed(str(name), "its name is non alphanumeric")
        _check_members(name, rule, {"RuleCondition", "Assertions"})
        assertions = rule.get("Assertions")
        if not isinstance(assertions, list) or not assertions:
            raise _malformed(name, "it must have a list of Assertions")
        for assertion in assertions:
            _check_members(name, assertion, {"Assert", "AssertDescription"})
            if "Assert" not in assertion:
                raise _malformed(name, "each of its Assertions must have an Assert")
        conditions = [rule["RuleCondition"]] if "RuleCondition" in rule else []
        for expression in [*conditions, *(assertion["Assert"] for assertion in assertions)]:
            unsupported.update(dict.fromkeys(_unsupported(expression)))
    if unsupported:
        raise ValidationError(
            "Template format error: Following functions are not supported in the Rules block of the template: "
            f"[{', '.join(unsupported)}]"
        )
    for name, rule in template.rules.items():
        conditions = [rule["RuleCondition"]] if "RuleCondition" in rule else []
        for expression in [*conditions, *(assertion["Assert"] for assertion in rule["Assertions"])]:
            _check_boolean(template, name, expression)


def check(template: Template, values: Mapping[str, ParameterValue], account_id: str, region: str) -> None:
    """Raise ValidationError unless the values satisfy every assertion of every rule whose condition holds."""
    evaluation = _Evaluation(template, values, account_id, region)
    for name, rule in template.rules.items():
        if "RuleCondition" in rule and not evaluation.evaluate(rule["RuleCondition"]):
            continue
        for assertion in rule["Assertions"]:
            if not evaluation.evaluate(assertion["Assert"]):
                description = assertion.get("AssertDescription", "an assertion evaluated to false")
                raise ValidationError(f"Template error: Rule {name} failed: {description}")


@dataclass(frozen=True)
class _Evaluation:
    template: Template
    values: Mapping[str, ParameterValue]
    account_id: str
    region: str

    def evaluate(self, value: Any) -> Any:
        """The value with every function in it replaced by its result."""
        if isinstance(value, list):
            return [self.evaluate(item) for item in value]
        if not isinstance(value, dict):
            return str(value).lower() if isinstance(value, bool) else str(value)
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::And": lambda argument: all(self.evaluate(part) for part in argument),
            "Fn::Contains": lambda argument: self.evaluate(argument[1]) in self._list(argument[0]),
            "Fn::EachMemberEquals": lambda argument: set(self._list(argument[0])) <= {self.evaluate(argument[1])},
            "Fn::EachMemberIn": lambda argument: set(self._list(argument[0])) <= set(self._list(argument[1])),
            "Fn::Equals": lambda argument: self.evaluate(argument[0]) == self.evaluate(argument[1]),
            "Fn::Not": lambda argument: not self.evaluate(argument[0]),
            "Fn::Or": lambda argument: any(self.evaluate(part) for part in argument),
            "Fn::RefAll": lambda kind: sorted(existing_values(kind, self.account_id, self.region)),
            "Fn::ValueOf": self._value_of,
            "Fn::ValueOfAll": self._value_of_all,
        }
        name, argument = next(iter(value.items()))
        return functions[name](argument)

    def _list(self, value: Any) -> list[str]:
        items = self.evaluate(value)
        return items if isinstance(items, list) else [items]

    def _ref(self, name: str) -> str | list[str]:
        if name in self.template.parameters:
            return reference(self.template.parameters[name], self.values[name])
        return environment(self.account_id, self.region)[name]

    def _value_of(self, argument: list[str]) -> str | list[str]:
        name, attribute = argument
        value = self._ref(name)
        values = [
            item
            for identifier in ([value] if isinstance(value, str) else value)
            for item in self._attribute(name, identifier, attribute)
        ]
        return values if isinstance(value, list) else "".join(values)

    def _value_of_all(self, argument: list[str]) -> list[str]:
        kind, attribute = argument
        return [
            item
            for name, declaration in self.template.parameters.items()
            if element_type(declaration) == kind
            for value in [self._ref(name)]
            for identifier in ([value] if isinstance(value, str) else value)
            for item in self._attribute(name, identifier, attribute)
        ]

    def _attribute(self, parameter: str, identifier: str, attribute: str) -> list[str]:
        """The attribute of the resource that the parameter names; nothing for a tag that it does not have."""
        place = (self.account_id, self.region)
        kind = element_type(self.template.parameters[parameter])
        if identifier not in existing_values(kind, *place):
            raise ValidationError(
                f"Parameter validation failed: parameter value {identifier} for parameter name {parameter} "
                "does not exist"
            )
        if attribute.startswith("Tags."):
            return identifiers.tag_values(*place, identifier, attribute.removeprefix("Tags."))
        if kind == _SUBNET:
            zone, vpc = identifiers.subnet_zone_and_vpc(*place, identifier)
            return [vpc if attribute == "VpcId" else zone]
        if attribute == "DefaultNetworkAcl":
            return identifiers.default_network_acls(*place, identifier)
        return identifiers.default_security_groups(*place, identifier)


# -- the syntax of a rule ---------------------------------------------------------------------------------------------


def _malformed(rule: str, reason: str) -> ValidationError:
    return ValidationError(f"Template format error: Rule {rule} is malformed: {reason}.")


def _check_members(rule: str, value: Any, known: set[str]) -> None:
    if not isinstance(value, dict):
        raise _malformed(rule, f"expected an object, found {value!r}")
    if unknown := [key for key in value if key not in known]:
        raise _malformed(rule, f"expected only {', '.join(sorted(known))}, found {', '.join(unknown)}")


def _unsupported(value: Any) -> list[str]:
    """The functions in the value that rules do not support."""
    if isinstance(value, list):
        return [name for item in value for name in _unsupported(item)]
    if not isinstance(value, dict):
        return []
    own = [str(key) for key in value if key not in _FUNCTIONS]
    return own + [name for argument in value.values() for name in _unsupported(argument)]


def _check_boolean(template: Template, rule: str, value: Any) -> None:
    _check_value(template, rule, value)
    if not isinstance(value, dict) or next(iter(value)) not in _BOOLEAN:
        raise _malformed(rule, f"expected a function that is true or false, found {value!r}")


def _check_value(template: Template, rule: str, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _check_value(template, rule, item)
    if not isinstance(value, dict):
        return
    if len(value) != 1:
        raise _malformed(rule, f"expected one function, found {value!r}")
    name, argument = next(iter(value.items()))
    if name == "Ref":
        if argument not in template.parameters and argument not in environment("", ""):
            raise ValidationError(
                f"Template format error: Unresolved dependencies [{argument}] in the Rules block of the template"
            )
    elif name == "Fn::RefAll":
        _check_kind(rule, name, argument, None)
    else:
        least, most = _ARGUMENTS[name]
        if not isinstance(argument, list) or not least <= len(argument) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise _malformed(rule, f"{name} takes a list of {wanted}, found {argument!r}")
        if name in ("Fn::And", "Fn::Or", "Fn::Not"):
            for part in argument:
                _check_boolean(template, rule, part)
        elif name == "Fn::ValueOfAll":
            _check_kind(rule, name, *argument)
        elif name == "Fn::ValueOf":
            if argument[0] not in template.parameters:
                raise _malformed(rule, f"{name} takes the name of a parameter, found {argument[0]!r}")
            _check_kind(rule, name, element_type(template.parameters[argument[0]]), argument[1])
        else:
            _check_value(template, rule, argument)


def _check_kind(rule: str, function: str, kind: Any, attribute: Any) -> None:
    """Check the type of parameter that a function takes, and the attribute that it reads, if it reads one."""
    if attribute is None:
        if kind not in AWS_TYPES:
            raise _malformed(rule, f"{function} takes an AWS-specific parameter type, found {kind!r}")
        return
    if kind not in _ATTRIBUTES:
        raise _malformed(rule, f"{function} reads attributes of {', '.join(_ATTRIBUTES)}, found {kind!r}")
    known = _ATTRIBUTES[kind]
    if attribute not in known and not re.fullmatch(r"Tags\..+", str(attribute)):
        raise _malformed(rule, f"{function} of {kind} reads {', '.join([*known, 'Tags.key'])}, found {attribute!r}")

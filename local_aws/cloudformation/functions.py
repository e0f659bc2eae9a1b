"""CloudFormation's intrinsic functions, conditions and dynamic references.

Source: CloudFormation User Guide, "Intrinsic function reference", "Condition functions", "Pseudo parameters reference",
"Get values stored in other services using dynamic references".
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import ServiceException

from local_aws.cloudformation.errors import ValidationError
from local_aws.cloudformation.template import SUBSTITUTION, Template
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed
from local_aws.ec2 import identifiers
from local_aws.secretsmanager import secrets
from local_aws.ssm import parameters

_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:([\w-]+):([^}]+)\}\}")
_LITERAL = re.compile(r"\$\{!([^{}]+)\}")
_TWO_TO_TEN = (2, 10, "a list of at least 2 and at most 10 boolean parameters")
_CONDITION_ARGUMENTS = {
    "Fn::And": _TWO_TO_TEN,
    "Fn::Equals": (2, 2, "a list of 2 string parameters"),
    "Fn::Not": (1, 1, "one boolean parameter"),
    "Fn::Or": _TWO_TO_TEN,
}
"""How few and how many arguments each takes, in CloudFormation's words."""


def environment(account_id: str, region: str) -> dict[str, str]:
    """The pseudo parameters of an account and Region, which are the same for every stack there."""
    return {
        "AWS::AccountId": account_id,
        "AWS::Region": region,
        "AWS::Partition": _partition(region),
        "AWS::URLSuffix": "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com",
    }


class _NoValue:
    """The value of Ref of AWS::NoValue: the property is left out."""


NO_VALUE = _NoValue()


@dataclass(frozen=True)
class Scope:
    """Where a template is evaluated.

    `ref` and `get_att` give a resource's physical id and attributes by its logical id. `export` gives the value of an
    export by its name. `parameters` has what Ref of each parameter gives.
    """

    account_id: str
    region: str
    stack_id: str
    stack_name: str
    notification_arns: tuple[str, ...]
    parameters: Mapping[str, Any]
    ref: Callable[[str], str]
    get_att: Callable[[str, str], Any]
    export: Callable[[str], str]


@dataclass
class Evaluator:
    """Evaluates the parts of one template in one scope.

    With `symbolic`, a reference to a resource is left as a text that names the reference, whatever the resource is now,
    and so is a function that cannot be computed from such a text. Two symbolic values differ when the template, the
    parameters or what is imported make them differ. `block` is the section of the template that errors name.
    """

    template: Template
    scope: Scope
    symbolic: bool = False
    block: str = "Resources"
    _conditions: dict[str, bool] = field(default_factory=dict)
    _pending: set[str] = field(default_factory=set)
    """The conditions that are being evaluated."""

    def condition(self, name: str) -> bool:
        """Whether the condition of that name holds."""
        if name not in self._conditions:
            if name not in self.template.conditions:
                raise ValidationError(f"Template error: unresolved condition dependency: {name}")
            if name in self._pending:
                raise ValidationError(f"Template error: the condition {name} depends on itself")
            self._pending.add(name)
            self._conditions[name] = self._holds(self.template.conditions[name])
            self._pending.discard(name)
        return self._conditions[name]

    def exists(self, part: Mapping[str, Any]) -> bool:
        """Whether a resource or output exists under its Condition."""
        return "Condition" not in part or self.condition(part["Condition"])

    def evaluate(self, value: Any) -> Any:
        """The value with every function in it replaced by its result."""
        if isinstance(value, list):
            items = [self.evaluate(item) for item in value]
            return [item for item in items if item is not NO_VALUE]
        if isinstance(value, dict):
            if len(value) == 1:
                name, argument = next(iter(value.items()))
                if name == "Ref" or str(name).startswith("Fn::"):
                    return self._function(name, argument)
            if misplaced := [key for key in value if str(key).startswith("Fn::")]:
                raise ValidationError(
                    f"Template format error: {misplaced[0]} must stand alone, found {', '.join(map(str, value))}"
                )
            pairs = {key: self.evaluate(item) for key, item in value.items()}
            return {key: item for key, item in pairs.items() if item is not NO_VALUE}
        if isinstance(value, str) and "{{resolve:" in value and not self.symbolic:
            return _DYNAMIC_REFERENCE.sub(lambda match: self._dynamic(match.group(1), match.group(2)), value)
        return value

    # -- functions ----------------------------------------------------------------------------------------------

    def _function(self, name: str, argument: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Base64": self._base64,
            "Fn::GetAZs": self._get_availability_zones,
            "Fn::ImportValue": self._import_value,
            "Fn::Cidr": self._cidr,
            "Fn::And": lambda _: self._holds({name: argument}),
            "Fn::Or": lambda _: self._holds({name: argument}),
            "Fn::Not": lambda _: self._holds({name: argument}),
            "Fn::Equals": lambda _: self._holds({name: argument}),
        }
        if name not in functions:
            raise ValidationError(
                f"Template error: {name} is not modelled by the embedded AWS; it has {', '.join(sorted(functions))}"
            )
        try:
            return functions[name](argument)
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            if self.symbolic:
                return json.dumps({name: argument}, sort_keys=True, default=str)
            raise ValidationError(f"Template error: {name} cannot work with its arguments: {error}") from error

    def _ref(self, name: str) -> Any:
        pseudo: dict[str, Any] = {
            **environment(self.scope.account_id, self.scope.region),
            "AWS::StackId": self.scope.stack_id,
            "AWS::StackName": self.scope.stack_name,
            "AWS::NotificationARNs": list(self.scope.notification_arns),
            "AWS::NoValue": NO_VALUE,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.scope.parameters:
            return self.scope.parameters[name]
        self._require(name)
        return f"${{Ref {name}}}" if self.symbolic else self.scope.ref(name)

    def _get_att(self, argument: Any) -> Any:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        attribute = self.evaluate(attribute)
        if name not in self.template.resources:
            raise ValidationError(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
        self._require(name)
        return f"${{GetAtt {name}.{attribute}}}" if self.symbolic else self.scope.get_att(name, attribute)

    def _require(self, name: str) -> None:
        if name not in self.template.resources or not self.exists(self.template.resources[name]):
            raise ValidationError(
                f"Template format error: Unresolved resource dependencies [{name}] in the {self.block} block of the "
                "template"
            )

    def _if(self, argument: Any) -> Any:
        name, when_true, when_false = argument
        return self.evaluate(when_true if self.condition(name) else when_false)

    def _sub(self, argument: Any) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument
        values = {name: self.evaluate(value) for name, value in local.items()}

        def replacement(match: re.Match[str]) -> str:
            name = match.group(1).strip()
            if name in values:
                value = values[name]
            elif "." in name:
                value = self._get_att(name)
            else:
                value = self._ref(name)
            return ",".join(value) if isinstance(value, list) else _text(value)

        return _LITERAL.sub(r"${\1}", SUBSTITUTION.sub(replacement, text))

    def _join(self, argument: Any) -> str:
        delimiter, items = argument
        texts = self.evaluate(items)
        if not isinstance(texts, list):
            raise ValueError(f"expected a list to join, found {texts!r}")
        return str(delimiter).join(_text(text) for text in texts)

    def _split(self, argument: Any) -> list[str]:
        delimiter, text = argument
        return str(self.evaluate(text)).split(str(delimiter))

    def _select(self, argument: Any) -> Any:
        index, items = int(self.evaluate(argument[0])), self.evaluate(argument[1])
        if not isinstance(items, list) or not 0 <= index < len(items):
            raise ValueError(f"expected an index into {items!r}, found {index}")
        return items[index]

    def _find_in_map(self, argument: Any) -> Any:
        # A fourth, with a DefaultValue, needs the transform AWS::LanguageExtensions.
        if not isinstance(argument, list) or len(argument) != 3:
            raise ValidationError(
                "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the "
                "attribute for return value"
            )
        name, *keys = [self.evaluate(part) for part in argument]
        value: Any = self.template.mappings.get(name)
        for key in keys:
            value = value.get(str(key)) if isinstance(value, dict) else None
        if value is None:
            raise ValidationError(f"Template error: Unable to get mapping for {name}::{'::'.join(map(str, keys))}")
        return value

    def _base64(self, argument: Any) -> str:
        return base64.b64encode(str(self.evaluate(argument)).encode()).decode()

    def _get_availability_zones(self, argument: Any) -> list[str]:
        return identifiers.availability_zones(self.scope.account_id, self.evaluate(argument) or self.scope.region)

    def _import_value(self, argument: Any) -> str:
        return self.scope.export(str(self.evaluate(argument)))

    def _cidr(self, argument: Any) -> list[str]:
        block, count, *bits = [self.evaluate(part) for part in argument]
        network = ipaddress.ip_network(str(block))
        size = int(bits[0]) if bits else (8 if network.version == 4 else 64)
        blocks = network.subnets(new_prefix=network.max_prefixlen - size)
        try:
            return [str(next(blocks)) for _ in range(int(count))]
        except StopIteration:
            raise ValueError(f"expected room for {count} blocks of {size} bits in {block}") from None

    # -- conditions ---------------------------------------------------------------------------------------------

    def _holds(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if not isinstance(value, dict) or len(value) != 1:
            raise ValidationError(f"Template format error: Conditions can only be boolean operations, found {value!r}")
        name, argument = next(iter(value.items()))
        if name == "Condition" and isinstance(argument, str):
            return self.condition(argument)
        if name in _CONDITION_ARGUMENTS:
            least, most, wanted = _CONDITION_ARGUMENTS[name]
            if not isinstance(argument, list) or not least <= len(argument) <= most:
                raise ValidationError(f"Template error: every {name} object requires {wanted}.")
        if name == "Fn::Equals":
            left, right = (_text(self.evaluate(side)) for side in argument)
            return left == right
        if name == "Fn::Not":
            return not self._holds(argument[0])
        if name == "Fn::And":
            return all(self._holds(part) for part in argument)
        if name == "Fn::Or":
            return any(self._holds(part) for part in argument)
        raise ValidationError(f"Template format error: Conditions can only be boolean operations, found {name}")

    # -- dynamic references -------------------------------------------------------------------------------------

    def _dynamic(self, service: str, key: str) -> str:
        if service in ("ssm", "ssm-secure"):
            # A version may follow the name: {{resolve:ssm:/name:3}}.
            value = parameters.read(self.scope.account_id, self.scope.region, key)
            if value is None:
                raise ResourceFailed(f"Parameters: [{service}:{key}] cannot be found.")
            return value
        if service == "secretsmanager":
            secret, _, rest = key.partition(":SecretString")
            try:
                text = secrets.read(self.scope.account_id, self.scope.region, secret)
            except ServiceException as error:
                raise ResourceFailed(str(error.message)) from error
            field_name = rest.strip(":").split(":")[0]
            return str(json.loads(text)[field_name]) if field_name else text
        raise NotModelled(f"the dynamic reference {{{{resolve:{service}:...}}}} is not modelled by the embedded AWS")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"

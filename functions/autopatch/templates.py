"""The template of a stack, with the functions in it evaluated as far as its parameters decide them.

A value that only AWS or the update itself will show is Unresolved: it is never guessed. Which functions there are, and
what they take: CloudFormation template reference, "Intrinsic function reference", "Condition functions", "Pseudo
parameters reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from autopatch.errors import TargetNotReady

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What a change set has for a value that is not known yet (CloudFormation user guide, "Example change sets")."""

_SUBSTITUTION = re.compile(r"\$\{([^!{}][^{}]*)\}")
_LITERAL = re.compile(r"\$\{!([^{}]+)\}")
_WHOLE_NUMBER = re.compile(r"[0-9]+")
_URL_SUFFIXES = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}


@dataclass(frozen=True)
class Unresolved:
    """A value that is not known before the update; `source` is what it comes from."""

    source: str


class _NoValue:
    """What Ref of AWS::NoValue gives: what has it is left out."""


_NO_VALUE = _NoValue()


@dataclass(frozen=True)
class Template:
    """A template as JSON has it, and the values of its parameters in one stack.

    `parameters` has the value of an SSM parameter for a parameter that names one.
    """

    document: Mapping[str, Any]
    parameters: Mapping[str, str]
    stack_id: str

    def attribute(self, logical_id: str, name: str) -> Any:
        """An attribute of a resource, such as Properties: None when it has none.

        Texts, lists and dicts, in which all scalars are texts, and Unresolved where a value is not known.
        """
        value = self.resolve(_entry(self._section("Resources"), logical_id, name))
        return None if value is _NO_VALUE else value

    def resolve(self, value: Any) -> Any:
        """The value with every function in it replaced by its result, or by Unresolved."""
        if isinstance(value, dict):
            if len(value) == 1:
                name, argument = next(iter(value.items()))
                if name == "Ref" or str(name).startswith("Fn::"):
                    return self._function(name, argument)
            pairs = {str(key): self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in pairs.items() if item is not _NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _NO_VALUE]
        if isinstance(value, str) and "{{resolve:" in value:
            return Unresolved(value)
        return _text(value)

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self.document.get(name)
        return section if isinstance(section, dict) else {}

    # -- functions ----------------------------------------------------------------------------------------------

    def _function(self, name: str, argument: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
        }
        if name not in functions:
            return Unresolved(name)
        try:
            return functions[name](argument)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            # CloudFormation has accepted the template: what does not fit here is a form that we do not know.
            return Unresolved(f"{name} {json.dumps(argument, default=str)}")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name.startswith("AWS::"):
            return self._pseudo_parameter(name)
        declaration = self._section("Parameters").get(name)
        if declaration is None or str(declaration.get("NoEcho", "")).lower() == "true":
            # A resource's own name is AWS's to say, and the value of a NoEcho parameter is masked wherever it is shown.
            return Unresolved(f"Ref {name}")
        value = self.parameters.get(name, _text(declaration.get("Default")))
        if value is None:
            return Unresolved(f"Ref {name}")
        kind = str(declaration.get("Type", ""))
        if "List<" in kind or "CommaDelimitedList" in kind:
            return [item.strip() for item in value.split(",")]
        return value

    def _pseudo_parameter(self, name: str) -> Any:
        _, partition, _, region, account, resource = self.stack_id.split(":", 5)
        values = {
            "AWS::AccountId": account,
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": resource.split("/")[1],
            "AWS::URLSuffix": _URL_SUFFIXES.get(partition),
        }
        return values.get(name) or Unresolved(f"Ref {name}")

    def _get_att(self, argument: Any) -> Any:
        path = argument if isinstance(argument, str) else ".".join(str(self.resolve(part)) for part in argument)
        return Unresolved(f"Fn::GetAtt {path}")

    def _if(self, argument: Any) -> Any:
        condition, if_true, if_false = argument
        holds = self._condition(str(condition))
        return holds if isinstance(holds, Unresolved) else self.resolve(if_true if holds else if_false)

    def _sub(self, argument: Any) -> Any:
        text, local = argument if isinstance(argument, list) else (argument, {})
        values = {str(name): self.resolve(value) for name, value in local.items()}

        def value_of(name: str) -> Any:
            if name in values:
                return values[name]
            return self._get_att(name) if "." in name else self._ref(name)

        names = [name.strip() for name in _SUBSTITUTION.findall(text)]
        by_name = {name: value_of(name) for name in names}
        if unresolved := first_unresolved(by_name):
            return unresolved
        if "{{resolve:" in text:
            return Unresolved(text)
        replaced = _SUBSTITUTION.sub(lambda match: _joined(by_name[match[1].strip()]), text)
        return _LITERAL.sub(r"${\1}", replaced)

    def _join(self, argument: Any) -> Any:
        delimiter, items = argument[0], self.resolve(argument[1])
        if unresolved := first_unresolved(items):
            return unresolved
        return str(delimiter).join(_all_texts(items))

    def _split(self, argument: Any) -> Any:
        delimiter, text = argument[0], self.resolve(argument[1])
        return text if isinstance(text, Unresolved) else _only_text(text).split(str(delimiter))

    def _select(self, argument: Any) -> Any:
        index, items = self.resolve(argument[0]), self.resolve(argument[1])
        for part in (index, items):
            if isinstance(part, Unresolved):
                return part
        number = whole_number(index)
        if isinstance(number, Unresolved) or not isinstance(items, list):
            raise ValueError(index)
        return items[number]

    def _find_in_map(self, argument: Any) -> Any:
        name, *keys = [self.resolve(part) for part in argument[:3]]
        if unresolved := first_unresolved([name, *keys]):
            return unresolved
        if isinstance(value := _entry(self._section("Mappings"), name, *keys), _NoValue):
            # AWS::LanguageExtensions adds a default.
            return self.resolve(argument[3]["DefaultValue"])
        return self.resolve(value)

    # -- conditions ---------------------------------------------------------------------------------------------

    def _condition(self, name: str) -> bool | Unresolved:
        return self._holds(self._section("Conditions")[name])

    def _holds(self, value: Any) -> bool | Unresolved:
        if isinstance(value, str | bool):
            return _boolean(value)
        ((name, argument),) = value.items()
        if name == "Condition":
            return self._condition(argument)
        if name == "Fn::Equals":
            left, right = (self.resolve(side) for side in argument)
            return first_unresolved([left, right]) or _joined(left) == _joined(right)
        parts = [self._holds(part) for part in argument] if name in ("Fn::And", "Fn::Or", "Fn::Not") else []
        if not parts:
            raise ValueError(name)
        # One part can decide the whole, whatever the others are.
        deciding = {"Fn::And": False, "Fn::Or": True}.get(name)
        if deciding in parts:
            return bool(deciding)
        if unresolved := first_unresolved(parts):
            return unresolved
        return not parts[0] if name == "Fn::Not" else not deciding


# -- values ---------------------------------------------------------------------------------------------------------


def whole_number(value: Any) -> int | Unresolved:
    """The number that a resolved value is; Unresolved when it is not known, or is none."""
    if isinstance(value, Unresolved):
        return value
    text = str(value).strip()
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else Unresolved(text)


def truth(value: Any) -> bool | Unresolved:
    """Whether a resolved value is true; nothing is false. Unresolved when it is not known, or is no boolean."""
    if isinstance(value, Unresolved):
        return value
    return False if value is None else _boolean(value)


def first_unresolved(value: Any) -> Unresolved | None:
    """The first value in a resolved value that is not known, None when all are."""
    return next(_unresolved_in(value), None)


def completed(value: Any, shown: Any) -> Any:
    """A resolved value, in which what is not known is taken from `shown`: the same as a change set shows it.

    What the change set does not know either stays Unresolved.
    """
    if isinstance(value, Unresolved):
        return value if shown is None or KNOWN_AFTER_APPLY in json.dumps(shown) else shown
    if isinstance(value, dict) and isinstance(shown, dict):
        return {key: completed(item, shown.get(key)) for key, item in value.items()}
    return value


def _unresolved_in(value: Any) -> Iterator[Unresolved]:
    if isinstance(value, Unresolved):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _unresolved_in(item)


def _entry(section: Mapping[str, Any], *path: Any) -> Any:
    value: Any = section
    for key in path:
        if not isinstance(value, dict) or str(key) not in value:
            return _NO_VALUE
        value = value[str(key)]
    return value


def _boolean(value: Any) -> bool | Unresolved:
    return {"true": True, "false": False}.get(str(value).lower(), Unresolved(str(value)))


def _text(value: Any) -> Any:
    """A scalar as a text, as a change set shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _only_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _all_texts(items: Any) -> list[str]:
    return [_only_text(item) for item in items] if isinstance(items, list) else [_only_text(items)]


def _joined(value: Any) -> str:
    return ",".join(_all_texts(value))


# -- the text of a template -------------------------------------------------------------------------------------------


class _Loader(yaml.CSafeLoader):
    """A number or a date is a text: an account id keeps its leading zero, and a version its last one."""


def _short_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    construct = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda node: loader.construct_sequence(node, deep=True),
        yaml.MappingNode: lambda node: loader.construct_mapping(node, deep=True),
    }[type(node)]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": construct(node)}


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("bool", "null", "merge")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_multi_constructor("!", _short_form)


def read_template(body: Any, parameters: Mapping[str, str], stack_id: str) -> Template:
    """The template that GetTemplate has answered: a text in YAML or JSON, or what boto3 has read from JSON.

    Raises TargetNotReady when it is none of these.
    """
    try:
        document = _read(body) if isinstance(body, str) else body
    except yaml.YAMLError as error:
        raise _unreadable(stack_id, str(error)) from error
    if not isinstance(document, dict):
        raise _unreadable(stack_id, type(document).__name__)
    return Template(document, parameters, stack_id)


def _read(text: str) -> Any:
    try:
        # JSON may be indented by tabs, which YAML does not allow.
        return json.loads(text)
    except ValueError:
        return yaml.load(text, _Loader)


def _unreadable(stack_id: str, reason: str) -> TargetNotReady:
    return TargetNotReady(
        f"stack {stack_id.split('/')[1]}: expected its template as YAML or JSON, found {reason}; save the template "
        "anew in one of these formats, and update the stack with it"
    )

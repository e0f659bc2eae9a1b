"""The IAM policy documents of a CloudFormation template, as a linter of policies can read them.

A linter wants ARNs, a template has intrinsic functions. What refers to a resource of the template becomes an ARN of
that resource's service, in this account, with wildcards for the rest; what comes from a parameter, any ARN; and either
of them, in the middle of a string, a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.core.ids import ACCOUNT, REGION

_NAME = "name"
_ANY_ARN = "arn:aws:*:*:*:*"
_NO_VALUE = object()

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{_NAME}/id",
    "AWS::StackName": _NAME,
    "AWS::URLSuffix": "amazonaws.com",
}
_SERVICES = {"ElasticLoadBalancingV2": "elasticloadbalancing", "StepFunctions": "states"}
"""The services whose name in ARNs is not that in resource types (Service Authorization Reference)."""


class PolicyNotUnderstood(Exception):
    """A policy document is written in a way that this module cannot read."""


@dataclass(frozen=True)
class PolicyDocument:
    """One policy document of a resource, with one side of each Fn::If in it."""

    resource: str
    document: dict[str, Any]


def policy_documents(template: Mapping[str, Any]) -> list[PolicyDocument]:
    """Every policy document of a template whose functions are spelled out, and of each both sides of its conditions.

    A trust policy, which has no Resource because it is about the role that carries it, gets that role as its Resource.

    Raises PolicyNotUnderstood.
    """
    documents: list[PolicyDocument] = []
    for name, resource in template["Resources"].items():
        for document in _documents(resource.get("Properties", {}), name):
            for side in (1, 2):
                read = PolicyDocument(name, _Reader(template, name, side).document(document))
                if read not in documents:
                    documents.append(read)
    return documents


def _documents(value: Any, resource: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _documents(item, resource)
    elif isinstance(value, dict):
        if "Statement" in value:
            yield value
            return
        for key, item in value.items():
            if key.endswith("PolicyDocument") and isinstance(item, str):
                raise PolicyNotUnderstood(
                    f"{resource}: expected {key} to be written as an object, found a string, which cannot be checked"
                )
            yield from _documents(item, resource)


@dataclass(frozen=True)
class _Reader:
    """Reads one policy document, with the first or the second value of each Fn::If (`side` is 1 or 2)."""

    template: Mapping[str, Any]
    resource: str
    side: int

    def document(self, document: dict[str, Any]) -> dict[str, Any]:
        read: dict[str, Any] = self._read(document)
        statements = read["Statement"] if isinstance(read["Statement"], list) else [read["Statement"]]
        if self.template["Resources"][self.resource]["Type"] == "AWS::IAM::Role":
            for statement in statements:
                if "Principal" in statement:
                    statement.setdefault("Resource", f"arn:aws:iam::{ACCOUNT}:role/{self.resource}")
        return {**read, "Statement": statements}

    def _read(self, value: Any) -> Any:
        if isinstance(value, list):
            items = [self._read(item) for item in value]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        name, argument = next(iter(value.items()), ("", None))
        if name == "Ref" or name.startswith("Fn::"):
            return self._function(name, argument)
        pairs = {key: self._read(item) for key, item in value.items()}
        return {key: item for key, item in pairs.items() if item is not _NO_VALUE}

    def _function(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref" if argument == "AWS::NoValue":
                return _NO_VALUE
            case "Ref" if "List" in self.template.get("Parameters", {}).get(argument, {}).get("Type", ""):
                return [_ANY_ARN]
            case "Ref":
                return self._reference(argument)
            case "Fn::GetAtt":
                return self._reference(".".join(argument) if isinstance(argument, list) else argument)
            case "Fn::If":
                return self._read(argument[self.side])
            case "Fn::Join":
                first, *rest = self._read(argument[1])
                # As in Fn::Sub: what follows the beginning of a string is a name.
                names = [_NAME if part.startswith("arn:") else part for part in rest]
                return argument[0].join([first, *names])
            case "Fn::Split":
                return self._read(argument[1]).split(argument[0])
            case "Fn::Sub":
                text, values = (argument, {}) if isinstance(argument, str) else argument
                return re.sub(r"\$\{([^!}]+)\}", lambda match: self._substitute(match, values), text)
            case _:
                raise PolicyNotUnderstood(
                    f"{self.resource}: expected Ref, Fn::GetAtt, Fn::If, Fn::Join, Fn::Split or Fn::Sub in a policy "
                    f"document, found {name}; write it with these, or add the function to linting/policy_documents.py"
                )

    def _substitute(self, match: re.Match[str], values: Mapping[str, Any]) -> str:
        name = match.group(1)
        if name in values:
            return str(self._read(values[name]))
        # Within a string it is a name; at its beginning, an ARN that the string continues.
        return self._reference(name) if match.start() == 0 or name in _PSEUDO_PARAMETERS else _NAME

    def _reference(self, reference: str) -> str:
        if reference in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[reference]
        name = reference.partition(".")[0]
        if name in self.template.get("Parameters", {}):
            return _ANY_ARN
        if name not in self.template["Resources"]:
            raise PolicyNotUnderstood(
                f"{self.resource}: expected a parameter or a resource of the template, found {reference} in a policy "
                "document"
            )
        service = self.template["Resources"][name]["Type"].split("::")[1]
        if service == "S3":  # its ARNs have neither Region nor account
            return f"arn:aws:s3:::{_NAME}"
        return f"arn:aws:{_SERVICES.get(service, service.lower())}:*:{ACCOUNT}:*"

"""Which resources of a template depend on one of its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SUBSTITUTION = re.compile(r"\$\{([^!{}][^{}]*)\}")


def dependents(document: Mapping[str, Any], parameter: str) -> frozenset[str]:
    """The logical ids of the resources that refer to the parameter: themselves, by a condition, or by another of them.

    `document` is a template as JSON has it, its transforms processed.
    """
    conditions, resources = _section(document, "Conditions"), _section(document, "Resources")
    on_it = {parameter} | {f"condition {name}" for name in _closure(conditions, {parameter}, "condition ")}
    return frozenset(_closure(resources, on_it, ""))


def refers(value: Any, name: str) -> bool:
    """Whether a part of a template refers to the parameter or resource of that name by itself."""
    return name in _references(value)


def _closure(section: Mapping[str, Any], on: set[str], prefix: str) -> set[str]:
    """The entries of the section that refer to one of `on`, directly or by another entry of the section."""
    references = {name: set(_references(entry)) for name, entry in section.items()}
    found: set[str] = set()
    while added := {
        name
        for name, names in references.items()
        if name not in found and names & (on | {f"{prefix}{other}" for other in found})
    }:
        found |= added
    return found


def _references(value: Any) -> Iterator[str]:
    """The names of what a part of a template refers to; those of conditions with `condition ` before them."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    if not isinstance(value, dict):
        return
    for key, argument in value.items():
        if key == "Ref":
            yield str(argument)
        elif key == "Condition" and isinstance(argument, str):
            yield f"condition {argument}"
        elif key == "Fn::GetAtt":
            yield str(argument[0] if isinstance(argument, list) else argument).split(".")[0]
        elif key == "Fn::If":
            yield f"condition {argument[0]}"
        elif key == "Fn::Sub":
            text = argument[0] if isinstance(argument, list) else argument
            yield from (name.strip().split(".")[0] for name in _SUBSTITUTION.findall(str(text)))
        yield from _references(argument)


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = document.get(name)
    return section if isinstance(section, dict) else {}

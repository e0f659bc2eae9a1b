"""The states of a state machine and the edges between them, read from its definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

START, END = "\0start", "\0end"
"""Nodes that are no states; the name of a state holds no control characters."""


class DiagramError(Exception):
    """A definition that is not the definition of a state machine."""


@dataclass(frozen=True)
class Edge:
    """A transition between two nodes; with `catch`, one that an error takes."""

    source: str
    target: str
    catch: bool = False
    label: str = ""


def check(definition: Mapping[str, Any]) -> None:
    """Raise DiagramError unless the definition has states, and one of them to start at."""
    if not definition.get("States") or definition.get("StartAt") not in definition["States"]:
        raise DiagramError(
            "expected a state machine's definition with `States` and a `StartAt` that names one of them, "
            f"found the keys {', '.join(sorted(definition)) or 'none'}"
        )


def inner_definitions(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The definitions inside a state: one in a Map, one for each branch of a Parallel, none in any other."""
    if state["Type"] == "Map":
        return [state.get("ItemProcessor") or state["Iterator"]]
    if state["Type"] == "Parallel":
        return list(state["Branches"])
    return []


def scopes(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The definition itself and, at any depth, those inside its Maps and Parallels."""
    yield definition
    for state in definition["States"].values():
        for inner in inner_definitions(state):
            yield from scopes(inner)


def read_edges(definition: Mapping[str, Any]) -> list[Edge]:
    """Every edge of one scope, from its start to its ends; two states have at most one edge of a kind."""
    edges: dict[tuple[str, str, bool], Edge] = {}

    def add(source: str, target: str, catch: bool = False, label: str = "") -> None:
        known = edges.get((source, target, catch))
        if known and known.label and label:
            label = f"{known.label} or {label}"
        edges[source, target, catch] = Edge(source, target, catch, label)

    add(START, definition["StartAt"])
    for name, state in definition["States"].items():
        for rule in state.get("Choices", ()):
            add(name, rule["Next"], label=_condition(rule))
        if "Default" in state:
            add(name, state["Default"], label="else")
        if "Next" in state:
            add(name, state["Next"])
        if state.get("End"):
            add(name, END)
        for catcher in state.get("Catch", ()):
            add(name, catcher["Next"], catch=True)
    return list(edges.values())


def _condition(rule: Mapping[str, Any]) -> str:
    """A choice rule in a few words, or "" for one that has no short form."""
    variable = rule.get("Variable", "").rpartition(".")[2]
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in variable)
    match rule:
        case {"BooleanEquals": bool(value)}:
            return words if value else f"not {words}"
        case {"StringEquals": str(value)}:
            return value
        case {"IsPresent": bool(value)}:
            return f"with {words}" if value else f"no {words}"
        case _:
            return ""

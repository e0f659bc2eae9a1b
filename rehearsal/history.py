"""The history of an execution, event by event: which states it visits, and for which target."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rehearsal.report.picture import StateVisit
from rehearsal.state_machine import stack_name


@dataclass(frozen=True)
class Entered:
    """The execution entered a state, `at` seconds after its start; `target` is the stack's name inside the Map."""

    name: str
    at: float
    target: str | None


@dataclass(frozen=True)
class Exited:
    """The execution left a state with the output `state`; `target` as for Entered."""

    name: str
    target: str | None
    state: Any


Branch = tuple[int, ...]
"""The run itself, (), or the index of a Map's iteration after those of the branch that the Map is in."""


class History:
    """Reads the events of one execution, as `GetExecutionHistory` gives them, in their order."""

    def __init__(self) -> None:
        self.visits: list[StateVisit] = []
        self.started_at: datetime | None = None
        self.last_state: Any = None
        """The input of the state of the run itself, not of an iteration, that was entered last."""
        self._branches: dict[int, Branch] = {0: ()}
        self._targets: dict[Branch, str | None] = {(): None}
        self._open: dict[tuple[Branch, str], int] = {}

    def read(self, event: dict[str, Any]) -> Entered | Exited | None:
        """Take the next event; returns what happened where it is the entering or leaving of a state."""
        kind, branch = event["type"], self._branches[event["previousEventId"]]
        if self.started_at is None:
            self.started_at = event["timestamp"]
        at = (event["timestamp"] - self.started_at).total_seconds()
        transition: Entered | Exited | None = None
        if kind == "MapIterationStarted":
            branch = (*branch, event["mapIterationStartedEventDetails"]["index"])
        elif kind.endswith("StateEntered"):
            transition = self._entered(kind.removesuffix("StateEntered"), event["stateEnteredEventDetails"], branch, at)
        elif kind.endswith("StateExited"):
            details = event["stateExitedEventDetails"]
            branch = self._branch_of_exit(branch, details["name"])
            transition = self._exited(details, branch, at)
        elif kind.endswith(("Failed", "TimedOut", "Succeeded")) and not kind.startswith(("Execution", "Map")):
            self._note_outcome(event, branch)
        self._branches[event["id"]] = branch
        return transition

    def _entered(self, state_type: str, details: dict[str, Any], branch: Branch, at: float) -> Entered:
        name, state = details["name"], json.loads(details["input"])
        if branch not in self._targets:
            self._targets[branch] = stack_name(state) or self._targets.get(branch[:-1])
        target = self._targets[branch]
        self._open[branch, name] = len(self.visits)
        self.visits.append(StateVisit(name, state_type, at, None, target, None))
        if not branch:
            self.last_state = state
        return Entered(name, at, target)

    def _exited(self, details: dict[str, Any], branch: Branch, at: float) -> Exited:
        name = details["name"]
        position = self._open.pop((branch, name))
        self.visits[position] = replace(self.visits[position], exited=at)
        return Exited(name, self._targets[branch], json.loads(details["output"]))

    def _branch_of_exit(self, branch: Branch, name: str) -> Branch:
        """A Map is left from its last iteration."""
        while (branch, name) not in self._open:
            branch = branch[:-1]
        return branch

    def _note_outcome(self, event: dict[str, Any], branch: Branch) -> None:
        details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        error = details.get("error") if not event["type"].endswith("Succeeded") else None
        for (open_branch, _), position in self._open.items():
            if open_branch == branch:
                self.visits[position] = replace(self.visits[position], error=error)

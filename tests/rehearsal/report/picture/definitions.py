"""Any state machine's definition, made up, and the states in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from rehearsal.report.picture import scopes


def all_states(machine: Mapping[str, Any]) -> list[str]:
    """The names of the states, at any depth."""
    return [name for scope in scopes(machine) for name in scope["States"]]


@st.composite
def definitions(draw: st.DrawFn, prefix: str = "S", depth: int = 1) -> dict[str, Any]:
    names = [f"{prefix}{number} {'x' * draw(st.integers(0, 20))}" for number in range(draw(st.integers(1, 7)))]
    anywhere = st.sampled_from(names)
    kinds = ["Task", "Wait", "Choice", "Succeed", "Fail", *(["Map", "Parallel"] if depth else [])]
    states: dict[str, Any] = {}
    for number, name in enumerate(names):
        kind = draw(st.sampled_from(kinds))
        state: dict[str, Any] = {"Type": kind}
        if kind == "Choice":
            rules = draw(st.lists(anywhere, min_size=1, max_size=3))
            state["Choices"] = [{"Variable": "$.x.someThing", "BooleanEquals": True, "Next": rule} for rule in rules]
            state["Default"] = draw(anywhere)
        elif kind not in ("Succeed", "Fail"):
            state |= {"Next": draw(anywhere)} if draw(st.booleans()) else {"End": True}
        if kind in ("Task", "Map", "Parallel"):
            caught = draw(st.lists(anywhere, max_size=2))
            state["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": catcher} for catcher in caught]
        if kind == "Map":
            state["ItemProcessor"] = draw(definitions(f"{prefix}{number}m", depth - 1))
        if kind == "Parallel":
            state["Branches"] = [draw(definitions(f"{prefix}{number}{branch}", depth - 1)) for branch in "ab"]
        states[name] = state
    return {"StartAt": draw(anywhere), "States": states}

"""The names of the scenarios, which are those of their files. To look one up takes no time."""

from __future__ import annotations

import difflib
from pathlib import Path

SCENARIOS = Path(__file__).parent / "scenarios"

_MOST_SUGGESTIONS = 3


class NoSuchScenario(ValueError):
    """There is no scenario of that name."""


def names() -> list[str]:
    """The names of all scenarios, the happy path first."""
    return sorted((path.stem for path in SCENARIOS.glob("*.yaml")), key=lambda name: (name != "happy-path", name))


def file_of(name: str) -> Path:
    """The file of the scenario of that name. Raises NoSuchScenario, with the names that are closest to it."""
    if name not in names():
        close = difflib.get_close_matches(name, names(), _MOST_SUGGESTIONS, cutoff=0.4)
        there_are = f"the closest are {', '.join(close)}" if close else f"there are {', '.join(names())}"
        raise NoSuchScenario(f"expected the name of a scenario, found {name!r}; {there_are}")
    return SCENARIOS / f"{name}.yaml"

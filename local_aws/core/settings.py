"""How the embedded AWS behaves where AWS's behaviour is chance: how long things take, and what fails.

Each service has a frozen dataclass for it in its `settings.py`; its defaults are the happy path. `LocalAws` is given
those that differ.
"""

from __future__ import annotations

from typing import Any, TypeVar

Settings = TypeVar("Settings")

_in_force: dict[type, Any] = {}


class InvalidSettings(ValueError):
    """Settings that contradict themselves or have no meaning."""


def use(*settings: object) -> None:
    """Put these settings in force, each in place of the one of its class."""
    _in_force.update({type(instance): instance for instance in settings})


def reset() -> None:
    """Put the defaults of every class in force again."""
    _in_force.clear()


def current(kind: type[Settings]) -> Settings:
    """The settings of that class that are in force."""
    if kind not in _in_force:
        _in_force[kind] = kind()
    return _in_force[kind]  # type: ignore[no-any-return]

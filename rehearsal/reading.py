"""Reading a parsed YAML document into dataclasses, strictly."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

_WORDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}

Class = typing.TypeVar("Class")


class InvalidDocument(ValueError):
    """A document has a key or a value that its class has no use for, or lacks a key."""


def read(kind: type[Class], document: Mapping[str, Any], where: str) -> Class:
    """The dataclass `kind`, from a document whose keys are its fields (`lambda` for `lambda_`).

    `where` names the document in errors. Raises InvalidDocument, naming the key, what was expected and the closest
    known key; also for the ValueError with which the dataclass refuses its values.
    """
    known: dict[str, Field[Any]] = {field.name.rstrip("_"): field for field in fields(kind)}  # type: ignore[arg-type]
    for key in document:
        if key not in known:
            raise InvalidDocument(f"{where}: unknown key {key!r}{did_you_mean(str(key), list(known))}")
    for key, field in known.items():
        if key not in document and field.default is MISSING and field.default_factory is MISSING:
            raise InvalidDocument(
                f"{where}: expected the key {key!r}, found {', '.join(map(str, document)) or 'nothing'}"
            )
    hints = typing.get_type_hints(kind)
    values = {
        known[key].name: _value(hints[known[key].name], value, f"{where}, {key}") for key, value in document.items()
    }
    try:
        return kind(**values)
    except ValueError as error:
        raise InvalidDocument(f"{where}: {error}") from error


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """What an error adds to an unknown name: the closest known name or, where none is close, all of them."""
    close = difflib.get_close_matches(name, known, 1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _value(hint: Any, value: Any, where: str) -> Any:
    """`value` as the field of the type `hint` takes it."""
    if hint is Any:
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        for argument in arguments:
            if argument is not type(None) and _fits(argument, value):
                return _value(argument, value, where)
    elif origin in (tuple, list):
        if isinstance(value, list):
            items = [_value(arguments[0], item, f"{where}[{position}]") for position, item in enumerate(value)]
            return tuple(items) if origin is tuple else items
    elif origin is dict:
        if isinstance(value, dict):
            return {str(key): _value(arguments[1], item, f"{where}, {key}") for key, item in value.items()}
    elif is_dataclass(hint):
        if isinstance(value, dict):
            return read(typing.cast(type, hint), value, where)
    elif _fits(hint, value):
        return float(value) if hint is float else value
    raise InvalidDocument(f"{where}: expected {_words(hint)}, found {value!r}")


def _fits(hint: Any, value: Any) -> bool:
    if is_dataclass(hint) or typing.get_origin(hint) is dict:
        return isinstance(value, dict)
    if typing.get_origin(hint) in (tuple, list):
        return isinstance(value, list)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint


def _words(hint: Any) -> str:
    if is_dataclass(hint) or typing.get_origin(hint) is dict:
        return "a mapping"
    if typing.get_origin(hint) in (tuple, list):
        return "a list"
    return _WORDS.get(hint, str(hint))

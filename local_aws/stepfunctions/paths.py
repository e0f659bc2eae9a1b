"""JSONPath as the Amazon States Language has it; moto's own takes a list of one element for its element."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonpath_ng.ext.parser
import jsonpath_ng.parser
from jsonpath_ng.jsonpath import Child, Fields, Index, Root
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

_parse_path = lru_cache(maxsize=4096)(jsonpath_ng.ext.parser.parse)

parse_reference_path = lru_cache(maxsize=4096)(jsonpath_ng.parser.parse)
"""Parses a reference path, of which one definition has few and an execution evaluates many."""


def extract_json(path: str, data: Any) -> Any:
    """The value at a definite path as it is, or the list of all matches of an indefinite one (which may be empty).

    Raises moto's NoSuchJsonPathError when a definite path leads to nothing. Source: Amazon States Language, "Paths".
    """
    expression = _parse_path(path)
    matches = expression.find(data)
    if not _is_definite(expression):
        return [match.value for match in matches]
    if not matches:
        raise NoSuchJsonPathError(json_path=path, data=data)
    return matches[0].value


def _is_definite(path: Any) -> bool:
    """Whether a parsed path can name one value at most: no wildcard, slice, filter, union or descent."""
    if isinstance(path, Child):
        return _is_definite(path.left) and _is_definite(path.right)
    if isinstance(path, Fields):
        return len(path.fields) == 1 and path.fields[0] != "*"
    if isinstance(path, Index):
        return len(path.indices) == 1
    return isinstance(path, Root)

"""What every new execution environment does over again, remembered for the process.

Each function has modules and a boto3 session of its own, so that none sees another's. What these are made from never
changes while the process runs, and most of a cold start went into reading it: the services' models, the methods that
botocore makes from them (EC2 has many hundred), and the text from which `dataclasses` makes methods.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import botocore.client
import botocore.loaders

from local_aws.seams.guard import expect_parameters

_Loader: Any = botocore.loaders.JSONFileLoader
_Creator: Any = botocore.client.ClientCreator

expect_parameters(_Loader.load_file, "self", "file_path")
expect_parameters(_Creator._create_methods, "self", "service_model")

_load_file = functools.cache(_Loader().load_file)
_create_methods = _Creator._create_methods
_methods: dict[str, dict[str, Any]] = {}
_compile = functools.cache(lambda text: compile(text, "<string>", "exec"))


def _methods_of(creator: Any, service_model: Any) -> dict[str, Any]:
    name = service_model.service_name
    if name not in _methods:
        _methods[name] = _create_methods(creator, service_model)
    return dict(_methods[name])


@functools.cache
def install() -> None:
    """Remember from now on, for the rest of the process."""
    _Loader.load_file = lambda _, file_path: _load_file(file_path)
    _Creator._create_methods = _methods_of
    # The module finds this name before the built-in one.
    dataclasses.exec = lambda text, *namespaces: exec(_compile(text), *namespaces)  # type: ignore[attr-defined]

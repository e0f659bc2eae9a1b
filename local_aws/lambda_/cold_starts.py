"""What every new execution environment does over again, remembered for the process.

Each function has modules and a boto3 session of its own, so that none sees another's. What these are made from never
changes while the process runs, and most of a cold start went into reading it: the services' models, the methods that
botocore makes from them (EC2 has many hundred), the names and signatures of its event handlers, the text from which
`dataclasses` makes methods, and the compiled code of the modules.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.machinery
import inspect
from pathlib import Path
from types import CodeType
from typing import Any

import botocore.client
import botocore.hooks
import botocore.loaders

from local_aws.core.guard import expect_parameters

_Loader: Any = botocore.loaders.JSONFileLoader
_Creator: Any = botocore.client.ClientCreator

_hooks: Any = botocore.hooks
_Source: Any = importlib.machinery.SourceFileLoader

expect_parameters(_Loader.load_file, "self", "file_path")
expect_parameters(_Creator._load_service_model, "self", "service_name", "api_version")
expect_parameters(_Creator._create_methods, "self", "service_model")
expect_parameters(_hooks.EventAliaser._alias_event_name, "self", "event_name")
expect_parameters(_hooks.accepts_kwargs, "func")
expect_parameters(_Source.get_code, "self", "fullname")

_load_file = functools.cache(_Loader().load_file)
_full_accepts_kwargs = _hooks.accepts_kwargs
_read_code = _Source.get_code
_codes: dict[tuple[str, str, int, int], CodeType] = {}
_compile = functools.cache(lambda text: compile(text, "<string>", "exec"))


def _once(make: Any, key: Any) -> Any:
    """A method that calls `make` once for each value that `key` returns for the method's arguments."""
    made: dict[Any, Any] = {}

    def remembered(self: Any, *arguments: Any, **named: Any) -> Any:
        value = key(*arguments, **named)
        if value not in made:
            made[value] = make(self, *arguments, **named)
        return made[value]

    return remembered


def _accepts_kwargs(function: Any) -> bool:
    """What botocore's function of this name finds out by making the whole signature."""
    code = getattr(function, "__code__", None)
    return bool(code.co_flags & inspect.CO_VARKEYWORDS) if code else _full_accepts_kwargs(function)


def _get_code(loader: Any, fullname: str) -> CodeType:
    """What the loader's method of this name returns, read again when the file has changed."""
    path = loader.get_filename(fullname)
    status = Path(path).stat()
    key = (fullname, path, status.st_mtime_ns, status.st_size)
    if key not in _codes:
        _codes[key] = _read_code(loader, fullname)
    return _codes[key]


@functools.cache
def install() -> None:
    """Remember from now on, for the rest of the process."""
    _Loader.load_file = lambda _, file_path: _load_file(file_path)
    _Creator._load_service_model = _once(
        _Creator._load_service_model, lambda name, api_version=None: (name, api_version)
    )
    methods = _once(_Creator._create_methods, lambda service_model: service_model)
    _Creator._create_methods = lambda self, service_model: dict(methods(self, service_model))
    _hooks.EventAliaser._alias_event_name = _once(_hooks.EventAliaser._alias_event_name, lambda event_name: event_name)
    _hooks.accepts_kwargs = _accepts_kwargs
    # The module finds this name before the built-in one.
    dataclasses.exec = lambda text, *namespaces: exec(_compile(text), *namespaces)  # type: ignore[attr-defined]
    _Source.get_code = _get_code

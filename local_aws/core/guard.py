"""What the seams rely on in moto, checked at import, so that an upgrade of moto fails here and nowhere else."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any


class MotoChanged(ImportError):
    """moto is not as a seam expects it to be."""


def expect_parameters(function: Callable[..., Any], *names: str) -> None:
    """Raise MotoChanged unless `function` takes exactly the parameters `names`, in this order."""
    parameters = tuple(inspect.signature(function).parameters)
    if parameters != names:
        raise MotoChanged(
            f"moto {version('moto')}: expected {function.__module__}.{function.__qualname__} to take "
            f"({', '.join(names)}), found ({', '.join(parameters)}); "
            "install the moto of requirements/dev.txt, or adapt the seam"
        )


def expect_attributes(holder: object, *names: str) -> None:
    """Raise MotoChanged unless `holder`, a module, a class or an instance, has every attribute of `names`."""
    missing = [name for name in names if not hasattr(holder, name)]
    if missing:
        where = getattr(holder, "__name__", type(holder).__name__)
        raise MotoChanged(
            f"moto {version('moto')}: expected {where} to have {', '.join(missing)}, found nothing of the name; "
            "install the moto of requirements/dev.txt, or adapt the seam"
        )

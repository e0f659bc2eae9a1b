"""Who may import whom. The order of the services is `local_aws.SERVICES`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from local_aws import SERVICES
from tests.repository.imports import ROOT, Import, assignments_to_moto, circle, imports, imports_of, modules

# What of moto belongs to no service.
_MOTOS_OWN = {"backend_index", "backends", "core", "mock_aws", "moto_api", "moto_server", "utilities"}
# Where the name of moto's package is not that of ours.
_OURS = {"awslambda": "lambda_", "sts": "iam"}

_PICTURE = "rehearsal.report.picture"
_AWS = re.compile(r"aws|amazon|autopatch|cloudformation|step functions|stack|\bamis?\b|\bec2\b", re.IGNORECASE)


def _package(name: str) -> str:
    return name.split(".")[0]


def _service(module: str) -> str | None:
    """The service whose folder the module is in; None for core and for what is above the services."""
    parts = module.split(".")
    return parts[1] if parts[0] == "local_aws" and len(parts) > 1 and parts[1] in SERVICES else None


def _within(package: str, *allowed: str) -> list[str]:
    """The imports of the package that reach another part of the repository than those allowed."""
    parts = {_package(name) for name in modules()} | {"tests", "benchmarks"}
    return [
        str(entry)
        for entry in imports()
        if _package(entry.module) == package
        and _package(entry.imported) in parts - {package}
        and not any(entry.imported == name or entry.imported.startswith(f"{name}.") for name in allowed)
    ]


def test_every_folder_of_the_embedded_aws_is_core_or_a_service_of_the_written_order() -> None:
    folders = {path.parent.name for path in (ROOT / "local_aws").glob("*/*.py")}
    assert folders == {"core", *SERVICES}


def test_the_functions_and_the_embedded_aws_import_nothing_else_of_the_repository() -> None:
    assert _within("autopatch") == []
    assert _within("local_aws") == []


def test_a_rehearsal_imports_the_embedded_aws_and_the_contracts() -> None:
    assert _within("rehearsal", "local_aws", "autopatch.contracts") == []


def test_the_picture_of_a_state_machine_imports_nothing_of_the_repository_but_itself() -> None:
    reaching = [
        str(entry)
        for entry in imports()
        if entry.module.startswith(_PICTURE)
        and _package(entry.imported) in {_package(name) for name in modules()}
        and not entry.imported.startswith(_PICTURE)
    ]
    assert reaching == []


def test_the_picture_of_a_state_machine_knows_nothing_of_aws() -> None:
    named = [
        f"{path.name}: {word}"
        for path in sorted((ROOT / _PICTURE.replace(".", "/")).iterdir())
        if path.is_file()
        for word in _AWS.findall(path.read_text())
    ]
    assert named == []


def test_linting_imports_what_packages_the_template() -> None:
    assert _within("linting", "local_aws", "rehearsal.deployment") == []


def test_the_embedded_aws_names_nothing_of_the_application() -> None:
    named = [
        name
        for name, path in modules().items()
        if _package(name) == "local_aws" and "autopatch" in path.read_text().lower()
    ]
    assert named == []


def test_core_imports_no_service_and_services_import_those_before_them() -> None:
    wrong = []
    for entry in imports():
        importing, imported = _service(entry.module), _service(entry.imported)
        if imported is None:
            continue
        is_core = entry.module.startswith("local_aws.core")
        if is_core or (importing is not None and SERVICES.index(imported) > SERVICES.index(importing)):
            wrong.append(str(entry))
    assert wrong == []


def test_a_service_of_moto_is_imported_in_its_own_folder_only() -> None:
    wrong = [
        str(entry)
        for entry in imports()
        if entry.imported.startswith("moto.")
        and (service := entry.imported.split(".")[1]) not in _MOTOS_OWN
        and _service(entry.module) != _OURS.get(service, service)
    ]
    assert wrong == []


def test_moto_is_assigned_to_in_seams_only() -> None:
    wrong = [
        f"{name}:{line}"
        for name, path in modules().items()
        if path.name != "seam.py"
        for line in assignments_to_moto(path.read_text())
    ]
    assert wrong == []


def test_there_is_no_circle() -> None:
    pairs = ((entry.module, entry.imported) for entry in imports() if entry.imported in modules())
    assert circle(pairs) == []


def test_an_import_inside_a_function_has_a_reason() -> None:
    assert [str(entry) for entry in imports() if entry.local and not entry.reason] == []


# -- the reading itself ------------------------------------------------------------------------------------------------


def _read(source: str) -> Iterator[Import]:
    return imports_of("local_aws.sns.topics", source)


def test_imports_are_read_wherever_they_stand() -> None:
    source = (
        "import moto.sns.models\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from local_aws.core import clock\n"
        "def function():\n"
        "    import json\n"
        "    from moto import events  # takes long\n"
    )
    assert [(entry.imported, entry.local, entry.reason) for entry in _read(source)] == [
        ("moto.sns.models", False, False),
        ("typing", False, False),
        ("local_aws.core.clock", False, False),
        ("json", True, False),
        ("moto.events", True, True),
    ]


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        ("models.Topic.publish = None", [2]),
        ("models.settings['x'] = 1", [2]),
        ("setattr(models.Topic, 'publish', None)", [2]),
        ("del models.Topic.publish", [2]),
        ("publish = models.Topic.publish", []),
        ("self.models = models", []),
    ],
)
def test_assignments_to_moto_are_seen(statement: str, lines: list[int]) -> None:
    assert assignments_to_moto(f"from moto.sns import models\n{statement}\n") == lines


def test_a_circle_is_seen() -> None:
    assert circle(iter([("a", "b"), ("b", "c")])) == []
    assert set(circle(iter([("a", "b"), ("b", "c"), ("c", "a")]))) == {"a", "b", "c"}

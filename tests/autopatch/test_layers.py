"""What may import what in functions/: each rule lists its violations, and is seen to find a planted one.

errors            nothing
settings          errors
contracts         errors, settings, and what of AWS's own stands in documents
aws/client        errors
aws/<service>     errors, the client, and its own folder where the service has one
what we decide    all of these, and each other
handlers/         all of these, and not each other
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"
SOURCES = {
    ".".join(path.relative_to(FUNCTIONS).with_suffix("").parts): path.read_text()
    for path in FUNCTIONS.rglob("*.py")
    if path.name != "__init__.py"
}
ON_LAMBDA = {"autopatch", "aws_lambda_powertools", "boto3", "botocore", "msgspec", "yaml", *sys.stdlib_module_names}
REASON = re.compile(r"#(?! *(type|noqa):)")

ALLOWED = {
    "autopatch.errors": set[str](),
    "autopatch.settings": {"autopatch.errors"},
    "autopatch.contracts": {
        "autopatch.errors",
        "autopatch.settings",
        "autopatch.aws.cloudformation.rollback_configuration",
    },
    "autopatch.aws.client": {"autopatch.errors"},
}

Sources = Mapping[str, str]
Rule = Callable[[Sources], list[str]]

# Every rule reads the same modules.
parsed = functools.cache(ast.parse)


def imports(source: str) -> Iterator[tuple[str, ast.stmt, bool]]:
    """Each module that the source imports, the statement, and whether it is for type checkers only."""

    def visit(node: ast.AST, for_types: bool) -> Iterator[tuple[str, ast.stmt, bool]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node, for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # What is imported from a package may be a module of it.
            packages = {"autopatch", "autopatch.aws", "autopatch.handlers"}
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module in packages else []
            yield from ((name, node, for_types) for name in names or [str(node.module)])
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                yield from visit(statement, True)
        else:
            for child in ast.iter_child_nodes(node):
                yield from visit(child, for_types)

    yield from visit(parsed(source), False)


def ours(source: str) -> set[str]:
    """The modules of functions/ that the source imports, for whatever it needs them."""
    return {name for name, _, _ in imports(source) if name.startswith("autopatch.")}


def only_what_lambda_has_is_imported(sources: Sources) -> list[str]:
    """`types_boto3_*` are stubs, which no running code imports."""
    return [
        f"{module} imports {name}"
        for module, source in sources.items()
        for name, _, for_types in imports(source)
        if name.split(".")[0] not in ON_LAMBDA and not (for_types and name.startswith("types_boto3_"))
    ]


def no_layer_imports_one_above_it(sources: Sources) -> list[str]:
    def allowed(module: str, imported: str) -> bool:
        if module in ALLOWED:
            return imported in ALLOWED[module]
        if module.startswith("autopatch.aws."):
            own_folder = ".".join(module.split(".")[:3]) + "."
            return imported in ("autopatch.errors", "autopatch.aws.client") or imported.startswith(own_folder)
        return not imported.startswith("autopatch.handlers.")

    return [
        f"{module} imports {imported}"
        for module, source in sources.items()
        for imported in sorted(ours(source))
        if not allowed(module, imported)
    ]


def no_modules_import_each_other(sources: Sources) -> list[str]:
    """A circle is one as well where an import is for type checkers only: what it ties cannot be read apart."""
    graph = {module: ours(source) & set(sources) for module, source in sources.items()}

    def reached(start: str) -> set[str]:
        seen, todo = set[str](), list(graph[start])
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo.extend(graph[module])
        return seen

    return [f"{module} imports itself, through others" for module in sorted(graph) if module in reached(module)]


def an_import_inside_a_function_says_why(sources: Sources) -> list[str]:
    violations = []
    for module, source in sources.items():
        lines = source.splitlines()
        functions = [node for node in ast.walk(parsed(source)) if isinstance(node, ast.FunctionDef)]
        statements = {node for function in functions for node in ast.walk(function)}
        for node in statements:
            if isinstance(node, ast.Import | ast.ImportFrom) and not REASON.search(lines[node.lineno - 1]):
                violations.append(
                    f"{module}, line {node.lineno}: an import inside a function, without a reason beside it"
                )
    return violations


def a_handler_catches_no_bare_exception_and_never_sleeps(sources: Sources) -> list[str]:
    violations = []
    for module, source in sources.items():
        if not module.startswith("autopatch.handlers."):
            continue
        caught = [
            ast.unparse(node.type or node) for node in ast.walk(parsed(source)) if isinstance(node, ast.ExceptHandler)
        ]
        violations += [f"{module} catches {name}" for name in caught if name in ("Exception", "BaseException")]
        violations += [f"{module} imports time" for name, _, _ in imports(source) if name == "time"]
    return violations


def a_handler_is_at_most_a_screen(sources: Sources) -> list[str]:
    return [
        f"{module} has {len(source.splitlines())} lines"
        for module, source in sources.items()
        if module.startswith("autopatch.handlers.") and len(source.splitlines()) > 50
    ]


def only_checks_of_templates_read_yaml(sources: Sources) -> list[str]:
    """PyYAML takes a cold start some 16 ms, which no other function needs."""
    run = {
        module: {name for name, _, for_types in imports(source) if not for_types} for module, source in sources.items()
    }

    def needs_yaml(module: str, seen: frozenset[str] = frozenset()) -> bool:
        return "yaml" in run[module] or any(
            needs_yaml(name, seen | {module}) for name in run[module] & set(run) if name not in seen
        )

    return [
        f"{module} needs yaml"
        for module in sources
        if module.startswith("autopatch.handlers.")
        and needs_yaml(module) != (module.rpartition(".")[2] in ("check_readiness", "check_targets"))
    ]


RULES: list[Rule] = [
    only_what_lambda_has_is_imported,
    no_layer_imports_one_above_it,
    no_modules_import_each_other,
    an_import_inside_a_function_says_why,
    a_handler_catches_no_bare_exception_and_never_sleeps,
    a_handler_is_at_most_a_screen,
    only_checks_of_templates_read_yaml,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_functions_keep_the_rule(rule: Rule) -> None:
    assert rule(SOURCES) == []


FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
INSIDE = "def f() -> None:\n    import json"

# fmt: off
PLANTED: list[tuple[Rule, str, str, str]] = [
    (only_what_lambda_has_is_imported, "autopatch.polling", "from local_aws import clock",
     "autopatch.polling imports local_aws"),
    (only_what_lambda_has_is_imported, "autopatch.polling", f"{FOR_TYPES}from tests import conftest",
     "autopatch.polling imports tests"),
    (only_what_lambda_has_is_imported, "autopatch.polling", "import types_boto3_ec2",
     "autopatch.polling imports types_boto3_ec2"),
    (no_layer_imports_one_above_it, "autopatch.errors", "from autopatch.settings import STACK_NAME",
     "autopatch.errors imports autopatch.settings"),
    (no_layer_imports_one_above_it, "autopatch.settings", "from autopatch.contracts import Run",
     "autopatch.settings imports autopatch.contracts"),
    (no_layer_imports_one_above_it, "autopatch.contracts", "from autopatch.aws.image_builder import ImageStatus",
     "autopatch.contracts imports autopatch.aws.image_builder"),
    (no_layer_imports_one_above_it, "autopatch.aws.client", "from autopatch.aws.ec2 import Ec2",
     "autopatch.aws.client imports autopatch.aws.ec2"),
    (no_layer_imports_one_above_it, "autopatch.aws.ec2", "from autopatch.aws import auto_scaling",
     "autopatch.aws.ec2 imports autopatch.aws.auto_scaling"),
    (no_layer_imports_one_above_it, "autopatch.aws.ec2", f"{FOR_TYPES}from autopatch.contracts import Run",
     "autopatch.aws.ec2 imports autopatch.contracts"),
    (no_layer_imports_one_above_it, "autopatch.aws.cloudformation.stacks", "from autopatch import polling",
     "autopatch.aws.cloudformation.stacks imports autopatch.polling"),
    (no_layer_imports_one_above_it, "autopatch.polling", "from autopatch.handlers import notify",
     "autopatch.polling imports autopatch.handlers.notify"),
    (no_layer_imports_one_above_it, "autopatch.handlers.notify", "from autopatch.handlers.plan_run import stacks",
     "autopatch.handlers.notify imports autopatch.handlers.plan_run"),
    (no_modules_import_each_other, "autopatch.polling", "from autopatch.updating import StackUpdater",
     "autopatch.polling imports itself, through others"),
    (no_modules_import_each_other, "autopatch.polling", f"{FOR_TYPES}from autopatch.updating import StackUpdater",
     "autopatch.polling imports itself, through others"),
    (an_import_inside_a_function_says_why, "autopatch.polling", INSIDE,
     "autopatch.polling, line "),
    (an_import_inside_a_function_says_why, "autopatch.polling", f"{INSIDE}  # noqa: PLC0415",
     "autopatch.polling, line "),
    (a_handler_catches_no_bare_exception_and_never_sleeps, "autopatch.handlers.notify",
     "try:\n    pass\nexcept Exception:\n    pass", "autopatch.handlers.notify catches Exception"),
    (a_handler_catches_no_bare_exception_and_never_sleeps, "autopatch.handlers.notify", "from time import sleep",
     "autopatch.handlers.notify imports time"),
    (a_handler_is_at_most_a_screen, "autopatch.handlers.notify", "pass\n" * 50,
     "autopatch.handlers.notify has "),
    (only_checks_of_templates_read_yaml, "autopatch.findings", "from autopatch.templates import Template",
     "autopatch.handlers.preview_update needs yaml"),
]
# fmt: on


@pytest.mark.parametrize(("rule", "module", "code", "violation"), PLANTED)
def test_a_planted_violation_is_found(rule: Rule, module: str, code: str, violation: str) -> None:
    violations = rule({**SOURCES, module: f"{SOURCES[module]}\n{code}\n"})
    assert any(line.startswith(violation) for line in violations), violations


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, *_ in PLANTED} == set(RULES)


def test_an_import_inside_a_function_with_its_reason_is_fine() -> None:
    reasoned = f"{SOURCES['autopatch.polling']}\n{INSIDE}  # it is needed once a year\n"
    assert an_import_inside_a_function_says_why({**SOURCES, "autopatch.polling": reasoned}) == []

"""What may import what: handlers, then contracts and gateways, then settings and errors; nothing of development."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"
MODULES = {
    ".".join(path.relative_to(FUNCTIONS).with_suffix("").parts): path
    for path in FUNCTIONS.rglob("*.py")
    if path.name != "__init__.py"
}
BOTTOM = {"autopatch.errors", "autopatch.settings"}
ON_LAMBDA = {"autopatch", "aws_lambda_powertools", "boto3", "botocore"}


def imported(path: Path, with_types: bool = False) -> set[str]:
    """The modules that are imported when this one is; those for type checkers only with `with_types`."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not with_types:
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(
                [str(node.module)] if node.module != "autopatch" else [f"autopatch.{a.name}" for a in node.names]
            )
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


@pytest.mark.parametrize("module", MODULES)
def test_only_what_lambda_has_is_imported(module: str) -> None:
    tops = {name.split(".")[0] for name in imported(MODULES[module])}
    assert tops <= ON_LAMBDA | set(sys.stdlib_module_names)


@pytest.mark.parametrize("module", MODULES)
def test_no_layer_imports_one_above_it(module: str) -> None:
    ours = {name for name in imported(MODULES[module]) if name.startswith("autopatch.")}
    if module.startswith("autopatch.handlers."):
        assert not {name for name in ours if name.startswith("autopatch.handlers.")}
    elif module in BOTTOM:
        assert ours <= BOTTOM
    else:
        assert not {name for name in ours if name.startswith("autopatch.handlers.")}


def test_the_errors_import_nothing() -> None:
    assert imported(MODULES["autopatch.errors"], with_types=True) == set()


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("autopatch.handlers.")])
def test_a_handler_catches_no_bare_exception_and_never_sleeps(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    caught = [ast.unparse(node.type or node) for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    assert not {"Exception", "BaseException"} & set(caught)
    assert "time" not in imported(MODULES[module])

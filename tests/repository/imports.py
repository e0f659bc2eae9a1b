"""The imports of the repository's modules, read from their source, and the statements that reach into moto."""

from __future__ import annotations

import ast
import functools
import graphlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {"autopatch": ROOT / "functions", "local_aws": ROOT, "rehearsal": ROOT, "linting": ROOT}
"""The packages, and the folder in which each is."""


@dataclass(frozen=True)
class Import:
    """One import: `module` imports `imported`, on `line`. `local` says that it does so inside a function."""

    module: str
    imported: str
    line: int
    local: bool
    reason: bool
    """Whether a comment stands on the line, or on the one before."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.imported}"


@functools.cache
def modules() -> dict[str, Path]:
    """The file of each module of the packages, by its dotted name."""
    paths: dict[str, Path] = {}
    for package, folder in PACKAGES.items():
        for path in sorted((folder / package).rglob("*.py")):
            paths[_name(path.relative_to(folder))] = path
    return paths


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports() -> tuple[Import, ...]:
    """Every import of every module. Of `from package import module`, it is the module that is imported."""
    return tuple(entry for name, path in modules().items() for entry in imports_of(name, path.read_text()))


def imports_of(module: str, source: str) -> Iterator[Import]:
    """The imports of one module, from its source."""
    lines, tree = source.splitlines(), ast.parse(source)
    inside = {
        id(inner)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if _is_module(name) else node.module for name in names]
        else:
            continue
        reason = "#" in lines[node.lineno - 1] or lines[max(0, node.lineno - 2)].strip().startswith("#")
        for name in dict.fromkeys(names):
            yield Import(module, name, node.lineno, id(node) in inside, reason)


def _is_module(name: str) -> bool:
    return name in modules() or (name.startswith("moto.") and name.count(".") == 1)


def circle(pairs: Iterator[tuple[str, str]]) -> list[str]:
    """The modules of one circle among `pairs` of importing and imported module; none where there is none."""
    graph: dict[str, set[str]] = {}
    for importing, imported in pairs:
        graph.setdefault(importing, set()).add(imported)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def assignments_to_moto(source: str) -> list[int]:
    """The lines of a module that assign to something that it has imported from moto, or delete it."""
    tree = ast.parse(source)
    from_moto = {name for node in ast.walk(tree) for name in _names_from_moto(node)}
    lines = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.expr) and any(_reaches(target, from_moto) for target in _targets(node))
    ]
    return sorted(lines)


def _names_from_moto(node: ast.AST) -> list[str]:
    """The names that an import statement binds to something of moto."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "moto":
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        of_moto = [alias for alias in node.names if alias.name.split(".")[0] == "moto"]
        return [alias.asname or "moto" for alias in of_moto]
    return []


def _targets(node: ast.stmt | ast.expr) -> list[ast.expr]:
    """What a statement or a call assigns to or deletes."""
    if isinstance(node, ast.Assign | ast.Delete):
        return node.targets
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return [node.target]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr"):
        return [ast.Attribute(node.args[0], "any", ast.Store())]
    return []


def _reaches(target: ast.expr, names: set[str]) -> bool:
    """Whether the target is an attribute or an item of one of the names, at any depth."""
    if not isinstance(target, ast.Attribute | ast.Subscript):
        return False
    root: ast.expr = target
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    return isinstance(root, ast.Name) and root.id in names

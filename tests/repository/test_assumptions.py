"""docs/assumptions.md names every answer of AWS that the gateways tell apart by its code or its text."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from autopatch.aws.auto_scaling import _LAUNCHED
from autopatch.aws.cloudformation import refusals, stacks

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "functions"
TEXT = (ROOT / "docs/assumptions.md").read_text()
ON_ONE_LINE = " ".join(TEXT.split())
UNPROVED = dict(re.findall(r"^### `([a-z0-9-]+)`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))


def gateways() -> Iterator[tuple[str, ast.Module]]:
    """The modules that talk to AWS; the client's codes of transient errors are botocore's own list."""
    for path in sorted((FUNCTIONS / "autopatch/aws").rglob("*.py")):
        name = ".".join(path.relative_to(FUNCTIONS).with_suffix("").parts)
        if name != "autopatch.aws.client":
            yield name, ast.parse(path.read_text())


def strings(node: ast.expr, module: str) -> set[str]:
    """The constants that a value is compared with: a text, several, or a name for several."""
    if isinstance(node, ast.Name):
        return set(getattr(importlib.import_module(module), node.id))
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def is_about_an_error(node: ast.expr) -> bool:
    """Whether it is the code or the text of an error, as refusals.py and the other gateways write it."""
    text = ast.unparse(node)
    return text.startswith(("error_code(", "error_text(")) or text in ("code", "text")


def told_apart(module: str, tree: ast.Module) -> set[str]:
    """The codes and texts that a gateway compares an error's with."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for side in sides:
                if any(is_about_an_error(other) for other in sides if other is not side):
                    found |= strings(side, module) if not is_about_an_error(side) else set()
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("text.startswith", "text.endswith"):
            found |= {text for argument in node.args for text in strings(argument, module)}
    return found


def test_every_answer_that_is_told_apart_is_named() -> None:
    found = {text for module, tree in gateways() for text in told_apart(module, tree)}
    assert {"ChangeSetNotFound", "ExecutionAlreadyExists", "InvalidDocumentType", *refusals._NO_CHANGES} <= found
    assert [text for text in sorted(found) if text.strip() not in ON_ONE_LINE] == []


def test_a_comparison_with_an_answer_is_found() -> None:
    source = 'error_code(error) in ("A", "B"); code == "C"; text.endswith(("D", "E")); "F" in text; other == "G"'
    assert told_apart("autopatch.aws.cloudformation.refusals", ast.parse(source)) == set("ABCDEF")


def test_every_text_of_an_event_or_an_activity_is_named() -> None:
    launched = _LAUNCHED.pattern.split(" (")[0]
    assert [text for text in (*stacks._GIVEN_UP, launched) if text not in ON_ONE_LINE] == []


def test_every_error_that_is_retried_is_named() -> None:
    states = yaml.safe_load((ROOT / "statemachine/patch.asl.yaml").read_text())["States"]
    retried = {name for retry in states["Plan Run"]["Retry"] for name in retry["ErrorEquals"]} - {"TransientAwsFault"}
    assert [name for name in sorted(retried) if f"`{name}`" not in UNPROVED["lambda-error-names"]] == []


def test_every_unproved_belief_says_why_and_what_if_not_and_how_to_see_it() -> None:
    headings = re.findall(r"^### (.*)$", TEXT, re.MULTILINE)
    assert len(headings) == len(UNPROVED)
    for name, text in UNPROVED.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        parts = re.findall(r"^- \*\*(.*?)\*\* \S", text, re.MULTILINE)
        assert parts == ["Belief.", "Why.", "If it is false.", "How to see it."], name


def test_every_reference_to_a_belief_leads_to_one() -> None:
    within = re.findall(r"\]\(#([^)]*)\)", TEXT)
    from_elsewhere = [
        name
        for path in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
        for name in re.findall(r"assumptions\.md#([^)]*)\)", path.read_text())
    ]
    assert within and from_elsewhere
    assert {*within, *from_elsewhere} <= set(UNPROVED)

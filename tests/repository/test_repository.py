"""What has to agree between the files that run the project: Makefile, CI, hooks, lock files and the documentation."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
LOCK_FILES = [ROOT / "functions/requirements.txt", *sorted((ROOT / "requirements").glob("*.txt"))]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DOCUMENTS = [ROOT / ".ci/run", *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")]


def workflow(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.load((ROOT / ".github/workflows" / name).read_text(), yaml.BaseLoader)
    return read


def steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in document["jobs"].values() for step in job["steps"]]


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile, as they are written there."""
    (lines,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.strip() for line in lines.splitlines()]


def make(*arguments: str) -> str:
    return subprocess.run(["make", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


# -- the Makefile -----------------------------------------------------------------------------------------------------


def test_make_help_lists_every_target() -> None:
    listed = re.findall(r"^make ([a-z]+) +\S", make("help"), re.MULTILINE)
    assert set(listed) == TARGETS
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
    assert set(phony) - {"FORCE"} == TARGETS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_the_documents_say_to_make_can_be_made(path: Path) -> None:
    text = path.read_text()
    code = [text] if path.suffix != ".md" else re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    named = re.findall(r"^make ([a-z]+)", "\n".join(code), re.MULTILINE) + re.findall(r"`make ([a-z]+)", text)
    assert set(named) <= TARGETS


def test_ci_makes_what_can_fail() -> None:
    made = re.findall(r"^make ([a-z]+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert made == ["lint", "test", "run", "validate", "build"]


def test_make_test_counts_the_lines_of_functions() -> None:
    """With sys.monitoring only: coverage's trace function would make the tests take three quarters longer."""
    assert recipe("test")[-1].endswith(" $(COVERAGE)")
    (counted,) = re.findall(r"^COVERAGE = (.*)$", MAKEFILE, re.MULTILINE)
    assert 'print("--cov" if hasattr(sys, "monitoring") else "")' in counted
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["run"]
    assert settings == {"source": ["functions"], "core": "sysmon"}


def test_the_commit_hook_runs_make_lint_and_nothing_else() -> None:
    """Tools that pre-commit installed by itself would be of other versions than those of requirements/dev.txt."""
    hooks = [
        hook
        for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
        for hook in repository["hooks"]
    ]
    assert [(hook["entry"], hook["language"]) for hook in hooks] == [("make lint", "system")]
    assert recipe("lint") == ["$(RUN) -m ruff check .", "$(RUN) -m ruff format --check .", "$(RUN) -m mypy"]


# -- GitHub -----------------------------------------------------------------------------------------------------------


def unpinned(document: dict[str, Any]) -> list[str]:
    """The actions that could be another tomorrow: those without a whole version or the hash of a commit."""
    used = [step["uses"] for step in steps(document) if "uses" in step]
    return [action for action in used if not re.fullmatch(r"[\w./-]+@(v\d+\.\d+\.\d+|[0-9a-f]{40})", action)]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned(path: Path) -> None:
    assert unpinned(workflow(path.name)) == []


def test_an_action_that_moves_is_found() -> None:
    used = ["actions/checkout@v7", "actions/checkout@main", "actions/checkout@v7.0.1", "actions/cache@" + "0a" * 20]
    document = {"jobs": {"ci": {"steps": [{"run": "make"}, *({"uses": action} for action in used)]}}}
    assert unpinned(document) == used[:2]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_only_a_release_may_write(path: Path) -> None:
    document = workflow(path.name)
    assert document["permissions"] == {"contents": "read"}
    granted = {name: job["permissions"] for name, job in document["jobs"].items() if "permissions" in job}
    assert granted == ({"release": {"contents": "write"}} if path.name == "release.yml" else {})


def test_pull_requests_and_main_are_checked_with_the_oldest_python_and_with_lambdas() -> None:
    document = workflow("ci.yml")
    assert document["on"] == {"pull_request": "", "push": {"branches": ["main"]}}
    (job,) = document["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert job["strategy"]["matrix"]["python"] == [oldest, lambda_python()]


def test_a_release_is_checked_before_it_is_packaged() -> None:
    document = workflow("release.yml")
    assert document["on"] == {"push": {"tags": ["v*"]}}
    commands = [step["run"] for step in steps(document) if "run" in step]
    assert commands[1:3] == [".ci/run", "make package"]
    assert commands[3].startswith("gh release create ")


def lambda_python() -> str:
    runtime = yaml_parse((ROOT / "template.yaml").read_text())["Globals"]["Function"]["Runtime"]
    return str(runtime).removeprefix("python")


def test_the_development_container_has_lambdas_python() -> None:
    image = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())["image"]
    assert f"-{lambda_python()}-" in image


# -- lock files -------------------------------------------------------------------------------------------------------


def test_make_lock_makes_every_lock_file() -> None:
    (locked,) = re.findall(r"for file in (.*); do", "\n".join(recipe("lock")))
    assert {ROOT / f"{name}.txt" for name in locked.split()} == set(LOCK_FILES)


@pytest.mark.parametrize("path", LOCK_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_file_is_what_the_bot_can_make_again(path: Path) -> None:
    """Renovate runs the command of the header ("Automated Dependency Updates for pip-compile"), which is that of make
    lock, and looks at the files that its settings name."""
    name = str(path.relative_to(ROOT).with_suffix(""))
    (command,) = re.findall(r"^\s*(uv pip compile .*) \|\|", "\n".join(recipe("lock")), re.MULTILINE)
    header = path.read_text().splitlines()[1]
    assert header == "#    " + command.replace("--quiet ", "").replace("$$file", name)
    patterns = json.loads((ROOT / "renovate.json").read_text())["pip-compile"]["managerFilePatterns"]
    assert [pattern for pattern in patterns if re.search(pattern.strip("/"), f"{name}.txt")]


@pytest.mark.parametrize("path", LOCK_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_file_has_hashes_and_names_no_index(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)
    pins = re.findall(r"^[\w.-]+(?:\[.*\])?==(.*)$", text, re.MULTILINE)
    assert pins
    assert [pin for pin in pins if not pin.endswith("\\")] == []

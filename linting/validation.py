"""What the linters say of what we deploy, and which of their findings are allowed for a written reason.

The SAM template is linted after its transform. No linter gets credentials or uses the network.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from linting.policy_documents import policy_documents
from local_aws.cloudformation.reader import read_template
from local_aws.core.ids import ACCOUNT, REGION
from rehearsal.deployment import REPOSITORY, transformed_template

ALLOWED = Path(__file__).with_name("allowed_findings.yaml")
_VALIDATE = REPOSITORY / ".venv-validate/bin"
_SAM = REPOSITORY / ".venv-sam/bin/sam"
_DEFINITION = "statemachine/patch.asl.yaml"
_SAM_CONFIGURATION = "samconfig.toml"

_PARLIAMENT = """
import json, sys, parliament
for resource, document in json.load(sys.stdin):
    for finding in parliament.analyze_policy_string(json.dumps(document), resource, config=parliament.config).findings:
        parliament.enhance_finding(finding)
        if finding.severity != "MUTE":
            print(json.dumps([resource, finding.issue, finding.title, finding.detail]))
"""
"""Its own command leaves every policy that it reads in a file in /tmp."""


class ToolFailed(Exception):
    """A linter did not do its work."""


class BadAllowance(Exception):
    """The list of allowed findings cannot be read."""


@dataclass(frozen=True)
class Finding:
    """What a linter objects to. `where` is a file of the repository and what it is about in it."""

    tool: str
    rule: str
    where: str
    message: str


@dataclass(frozen=True)
class Allowance:
    """Findings that may be: those of a rule in the places that the pattern `where` matches, for `reason`."""

    tool: str
    rule: str
    where: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        return (finding.tool, finding.rule) == (self.tool, self.rule) and fnmatchcase(finding.where, self.where)


@dataclass(frozen=True)
class Check:
    """A linter's run: over what, what is to be mended, and how many of its findings are allowed."""

    tool: str
    subject: str
    findings: tuple[Finding, ...]
    allowed: int


@dataclass(frozen=True)
class Template:
    """A template to lint. `text` is that of the file, or what the SAM transform makes of it, as JSON."""

    path: str
    text: str

    @property
    def document(self) -> dict[str, Any]:
        return read_template(self.text)


def templates() -> list[Template]:
    """Every template that we ship, plain.

    Raises DeploymentError when the SAM template cannot be transformed.
    """
    infrastructure = sorted((REPOSITORY / "infrastructure").glob("*.yaml"))
    return [
        Template("template.yaml", json.dumps(transformed_template(), indent=1)),
        *(Template(str(path.relative_to(REPOSITORY)), path.read_text()) for path in infrastructure),
    ]


def allowances() -> list[Allowance]:
    """The findings that are allowed, one for each place.

    Raises BadAllowance.
    """
    try:
        listed = [
            Allowance(**{**entry, "where": where})
            for entry in yaml.safe_load(ALLOWED.read_text())
            for where in entry["where"]
        ]
    except (TypeError, KeyError) as error:
        raise BadAllowance(f"{ALLOWED.name}: expected tool, rule, where and reason in each entry: {error}") from error
    for allowance in listed:
        if not (allowance.reason or "").strip():
            raise BadAllowance(
                f"{ALLOWED.name}: expected why {allowance.rule} may be in {allowance.where}, found no reason"
            )
    return listed


def validate() -> list[Check]:
    """Run every linter.

    Raises DeploymentError, PolicyNotUnderstood, BadAllowance; ToolFailed when a linter does not do its work.
    """
    ours = templates()
    linted = f"{len(ours)} templates, after the SAM transform"
    documents = sum(len(policy_documents(template.document)) for template in ours)
    linters: list[tuple[str, str, Callable[[], list[Finding]]]] = [
        ("cfn-lint", linted, lambda: cfn_lint(ours)),
        ("checkov", linted, lambda: checkov(ours)),
        ("parliament", f"{documents} policy documents of theirs", lambda: parliament(ours)),
        ("statelint", _DEFINITION, statelint),
        ("sam validate", "template.yaml, before the transform", sam_validate),
        ("samconfig", _SAM_CONFIGURATION, sam_configuration),
    ]
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda linter: linter[2](), linters))
    allowed = allowances()
    checks = []
    for (tool, subject, _), findings in zip(linters, results, strict=True):
        ours_of_it = [allowance for allowance in allowed if allowance.tool == tool]
        left = judge(findings, ours_of_it)
        checks.append(Check(tool, subject, tuple(left), sum(finding not in left for finding in findings)))
    strangers = [allowance for allowance in allowed if allowance.tool not in {tool for tool, *_ in linters}]
    return [*checks, Check("allow-list", str(ALLOWED.relative_to(REPOSITORY)), tuple(judge([], strangers)), 0)]


def judge(findings: Sequence[Finding], allowed: Sequence[Allowance]) -> list[Finding]:
    """The findings that are not allowed, and one for each allowance that nothing needs any more."""
    left = [finding for finding in findings if not any(allowance.covers(finding) for allowance in allowed)]
    needless = [allowance for allowance in allowed if not any(allowance.covers(finding) for finding in findings)]
    return left + [
        Finding(
            allowance.tool,
            allowance.rule,
            str(ALLOWED.relative_to(REPOSITORY)),
            f"expected a finding in {allowance.where}, which is allowed, found none; remove the entry",
        )
        for allowance in needless
    ]


def show(checks: Sequence[Check]) -> None:
    """Print what was checked, and what is to be mended."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(
        "Check", "Of", Column("To mend", justify="right"), Column("Allowed", justify="right"), box=box.SIMPLE_HEAD
    )
    for check in checks:
        style = "bold red" if check.findings else "green"
        table.add_row(check.tool, check.subject, Text(str(len(check.findings)), style), str(check.allowed))
    console.print(table)
    findings = [finding for check in checks for finding in check.findings]
    for where in dict.fromkeys(finding.where for finding in findings):
        console.print(Text(where, "bold"))
        for finding in findings:
            if finding.where == where:
                console.print(Text(f"  {finding.tool} {finding.rule}: {finding.message}"))
    allowed = ALLOWED.relative_to(REPOSITORY)
    if findings:
        console.print(f"\nMend each, or allow it in {allowed} and write down there why it may be.", markup=False)
    else:
        console.print(f"Nothing to mend. Why each of the others is allowed: {allowed}", markup=False)


# -- the linters ------------------------------------------------------------------------------------------------------


def cfn_lint(ours: Sequence[Template]) -> list[Finding]:
    """What cfn-lint has to say of the templates; it runs in this process."""
    from cfnlint.api import lint  # type: ignore[import-untyped]  # takes a second to import

    return [
        Finding("cfn-lint", match.rule.id, f"{template.path} {'/'.join(map(str, match.path or ()))}", match.message)
        for template in ours
        for match in lint(template.text, regions=[REGION])
    ]


def checkov(ours: Sequence[Template]) -> list[Finding]:
    """What checkov has to say of the templates.

    Raises ToolFailed, also when checkov leaves a template out, which it does in silence.
    """
    with tempfile.TemporaryDirectory() as folder:
        for template in ours:
            (Path(folder) / template.path).parent.mkdir(exist_ok=True)
            (Path(folder) / template.path).write_text(template.text)
        options = ["--directory=.", "--framework=cloudformation", "--output=json", "--compact", "--skip-download"]
        report = json.loads(_run([_VALIDATE / "checkov", *options], {0, 1}, Path(folder)).stdout)
    resources = sum(len(template.document["Resources"]) for template in ours)
    if report["summary"]["resource_count"] != resources:
        raise ToolFailed(
            f"expected checkov to read the {resources} resources of {', '.join(template.path for template in ours)}, "
            f"found that it read {report['summary']['resource_count']} and could not parse "
            f"{report['summary']['parsing_errors']} files"
        )
    return [
        Finding(
            "checkov",
            check["check_id"],
            f"{check['file_path'].lstrip('/')} {check['resource'].rpartition('.')[2]}",
            check["check_name"],
        )
        for check in report["results"]["failed_checks"]
    ]


def parliament(ours: Sequence[Template]) -> list[Finding]:
    """What parliament has to say of every policy document; where it names actions, a finding for each.

    Raises PolicyNotUnderstood, ToolFailed.
    """
    documents = [
        (f"{template.path} {policy.resource}", policy.document)
        for template in ours
        for policy in policy_documents(template.document)
    ]
    command: list[str | Path] = [_VALIDATE / "python", "-W", "ignore", "-c", _PARLIAMENT]
    found = [json.loads(line) for line in _run(command, {0}, given=json.dumps(documents)).stdout.splitlines()]
    findings = []
    for where, rule, title, details in found:
        for detail in details if isinstance(details, list) else [details]:
            match detail:
                case {"action": action, "required_format": wanted}:
                    findings.append(Finding("parliament", rule, f"{where} {action}", f"{title}: expected {wanted}"))
                case str(action) if rule == "RESOURCE_STAR":
                    findings.append(Finding("parliament", rule, f"{where} {action}", title))
                case _:
                    findings.append(Finding("parliament", rule, where, f"{title}: {detail}"))
    # Both sides of a condition may have it.
    return list(dict.fromkeys(findings))


def statelint() -> list[Finding]:
    """What statelint has to say of the state machine, its substitutions filled in.

    Raises ToolFailed.
    """
    definition = json.dumps(yaml.safe_load((REPOSITORY / _DEFINITION).read_text()))
    filled = re.sub(r"\$\{\w+\}", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:name", definition)
    # FLOAT: the language writes a BackoffRate of 2 as 2.0; JSON has one kind of number, and so has Step Functions.
    output = _run([_VALIDATE / "statelint", "--ignore=FLOAT", filled], {0, 1}).stdout
    return [Finding("statelint", "ASL", _DEFINITION, line.strip()) for line in output.splitlines()[1:]]


def sam_validate() -> list[Finding]:
    """What `sam validate --lint` has to say of the SAM template, in its own words.

    Raises ToolFailed.
    """
    ended = _run([_SAM, "validate", "--lint", "--template", REPOSITORY / "template.yaml"], {0, 1})
    words = " ".join((ended.stdout + ended.stderr).split())
    return [Finding("sam validate", "lint", "template.yaml", words)] if ended.returncode else []


def sam_configuration() -> list[Finding]:
    """The keys of samconfig.toml that are no options of their command: sam ignores them in silence.

    Raises ToolFailed.
    """
    sections = tomllib.loads((REPOSITORY / _SAM_CONFIGURATION).read_text())["default"]
    commands = {name: section["parameters"] for name, section in sections.items()}
    options = {name: _options(name) for name in commands if name != "global"}
    # What is global is for each command that has such an option.
    options["global"] = set().union(*options.values())
    return [
        Finding(
            "samconfig",
            "key",
            f"{_SAM_CONFIGURATION} {name}.{key}",
            f"sam has no option --{key.replace('_', '-')} here",
        )
        for name, parameters in commands.items()
        for key in parameters
        if key.replace("_", "-") not in options[name]
    ]


def _options(command: str) -> set[str]:
    """The options of a command of sam, without their dashes."""
    return set(re.findall(r"--([a-z][a-z0-9-]*)", _run([_SAM, command, "--help"], {0}).stdout))


def _run(
    command: Sequence[str | Path], fine: set[int], folder: Path = REPOSITORY, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a linter in `folder`, with `given` as its standard input, as somebody without settings or credentials.

    Raises ToolFailed when its exit status is not one of the `fine` ones, or says that there are findings and there are
    none.
    """
    with tempfile.TemporaryDirectory() as home:
        # sam looks for a newer version of itself on the network, unless it has done so this week.
        settings = Path(home, ".aws-sam", "metadata.json")
        settings.parent.mkdir()
        settings.write_text(json.dumps({"lastVersionCheck": time.time()}))
        environment = {
            "AWS_DEFAULT_REGION": REGION,
            "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true",
            "COLUMNS": "200",
            "HOME": home,
            "PATH": os.environ["PATH"],
            "SAM_CLI_TELEMETRY": "0",
        }
        try:
            ended = subprocess.run(
                command, check=False, cwd=folder, input=given, env=environment, capture_output=True, text=True
            )
        except OSError as error:
            raise ToolFailed(
                f"expected {command[0]}, found that it cannot be run: {error.strerror}; `make validate` installs it"
            ) from error
    if ended.returncode not in fine:
        raise ToolFailed(
            f"{Path(command[0]).name}: expected the exit status {' or '.join(map(str, sorted(fine)))}, found "
            f"{ended.returncode}:\n{ended.stdout}{ended.stderr}"
        )
    if ended.returncode and not ended.stdout:
        raise ToolFailed(f"{Path(command[0]).name}: expected its findings, found none on its output:\n{ended.stderr}")
    return ended

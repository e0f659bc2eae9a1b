"""The linters, each as a function that gives its findings."""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from linting.findings import Finding
from linting.policy_documents import policy_documents
from linting.templates import Template
from linting.tools import ToolFailed, run
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.stepfunctions.template_definitions import to_json
from rehearsal.deployment import REPOSITORY

DEFINITION = "statemachine/patch.asl.yaml"
SAM_CONFIGURATION = "samconfig.toml"

_VALIDATE = REPOSITORY / ".venv-validate/bin"
_SAM = REPOSITORY / ".venv-sam/bin/sam"

_PARLIAMENT = """
import json, sys, parliament
for resource, document in json.load(sys.stdin):
    for finding in parliament.analyze_policy_string(json.dumps(document), resource, config=parliament.config).findings:
        parliament.enhance_finding(finding)
        if finding.severity != "MUTE":
            print(json.dumps([resource, finding.issue, finding.title, finding.detail]))
"""
"""In place of its command, which leaves every policy that it reads in a file in /tmp."""


def cfn_lint(templates: Sequence[Template]) -> list[Finding]:
    """The findings of cfn-lint in the templates; it runs in this process."""
    from cfnlint.api import lint  # type: ignore[import-untyped]  # takes a second to import

    return [
        Finding("cfn-lint", match.rule.id, f"{template.path} {'/'.join(map(str, match.path or ()))}", match.message)
        for template in templates
        for match in lint(template.text, regions=[REGION])
    ]


def checkov(templates: Sequence[Template]) -> list[Finding]:
    """The findings of checkov in the templates.

    Raises ToolFailed, also when checkov leaves a template out, which it does without an error.
    """
    with tempfile.TemporaryDirectory() as folder:
        for template in templates:
            (Path(folder) / template.path).parent.mkdir(exist_ok=True)
            (Path(folder) / template.path).write_text(template.text)
        options = ["--directory=.", "--framework=cloudformation", "--output=json", "--compact", "--skip-download"]
        report = json.loads(run([_VALIDATE / "checkov", *options], {0, 1}, Path(folder)).stdout)
    summary, resources = report["summary"], sum(len(template.document["Resources"]) for template in templates)
    if summary["resource_count"] != resources:
        paths = ", ".join(template.path for template in templates)
        raise ToolFailed(
            f"expected checkov to read the {resources} resources of {paths}, found that it read "
            f"{summary['resource_count']} and could not parse {summary['parsing_errors']} files"
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


def parliament(templates: Sequence[Template]) -> list[Finding]:
    """The findings of parliament in every policy document; where it names actions, one for each.

    Raises PolicyNotUnderstood, ToolFailed.
    """
    documents = [
        (f"{template.path} {policy.resource}", policy.document)
        for template in templates
        for policy in policy_documents(template.document)
    ]
    command: list[str | Path] = [_VALIDATE / "python", "-W", "ignore", "-c", _PARLIAMENT]
    output = run(command, {0}, given=json.dumps(documents)).stdout
    findings = []
    for where, rule, title, details in map(json.loads, output.splitlines()):
        for detail in details if isinstance(details, list) else [details]:
            match detail:
                case {"action": action, "required_format": wanted}:
                    findings.append(Finding("parliament", rule, f"{where} {action}", f"{title}: expected {wanted}"))
                case str(action) if rule == "RESOURCE_STAR":
                    findings.append(Finding("parliament", rule, f"{where} {action}", title))
                case _:
                    findings.append(Finding("parliament", rule, where, f"{title}: {detail}"))
    # Both sides of a condition may have the same finding.
    return list(dict.fromkeys(findings))


def statelint() -> list[Finding]:
    """The findings of statelint in the state machine, its substitutions filled in.

    Raises ToolFailed.
    """
    definition = to_json((REPOSITORY / DEFINITION).read_text())
    filled = re.sub(r"\$\{\w+\}", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:name", definition)
    # FLOAT: the language writes a BackoffRate of 2 as 2.0; JSON has one kind of number, and so has Step Functions.
    output = run([_VALIDATE / "statelint", "--ignore=FLOAT", filled], {0, 1}).stdout
    return [Finding("statelint", "ASL", DEFINITION, line.strip()) for line in output.splitlines()[1:]]


def sam_validate() -> list[Finding]:
    """What `sam validate --lint` finds in the SAM template, as one finding in its own words.

    Raises ToolFailed.
    """
    ended = run([_SAM, "validate", "--lint", "--template", REPOSITORY / "template.yaml"], {0, 1})
    words = " ".join((ended.stdout + ended.stderr).split())
    return [Finding("sam validate", "lint", "template.yaml", words)] if ended.returncode else []


def sam_configuration() -> list[Finding]:
    """The keys of samconfig.toml that are no options of their command; sam ignores these without an error.

    Raises ToolFailed.
    """
    sections = tomllib.loads((REPOSITORY / SAM_CONFIGURATION).read_text())["default"]
    commands = {name: section["parameters"] for name, section in sections.items()}
    options = {name: _options(name) for name in commands if name != "global"}
    # A key of the section `global` counts for each command that has such an option.
    options["global"] = set().union(*options.values())
    return [
        Finding(
            "samconfig",
            "key",
            f"{SAM_CONFIGURATION} {name}.{key}",
            f"sam has no option --{key.replace('_', '-')} here",
        )
        for name, parameters in commands.items()
        for key in parameters
        if key.replace("_", "-") not in options[name]
    ]


def _options(command: str) -> set[str]:
    """The options of a command of sam, without their dashes."""
    return set(re.findall(r"--([a-z][a-z0-9-]*)", run([_SAM, command, "--help"], {0}).stdout))

"""The linters: what cfn-lint finds in the templates, and linters that do not do their work."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path

import boto3
import pytest

from linting import linters
from linting.findings import allowances, judge
from linting.templates import Template
from linting.templates import templates as every_template
from linting.tools import ToolFailed
from local_aws.aws import LocalAws
from rehearsal.deployment import REPOSITORY

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def templates() -> list[Template]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return every_template()


def test_every_template_is_linted(templates: list[Template]) -> None:
    files = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "infrastructure").glob("*.yaml")}
    assert {template.path for template in templates} == files | {"template.yaml"}


def test_cfn_lint_finds_nothing_that_is_not_allowed(templates: list[Template]) -> None:
    allowed = [allowance for allowance in allowances() if allowance.tool == "cfn-lint"]
    assert judge(linters.cfn_lint(templates), allowed) == []


def test_cfn_lint_finds_defects_in_the_transformed_template(templates: list[Template]) -> None:
    document = copy.deepcopy(templates[0].document)
    resources = document["Resources"]
    statement = resources["NotifyFunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    resources["UndeliveredTriggers"]["Properties"]["MessageRetention"] = 1
    resources["NotificationTopic"]["Properties"]["DisplayName"] = {"Ref": "Nothing"}
    resources["PlanRunFunction"]["Properties"]["Runtime"] = "python2.0"
    statement["Effect"] = "Alow"
    statement["Action"] = "sns:Publishh"
    machine = resources["PatchStateMachine"]["Properties"]
    machine["DefinitionString"] = machine["DefinitionString"].replace('"TimeoutSeconds"', '"TimoutSeconds"')
    findings = linters.cfn_lint([Template("template.yaml", json.dumps(document))])
    policy = "template.yaml Resources/NotifyFunctionRole"
    assert {(finding.rule, finding.where.partition("/Properties")[0]) for finding in findings} == {
        ("E3002", "template.yaml Resources/UndeliveredTriggers"),  # a property that there is not
        ("E3601", "template.yaml Resources/PatchStateMachine"),  # a field of a state that there is not
        ("E1020", "template.yaml Resources/NotificationTopic"),  # a reference to nothing
        ("E3030", "template.yaml Resources/PlanRunFunction"),  # a runtime that there is not
        ("E3510", policy),  # an effect that there is not
        ("W3037", policy),  # an action that there is not
    }


@pytest.mark.parametrize(
    ("script", "message"),
    [
        # checkov leaves a file out, and ends with 0, when it cannot read it.
        (
            """echo '{"summary": {"resource_count": 0, "parsing_errors": 1}, "results": {"failed_checks": []}}'""",
            "read 0",
        ),
        ("echo Killed >&2; exit 2", "exit status 0 or 1, found 2:\nKilled"),
        # What an exception in Python ends with.
        ("echo Traceback >&2; exit 1", "found none on its output:\nTraceback"),
    ],
)
def test_a_linter_that_does_not_do_its_work_is_an_error(
    templates: list[Template], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    (tmp_path / "checkov").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "checkov").chmod(0o700)
    monkeypatch.setattr(linters, "_VALIDATE", tmp_path)
    with pytest.raises(ToolFailed, match=message):
        linters.checkov(templates)


def test_sam_deploys_with_the_capabilities_that_the_template_needs(aws: LocalAws, templates: list[Template]) -> None:
    """CloudFormation User Guide, "Acknowledging IAM resources in CloudFormation templates"."""
    settings = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="transformed", Body=templates[0].text.encode())
    url = "https://s3.us-east-1.amazonaws.com/templates/transformed"
    needed = cloudformation.get_template_summary(TemplateURL=url)["Capabilities"]
    assert settings["capabilities"].split() == needed
    assert settings["confirm_changeset"] is True

"""The linters of `make validate`: what cfn-lint says of the templates, and how findings are read and judged."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import boto3
import pytest

from linting import validation
from linting.policy_documents import PolicyNotUnderstood, policy_documents
from linting.validation import Allowance, BadAllowance, Finding, Template, ToolFailed, judge
from local_aws.aws import LocalAws
from rehearsal.deployment import REPOSITORY

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def templates() -> list[Template]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return validation.templates()


def test_every_template_is_linted(templates: list[Template]) -> None:
    files = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "infrastructure").glob("*.yaml")}
    assert {template.path for template in templates} == files | {"template.yaml"}


def test_cfn_lint_finds_nothing_that_is_not_allowed(templates: list[Template]) -> None:
    allowed = [allowance for allowance in validation.allowances() if allowance.tool == "cfn-lint"]
    assert judge(validation.cfn_lint(templates), allowed) == []


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
    found = validation.cfn_lint([Template("template.yaml", json.dumps(document))])
    policy = "template.yaml Resources/NotifyFunctionRole"
    assert {(finding.rule, finding.where.partition("/Properties")[0]) for finding in found} == {
        ("E3002", "template.yaml Resources/UndeliveredTriggers"),  # a property that there is not
        ("E3601", "template.yaml Resources/PatchStateMachine"),  # a field of a state that there is not
        ("E1020", "template.yaml Resources/NotificationTopic"),  # a reference to nothing
        ("E3030", "template.yaml Resources/PlanRunFunction"),  # a runtime that there is not
        ("E3510", policy),  # an effect that there is not
        ("W3037", policy),  # an action that there is not
    }


# -- findings and allowances ------------------------------------------------------------------------------------------

FINDING = Finding("checkov", "CKV_AWS_117", "template.yaml PlanRunFunction", "Ensure that ...")


def test_a_finding_is_allowed_in_the_places_of_its_allowance_only() -> None:
    allowance = Allowance("checkov", "CKV_AWS_117", "template.yaml *Function", "because")
    elsewhere = Finding("checkov", "CKV_AWS_117", "infrastructure/application.yaml AppFunction", "Ensure that ...")
    another = Finding("checkov", "CKV_AWS_116", "template.yaml PlanRunFunction", "Ensure that ...")
    assert judge([FINDING, elsewhere, another], [allowance]) == [elsewhere, another]


def test_an_allowance_that_nothing_needs_is_a_finding() -> None:
    allowance = Allowance("checkov", "CKV_AWS_117", "template.yaml Gone", "because")
    left = judge([FINDING], [allowance])
    assert left[0] == FINDING
    assert (left[1].rule, left[1].where) == ("CKV_AWS_117", "linting/allowed_findings.yaml")
    assert "template.yaml Gone" in left[1].message


@pytest.mark.parametrize("reason", ["", "reason:", "reason: ' '"])
def test_an_allowance_without_a_reason_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    path = tmp_path / "allowed_findings.yaml"
    path.write_text(f"- tool: checkov\n  rule: CKV_AWS_117\n  where: [template.yaml PlanRunFunction]\n  {reason}\n")
    monkeypatch.setattr(validation, "ALLOWED", path)
    with pytest.raises(BadAllowance, match=r"expected .* reason"):
        validation.allowances()


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
    monkeypatch.setattr(validation, "_VALIDATE", tmp_path)
    with pytest.raises(ToolFailed, match=message):
        validation.checkov(templates)


# -- policy documents -------------------------------------------------------------------------------------------------


def statement(resource: Any, **others: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sns:Publish", "Resource": resource} | others


def template(*statements: Any) -> dict[str, Any]:
    """A template with one policy, and things to refer to."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {
        "Parameters": {"TopicArn": {"Type": "String"}, "Names": {"Type": "CommaDelimitedList"}},
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Machine": {"Type": "AWS::StepFunctions::StateMachine"},
            "Policy": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": document}},
        },
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"Ref": "Topic"}, "arn:aws:sns:*:123456789012:*"),
        ({"Fn::GetAtt": ["Machine", "Arn"]}, "arn:aws:states:*:123456789012:*"),
        ({"Fn::Sub": "${Bucket.Arn}/logs/*"}, "arn:aws:s3:::name/logs/*"),
        ({"Fn::Sub": "${Topic}:more"}, "arn:aws:sns:*:123456789012:*:more"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::${Topic}-${AWS::Region}"}, "arn:aws:s3:::name-us-east-1"),
        ({"Fn::Sub": ["arn:aws:s3:::${Of}", {"Of": "bucket"}]}, "arn:aws:s3:::bucket"),
        ({"Ref": "TopicArn"}, "arn:aws:*:*:*:*"),
        ({"Fn::Join": ["", ["arn:aws:s3:::", {"Ref": "Topic"}, "/*"]]}, "arn:aws:s3:::name/*"),
        ({"Fn::Split": [",", {"Fn::Join": ["/*,b/", {"Ref": "Names"}]}]}, ["arn:aws:*:*:*:*"]),
    ],
)
def test_what_a_policy_refers_to_is_read_as_an_arn(written: Any, read: Any) -> None:
    [policy] = policy_documents(template(statement(written)))
    assert (policy.resource, policy.document["Statement"]) == ("Policy", [statement(read)])


def test_both_sides_of_a_condition_are_read() -> None:
    choice = {"Fn::If": ["Given", statement({"Ref": "TopicArn"}), {"Ref": "AWS::NoValue"}]}
    with_it, without_it = policy_documents(template(statement("*"), choice))
    assert with_it.document["Statement"] == [statement("*"), statement("arn:aws:*:*:*:*")]
    assert without_it.document["Statement"] == [statement("*")]


def test_a_trust_policy_is_about_its_role() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}}}
    [policy] = policy_documents({"Resources": {"Role": role}})
    assert policy.document["Statement"] == [{**trust, "Resource": "arn:aws:iam::123456789012:role/Role"}]


def test_a_policy_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(PolicyNotUnderstood, match="found Fn::ImportValue"):
        policy_documents(template(statement({"Fn::ImportValue": "topic"})))
    with pytest.raises(PolicyNotUnderstood, match="found Nothing"):
        policy_documents(template(statement({"Ref": "Nothing"})))
    text = template()
    text["Resources"]["Policy"]["Properties"]["PolicyDocument"] = "{}"
    with pytest.raises(PolicyNotUnderstood, match="found a text"):
        policy_documents(text)


# -- samconfig.toml ---------------------------------------------------------------------------------------------------


def test_sam_deploys_with_the_capabilities_that_the_template_needs(aws: LocalAws, templates: list[Template]) -> None:
    """CloudFormation User Guide, "Acknowledging IAM resources in CloudFormation templates"."""
    settings = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]
    needed = boto3.client("cloudformation").get_template_summary(TemplateBody=templates[0].text)["Capabilities"]
    assert settings["capabilities"].split() == needed
    assert settings["confirm_changeset"] is True

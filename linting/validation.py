"""Every linter, run over what we deploy, and its findings judged."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from linting import linters
from linting.findings import ALLOWED, Finding, allowances, judge
from linting.policy_documents import policy_documents
from linting.templates import templates
from rehearsal.deployment import REPOSITORY


@dataclass(frozen=True)
class Check:
    """A linter's run: over what, the findings to fix, and how many of its findings are allowed."""

    tool: str
    subject: str
    findings: tuple[Finding, ...]
    allowed: int


@dataclass(frozen=True)
class _Linter:
    tool: str
    subject: str
    lint: Callable[[], list[Finding]]


def validate() -> list[Check]:
    """Run every linter, all at the same time.

    Raises DeploymentError, PolicyNotUnderstood, BadAllowance; ToolFailed when a linter does not do its work.
    """
    linted = templates()
    after_transform = f"{len(linted)} templates, after the SAM transform"
    documents = sum(len(policy_documents(template.document)) for template in linted)
    planned = [
        _Linter("cfn-lint", after_transform, lambda: linters.cfn_lint(linted)),
        _Linter("checkov", after_transform, lambda: linters.checkov(linted)),
        _Linter("parliament", f"the {documents} policy documents in them", lambda: linters.parliament(linted)),
        _Linter("statelint", linters.DEFINITION, linters.statelint),
        _Linter("sam validate", "template.yaml, before the transform", linters.sam_validate),
        _Linter("samconfig", linters.SAM_CONFIGURATION, linters.sam_configuration),
    ]
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda linter: linter.lint(), planned))
    allowed = allowances()
    checks = []
    for linter, findings in zip(planned, results, strict=True):
        left = judge(findings, [allowance for allowance in allowed if allowance.tool == linter.tool])
        allowed_findings = sum(finding not in left for finding in findings)
        checks.append(Check(linter.tool, linter.subject, tuple(left), allowed_findings))
    tools = {linter.tool for linter in planned}
    of_no_linter = judge([], [allowance for allowance in allowed if allowance.tool not in tools])
    return [*checks, Check("allow-list", str(ALLOWED.relative_to(REPOSITORY)), tuple(of_no_linter), 0)]

"""How findings are judged, and allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from linting import findings
from linting.findings import Allowance, BadAllowance, Finding, allowances, judge

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
    monkeypatch.setattr(findings, "ALLOWED", path)
    with pytest.raises(BadAllowance, match=r"expected .* reason"):
        allowances()

"""The findings of the linters, and those that are allowed for a written reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from rehearsal.deployment import REPOSITORY

ALLOWED = Path(__file__).with_name("allowed_findings.yaml")


class BadAllowance(Exception):
    """The list of allowed findings cannot be read."""


@dataclass(frozen=True)
class Finding:
    """What a linter objects to; `where` is a file of the repository, and the place in it."""

    tool: str
    rule: str
    where: str
    message: str


@dataclass(frozen=True)
class Allowance:
    """Findings that are allowed: those of a rule in the places that the pattern `where` matches, for `reason`."""

    tool: str
    rule: str
    where: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        return (finding.tool, finding.rule) == (self.tool, self.rule) and fnmatchcase(finding.where, self.where)


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
                f"{ALLOWED.name}: expected the reason why {allowance.rule} is allowed in {allowance.where}, found none"
            )
    return listed


def judge(findings: Sequence[Finding], allowed: Sequence[Allowance]) -> list[Finding]:
    """The findings that are not allowed, and one for each allowance that is no longer needed."""
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

"""The checks of the linters on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from linting.findings import ALLOWED
from linting.validation import Check
from rehearsal.deployment import REPOSITORY


def show(checks: Sequence[Check]) -> None:
    """Print what was checked, and what is to be fixed."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(
        "Check", "Of", Column("To fix", justify="right"), Column("Allowed", justify="right"), box=box.SIMPLE_HEAD
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
        console.print(f"\nFix each, or allow it in {allowed}, with the reason.", markup=False)
    else:
        console.print(f"Nothing to fix. The allowed findings have their reasons in {allowed}.", markup=False)

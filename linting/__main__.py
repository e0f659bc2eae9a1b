"""`python -m linting`: lint the templates, the policies in them and the state machine (`make validate`)."""

from __future__ import annotations

import sys

from linting import terminal
from linting.findings import BadAllowance
from linting.policy_documents import PolicyNotUnderstood
from linting.tools import ToolFailed
from linting.validation import validate
from rehearsal.deployment import DeploymentError


def main() -> int:
    """Returns the exit status: 0 when every finding is allowed, else 1."""
    try:
        checks = validate()
    except (DeploymentError, PolicyNotUnderstood, BadAllowance, ToolFailed) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    terminal.show(checks)
    return 1 if any(check.findings for check in checks) else 0


if __name__ == "__main__":
    sys.exit(main())

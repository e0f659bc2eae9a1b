"""`python -m linting`: judge the templates, the policies in them and the state machine (`make validate`)."""

from __future__ import annotations

import sys

from linting import validation
from linting.policy_documents import PolicyNotUnderstood
from rehearsal.deployment import DeploymentError


def main() -> int:
    """Returns the exit status: 0 when nothing was found that is not allowed, else 1."""
    try:
        checks = validation.validate()
    except (DeploymentError, PolicyNotUnderstood, validation.BadAllowance, validation.ToolFailed) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    validation.show(checks)
    return 1 if any(check.findings for check in checks) else 0


if __name__ == "__main__":
    sys.exit(main())

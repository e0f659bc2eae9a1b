"""Change sets, as CloudFormation remembers them.

Source: CloudFormation API Reference, DescribeChangeSet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from local_aws.cloudformation.preview import ResourceChange
from local_aws.cloudformation.stacks import Inputs, Stack
from local_aws.core import clock

NOTHING_IN_CHANGE_SET = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
NOTHING_TO_UPDATE = "No updates are to be performed."

INCOMPLETE_VALUES = "[WARN] --include-property-values option can return incomplete ChangeSet data because: "


@dataclass
class ChangeSet:
    """A change set: the inputs that a stack would have, and what would change. It is made when `made_at` has come.

    `on_failure` is what becomes of the stack when the execution fails: ROLLBACK, DO_NOTHING, DELETE, or None when the
    request left it open. `includes_nested_stacks` and `imports_existing_resources` are what the request said. Nothing
    is imported here: a resource whose name exists already fails the execution.
    """

    id: str
    name: str
    kind: str
    stack: Stack
    inputs: Inputs
    description: str | None
    changes: list[ResourceChange]
    created: datetime
    made_at: float
    on_failure: str | None
    includes_nested_stacks: bool
    imports_existing_resources: bool
    has_changes: bool = True
    executed: bool = False
    obsolete: bool = False
    """Whether the stack has been updated in another way since."""

    @property
    def status(self) -> str:
        if clock.current().time() < self.made_at:
            return "CREATE_IN_PROGRESS"
        return "CREATE_COMPLETE" if self.has_changes and self.inputs.template.failure is None else "FAILED"

    @property
    def status_reason(self) -> str | None:
        if self.status != "FAILED":
            return None
        template = self.inputs.template
        # aws/aws-cdk#10650: the text is another one for a template with a transform.
        nothing = NOTHING_IN_CHANGE_SET if template.submitted is None else NOTHING_TO_UPDATE
        return template.failure or nothing

    @property
    def warning(self) -> str | None:
        """What the description with property values gives as the reason of its status when they are incomplete."""
        warnings = [change.warning for change in self.changes if change.warning]
        return INCOMPLETE_VALUES + ", ".join(warnings) if warnings else None

    @property
    def execution_status(self) -> str:
        if self.executed:
            return "EXECUTE_COMPLETE"
        if self.obsolete:
            return "OBSOLETE"
        return "AVAILABLE" if self.status == "CREATE_COMPLETE" else "UNAVAILABLE"

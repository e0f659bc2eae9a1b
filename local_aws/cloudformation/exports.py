"""The exports of the stacks of an account in a Region, and the stacks that import them.

Source: CloudFormation User Guide, "Get exported outputs from a deployed CloudFormation stack", Fn::ImportValue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local_aws.cloudformation.errors import OperationFailed, ValidationError
from local_aws.cloudformation.stacks import Output, Stack


@dataclass(frozen=True)
class Exports:
    """What `stacks`, by their ids, export.

    `missing` stands for the value of an export that there is not; with None, asking for its value is an error.
    """

    stacks: Mapping[str, Stack]
    missing: str | None = None

    def all(self) -> list[tuple[Stack, Output]]:
        """Each export, with the stack that it is an output of."""
        return [(stack, output) for stack in self.stacks.values() for output in stack.exports]

    def value(self, name: str) -> str:
        """The value of the export of that name.

        Raises ValidationError when no stack exports it, and nothing stands for it.
        """
        for _, output in self.all():
            if output.export_name == name:
                return output.value
        if self.missing is not None:
            return self.missing
        raise ValidationError(f"No export named {name} found.")

    def has(self, name: str) -> bool:
        """Whether a stack exports something under the name."""
        return any(output.export_name == name for _, output in self.all())

    def importers(self, name: str) -> list[Stack]:
        """The stacks that import the export of that name."""
        return [stack for stack in self.stacks.values() if name in stack.imports]

    def check_outputs(self, stack: Stack, outputs: list[Output]) -> None:
        """Check that the stack may have these outputs in place of its own.

        Raises OperationFailed when an export's name is taken, or an export that is in use would change.
        """
        for output in outputs:
            for owner, exported in self.all():
                if owner is not stack and output.export_name is not None and output.export_name == exported.export_name:
                    raise OperationFailed(
                        f"Export with name {output.export_name} is already exported by stack {owner.name}. "
                    )
        new = {output.export_name: output.value for output in outputs if output.export_name}
        for output in stack.exports:
            users = self._users(stack, output)
            if not users or new.get(str(output.export_name)) == output.value:
                continue
            verb = "updated" if output.export_name in new else "deleted"
            raise OperationFailed(f"Export {output.export_name} cannot be {verb} as it is in use by {', '.join(users)}")

    def check_deletion(self, stack: Stack) -> None:
        """Raise ValidationError when an export of the stack is in use."""
        for output in stack.exports:
            if users := self._users(stack, output):
                raise ValidationError(
                    f"Export {output.export_name} cannot be deleted as it is in use by {', '.join(users)}"
                )

    def _users(self, stack: Stack, output: Output) -> list[str]:
        """The names of the other stacks that import the stack's export."""
        return [user.name for user in self.importers(str(output.export_name)) if user is not stack]

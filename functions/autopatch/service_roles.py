"""With which role CloudFormation updates a stack: the stack's own, or one that its target agrees to have it given.

CloudFormation updates a stack that has no service role with the permissions of whoever asks for the update
(CloudFormation API reference, CreateChangeSet and UpdateStack, RoleARN), and our functions have none to change EC2 or
Auto Scaling. A role that a stack has been given is used for every later operation on it, and cannot be taken away again
(CloudFormation user guide, "CloudFormation service role"): none is given that was not agreed to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from autopatch.findings import Finding

if TYPE_CHECKING:
    from autopatch.aws.cloudformation.stacks import Stack

_NAME = "NoServiceRole"


def role_to_give(accepted: Collection[str], deployment_role_arn: str | None) -> str | None:
    """The ARN of the role that a stack without a service role is to be given, None for none.

    `accepted` has the names of the findings that the target accepts, `deployment_role_arn` is the deployment's role.
    """
    return deployment_role_arn if _NAME in accepted else None


def service_role_findings(
    stack: Stack, accepted: Collection[str], deployment_role_arn: str | None
) -> Iterator[Finding]:
    """Whether there is a role to update the stack with. To accept the finding is to agree to `role_to_give`'s."""
    if stack.role_arn is None and role_to_give(accepted, deployment_role_arn) is None:
        yield Finding(
            _NAME,
            "a service role with which CloudFormation updates the stack",
            "none, so that it would use AMI Autopatch's permissions, which change neither EC2 nor Auto Scaling",
            "give it one with its next update that changes something (--role-arn), or let the target accept "
            f"{_NAME}, to be given {deployment_role_arn or 'what the deployment names as CloudFormationRoleArn'}; "
            "either way, the role cannot be taken from the stack again",
        )

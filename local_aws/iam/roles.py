"""Roles, as the services that assume them see them."""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.arns import parse_arn
from moto.utilities.utils import get_partition

from local_aws.core.delivery import Sender
from local_aws.core.resource_policies import ServiceRequest, allows, statements_of


def trusts(role_arn: str, sender: Sender) -> bool:
    """Whether the role exists and its trust policy lets the sender's service assume it."""
    arn = parse_arn(role_arn)
    try:
        role = iam_backends[arn.account][get_partition(arn.region)].get_role_by_arn(role_arn)
    except NotFoundException:
        return False
    request = ServiceRequest(sender.principal, "sts:AssumeRole", None, sender.arn, sender.account)
    return allows(statements_of(role.assume_role_policy_document), request)


def trust_policy(account: str, region: str, name: str) -> list[dict[str, Any]] | None:
    """The statements of a role's trust policy, by the role's name; None where the account has no such role."""
    try:
        role = iam_backends[account][get_partition(region)].get_role(name)
    except NotFoundException:
        return None
    return statements_of(role.assume_role_policy_document)


def assume(account: str, region: str, role_arn: str, session_name: str, seconds: int) -> Any:
    """moto's session of the role, with credentials that are valid for `seconds`."""
    return sts_backends[account][get_partition(region)].assume_role(
        region_name=region,
        role_session_name=session_name,
        role_arn=role_arn,
        policy=None,
        duration=seconds,
        external_id=None,
    )

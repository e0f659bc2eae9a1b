"""Instance profiles, as the services that launch instances see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from local_aws.iam.policies import permission


def exists(account: str, region: str, name: str) -> bool:
    """Whether the account has an instance profile of that name."""
    try:
        _profile(account, region, name)
    except NotFoundException:
        return False
    return True


def allows(account: str, region: str, name: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether the policies of the instance profile's role allow the action on the resource.

    `context` has the condition keys of the request, by name.
    Raises moto's NotFoundException (the API's NoSuchEntity) where there is no such instance profile.
    """
    roles = _profile(account, region, name).roles
    inline = [document for role in roles for document in role.policies.values()]
    managed = [policy for role in roles for policy in role.managed_policies.values()]
    return permission([*inline, *managed], action, resource, context) is PermissionResult.PERMITTED


def _profile(account: str, region: str, name: str) -> Any:
    return iam_backends[account][get_partition(region)].get_instance_profile(name)

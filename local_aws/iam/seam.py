"""IAM: AWS's own managed policies exist, each from the first request that names it; inline policies are of any version.

moto has the documents of the managed policies, but makes either all 1,400 of them for every account, which takes a
second, or none. It refuses policies of the version 2008-10-17, which is that of a policy that names none, as AWS SAM
writes them (IAM User Guide, "IAM JSON policy elements: Version"), where IAM refuses managed ones only.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from moto.iam import access_control, models, policy_validation
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.responses import IamResponse
from moto.sts.models import STSBackend

from local_aws.core.delivery import judge_roles
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.iam import permissions

expect_attributes(models, "aws_managed_policies_data")
expect_attributes(models.IAMBackend, "get_policy", "attach_role_policy", "attach_group_policy", "attach_user_policy")
expect_parameters(models.IAMBackend.attach_role_policy, "self", "policy_arn", "role_name")
expect_parameters(IamResponse.create_policy, "self")
expect_parameters(IamResponse.create_policy_version, "self")
expect_parameters(models.IAMBackend.get_policy, "self", "policy_arn")
expect_parameters(models.IAMBackend.get_role, "self", "role_name")
expect_parameters(models.IAMBackend.get_role_by_arn, "self", "arn")
expect_parameters(models.IAMBackend.get_instance_profile, "self", "profile_name")
expect_parameters(models.AWSManagedPolicy.from_data, "name", "account_id", "region_name", "data")
expect_attributes(policy_validation, "VALID_VERSIONS")
expect_parameters(policy_validation.BaseIAMPolicyValidator._validate_version, "self")
expect_parameters(
    access_control.IAMPolicy.is_action_permitted,
    *("self", "action", "resource", "principal", "incoming_condition_values"),
)
expect_parameters(
    STSBackend.assume_role,
    *("self", "region_name", "role_session_name", "role_arn", "policy", "duration", "external_id"),
)


@functools.cache
def _documents() -> dict[str, Any]:
    return json.loads(models.aws_managed_policies_data)  # type: ignore[no-any-return]


def _make_known(backend: Any, policy_arn: str) -> None:
    if ":iam::aws:policy/" not in policy_arn or policy_arn in backend.managed_policies:
        return
    name = policy_arn.rsplit("/", 1)[1]
    if name in _documents():
        policy = models.AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, _documents()[name])
        if policy.arn == policy_arn:
            backend.aws_managed_policies.append(policy)
            backend.managed_policies[policy.arn] = policy


def _validate_version(self: Any) -> None:
    assert self._policy_json.get("Version", "2008-10-17") in policy_validation.VALID_VERSIONS


def _of_the_latest_version(method: Callable[..., Any]) -> Callable[..., Any]:
    """Source: CreatePolicy's own answer, as the tests of moto have it, and the same words in much public material."""

    @functools.wraps(method)
    def wrapper(self: Any) -> Any:
        try:
            version = json.loads(self._get_param("PolicyDocument")).get("Version")
        except (ValueError, AttributeError):
            return method(self)
        if version in (None, "2008-10-17"):
            raise MalformedPolicyDocument("Policy document must be version 2012-10-17 or greater.")
        return method(self)

    return wrapper


def _knowing(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(self: Any, policy_arn: str, *args: Any, **kwargs: Any) -> Any:
        _make_known(self, policy_arn)
        return method(self, policy_arn, *args, **kwargs)

    return wrapper


@functools.cache
def install() -> None:
    """Put all this in place, for the rest of the process."""
    for name in ("get_policy", "attach_role_policy", "attach_group_policy", "attach_user_policy"):
        setattr(models.IAMBackend, name, _knowing(getattr(models.IAMBackend, name)))
    policy_validation.BaseIAMPolicyValidator._validate_version = _validate_version
    judge_roles(permissions.allows)
    for name in ("create_policy", "create_policy_version"):
        setattr(IamResponse, name, _of_the_latest_version(getattr(IamResponse, name)))

"""CloudFormation: the embedded AWS's own takes the place of moto's.

moto keeps the models of the resources; its stacks, engine and API answers are not used.
"""

from __future__ import annotations

import functools

import moto.cloudformation
from moto import backends
from moto.cloudformation import models, parsing
from moto.core.base_backend import BaseBackend
from moto.core.common_models import CloudFormationModel

from local_aws.cloudformation.models import cloudformation_backends
from local_aws.core.guard import expect_attributes, expect_parameters

expect_attributes(models, "cloudformation_backends")
expect_attributes(moto.cloudformation, "cloudformation_backends")
expect_attributes(BaseBackend, "urls", "url_bases", "url_paths")
expect_parameters(parsing.generate_resource_name, "resource_type", "stack_name", "logical_id")
expect_parameters(
    CloudFormationModel.create_from_cloudformation_json.__func__,
    *("cls", "resource_name", "cloudformation_json", "account_id", "region_name", "kwargs"),
)
expect_parameters(
    CloudFormationModel.update_from_cloudformation_json.__func__,
    *("cls", "original_resource", "new_resource_name", "cloudformation_json", "account_id", "region_name"),
)
expect_parameters(
    CloudFormationModel.delete_from_cloudformation_json.__func__,
    *("cls", "resource_name", "cloudformation_json", "account_id", "region_name"),
)
expect_parameters(backends.get_backend, "name")


@functools.cache
def install() -> None:
    """Serve CloudFormation from `local_aws.cloudformation`, for the rest of the process."""
    # The package is where moto looks the service up, the module where its other services do.
    moto.cloudformation.cloudformation_backends = cloudformation_backends
    models.cloudformation_backends = cloudformation_backends

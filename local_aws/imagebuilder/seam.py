"""Image Builder, which moto lacks: registers the backend where moto looks for its own."""

from __future__ import annotations

import functools
import re
import sys

from moto import backend_index, backends
from moto.core import base_backend
from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.iam.access_control import IAMPolicy
from moto.inspector2.models import Inspector2Backend
from moto.kms.models import KmsBackend
from moto.logs.models import LogsBackend
from moto.s3.models import S3Backend

from local_aws import imagebuilder
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.imagebuilder import models

NAME = "imagebuilder"
HOSTS = re.compile(r"https?://imagebuilder\.(.+)\.amazonaws\.com")

expect_attributes(backend_index, "backend_url_patterns")
expect_parameters(backends._import_backend, "module_name", "backends_name")
expect_parameters(
    base_backend.BackendDict.__init__, "self", "backend", "service_name", "use_boto3_regions", "additional_regions"
)
# What Image Builder's AMIs, logs, scans and lifecycle policies use of other services.
expect_attributes(Ami, "block_device_mappings", "is_public")
expect_attributes(EBSBackend, "create_volume", "delete_volume", "delete_snapshot")
expect_parameters(EBSBackend.create_snapshot, "self", "volume_id", "description", "owner_id", "from_ami")
expect_parameters(IAMPolicy.is_action_permitted, "self", "action", "resource", "principal", "incoming_condition_values")
expect_parameters(Inspector2Backend.batch_get_account_status, "self", "account_ids")
expect_parameters(KmsBackend.describe_key, "self", "key_id")
expect_attributes(LogsBackend, "ensure_log_group", "create_log_stream", "put_log_events")
expect_attributes(S3Backend, "get_bucket", "put_object")


@functools.cache
def install() -> None:
    """Offer Image Builder in moto, in process and over HTTP, for the rest of the process."""
    # moto imports a service as moto.<name>; from there on, modules are found by the backend's own.
    sys.modules[f"moto.{NAME}"] = imagebuilder
    sys.modules[f"moto.{NAME}.models"] = models
    backend_index.backend_url_patterns.append((NAME, HOSTS))

"""Image Builder, which moto lacks: registers the backend where moto looks for its own."""

from __future__ import annotations

import functools
import re
import sys

from moto import backend_index, backends
from moto.core import base_backend

from local_aws import imagebuilder
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.imagebuilder import models

NAME = "imagebuilder"
HOSTS = re.compile(r"https?://imagebuilder\.(.+)\.amazonaws\.com")

expect_attributes(backend_index, "backend_url_patterns")
expect_parameters(backends._import_backend, "module_name", "backends_name")
expect_attributes(base_backend.BaseBackend, "_url_module")
expect_parameters(
    base_backend.BackendDict.__init__, "self", "backend", "service_name", "use_boto3_regions", "additional_regions"
)


@functools.cache
def install() -> None:
    """Offer Image Builder in moto, in process and over HTTP, for the rest of the process."""
    # moto imports a service as moto.<name>, and finds its URLs beside the module that the backend is in.
    sys.modules[f"moto.{NAME}"] = imagebuilder
    sys.modules[f"moto.{NAME}.models"] = models
    backend_index.backend_url_patterns.append((NAME, HOSTS))

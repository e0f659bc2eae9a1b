"""EC2: each Region starts with Amazon's own images, but for the 1,200 that are made for ECS.

moto makes them anew for every account and Region of every embedded AWS, which takes a fifth of a second each time.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.ec2.models import amis

from local_aws.seams.guard import expect_attributes, expect_parameters

expect_attributes(amis, "load_resource", "AmiBackend")
expect_attributes(amis.AmiBackend, "_load_amis")
expect_parameters(amis.load_resource, "resource")

_load_resource = amis.load_resource


def _load_all_but_those_for_ecs(resource: str) -> Any:
    return [] if resource.startswith("ec2/resources/ecs/") else _load_resource(resource)


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    amis.load_resource = _load_all_but_those_for_ecs

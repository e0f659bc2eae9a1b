"""EC2: registered AMIs keep the architecture they are given, and instances tell their vCPUs.

moto forgets the architecture of RegisterImage, and says nothing of an instance's CPU options.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.ec2.models import amis, instances
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses.amis import AmisResponse

from local_aws.seams.guard import expect_attributes

expect_attributes(amis.AmiBackend, "register_image")
expect_attributes(AmisResponse, "register_image", "_get_param")
expect_attributes(instances, "Instance")


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    registered = AmisResponse.register_image

    @functools.wraps(registered)
    def register_image(self: Any) -> Any:
        answer = registered(self)
        # EC2 API reference, RegisterImage: i386 where none is given.
        ami = self.ec2_backend.amis[answer.result["ImageId"]]
        ami.architecture = self._get_param("Architecture", "i386")
        return answer

    AmisResponse.register_image = register_image
    instances.Instance.cpu_options = property(_cpu_options)


def _cpu_options(instance: Any) -> dict[str, int]:
    cpus = INSTANCE_TYPES[instance.instance_type]["VCpuInfo"]
    return {"CoreCount": cpus["DefaultCores"], "ThreadsPerCore": cpus["DefaultThreadsPerCore"]}

"""What an account has of Image Builder in a Region."""

from __future__ import annotations

from botocore.loaders import create_loader
from moto.core.base_backend import BackendDict, BaseBackend

from local_aws.core import clock
from local_aws.imagebuilder.builds import Build
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.lifecycle import Execution
from local_aws.imagebuilder.shapes import Document


class ImageBuilderBackend(BaseBackend):  # type: ignore[misc]
    """The resources of an account in a Region, by ARN, as the Get operations return them.

    A change puts a new document in place of the old one. What the API does with them is in `operations`.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.components: dict[str, Document] = {}
        self.image_recipes: dict[str, Document] = {}
        self.infrastructure_configurations: dict[str, Document] = {}
        self.distribution_configurations: dict[str, Document] = {}
        self.image_pipelines: dict[str, Document] = {}
        self.lifecycle_policies: dict[str, Document] = {}
        self.lifecycle_executions: dict[str, Execution] = {}
        self.lifecycle_timers: dict[str, clock.Timer] = {}
        self.images: dict[str, Image] = {}
        self.builds: dict[str, Build] = {}
        self.answers: dict[tuple[str, str], tuple[Document, Document]] = {}
        """The request and the answer of each operation and client token."""
        self._last_build_numbers: dict[str, int] = {}

    def reset(self) -> None:
        self.images.clear()  # so that builds under way stop
        for timer in self.lifecycle_timers.values():
            timer.cancel()
        super().reset()

    def arn(self, resource: str) -> str:
        """The ARN of a resource, such as `image-pipeline/app`."""
        return f"arn:{self.partition}:imagebuilder:{self.region_name}:{self.account_id}:{resource}"

    def next_build(self, version: str) -> str:
        """The ARN of the next build of a version, which has an ARN itself."""
        return f"{version}/{self._last_build_numbers.get(version, 0) + 1}"

    def take_build(self, arn: str) -> None:
        """Never give the number of this build again, even when the build is deleted."""
        version, number = arn.rsplit("/", 1)
        self._last_build_numbers[version] = int(number)


# botocore's endpoint data has no Regions for Image Builder: every Region has it.
REGIONS = [
    region for partition in create_loader().load_data("endpoints")["partitions"] for region in partition["regions"]
]

imagebuilder_backends = BackendDict(
    ImageBuilderBackend, "imagebuilder", use_boto3_regions=False, additional_regions=REGIONS
)

"""EC2 Image Builder for moto, which has none."""

from local_aws.imagebuilder.models import imagebuilder_backends

__all__ = ["imagebuilder_backends"]

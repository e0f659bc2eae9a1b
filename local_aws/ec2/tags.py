"""The tags of EC2's resources.

Source: CloudFormation User Guide, "Resource tag": beside the stack's tags, EC2's resources have three of its own.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.core import TaggedEC2Resource

from local_aws.core.resource_types import client, tag_list, tags
from local_aws.core.resources import Request, Resource


def all_tags(request: Request) -> dict[str, str]:
    """The tags of a resource of EC2's, with those that CloudFormation adds."""
    return {
        **tags(request),
        "aws:cloudformation:stack-name": request.stack_name,
        "aws:cloudformation:stack-id": request.stack_id,
        "aws:cloudformation:logical-id": request.logical_id,
    }


def tag(request: Request, identifier: str) -> None:
    """Give a new resource of EC2's its tags."""
    client("ec2", request.region).create_tags(Resources=[identifier], Tags=tag_list(all_tags(request)))


def retag(request: Request, resource: Resource, identifier: str | None = None) -> None:
    """Give the resource the tags of the request in place of those of its own request.

    `identifier` is the id by which EC2 knows the resource, where that is not the physical id.
    """
    ec2, identifier = client("ec2", request.region), identifier or resource.physical_id
    new, old = all_tags(request), all_tags(resource.request)
    if gone := sorted(old.keys() - new.keys()):
        ec2.delete_tags(Resources=[identifier], Tags=[{"Key": key} for key in gone])
    if changed := {key: value for key, value in new.items() if old.get(key) != value}:
        ec2.create_tags(Resources=[identifier], Tags=tag_list(changed))


def tag_model(request: Request, model: Any) -> None:
    """Give what keeps a resource in moto its tags, if it is one of EC2's."""
    if isinstance(model, TaggedEC2Resource):
        model.add_tags(all_tags(request))

"""Which parameters of Systems Manager a build may read and write.

Source: AWS Managed Policy Reference, AWSServiceRoleForImageBuilder.
"""

from __future__ import annotations

from local_aws.imagebuilder.images import Image

_OWN_PARAMETERS, _PUBLIC_PARAMETERS = "/imagebuilder/", "/aws/service/"
_PREFIXES = {
    "ssm:GetParameter": (_OWN_PARAMETERS, _PUBLIC_PARAMETERS),
    "ssm:PutParameter": (_OWN_PARAMETERS,),
}


class ParameterForbidden(Exception):
    """Image Builder may not read or write a parameter of Systems Manager."""


def check_parameter(image: Image, action: str, name: str, region: str) -> None:
    """Raise ParameterForbidden unless Image Builder's service-linked role may do the action on the parameter.

    `action` is ssm:GetParameter or ssm:PutParameter. Any other execution role may do it.
    """
    if "executionRole" in image.document or name.startswith(_PREFIXES[action]):
        return
    raise ParameterForbidden(
        f"User: arn:aws:sts::{image.account_id}:assumed-role/AWSServiceRoleForImageBuilder/Ec2ImageBuilder is not "
        f"authorized to perform: {action} on resource: arn:aws:ssm:{region}:{image.account_id}:parameter{name} because "
        f"no identity-based policy allows the {action} action"
    )

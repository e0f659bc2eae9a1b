"""Parameters, as the services that read and write them see them."""

from __future__ import annotations

from moto.core.utils import utcnow
from moto.ssm.models import Parameter, ssm_backends


def read(account: str, region: str, name: str) -> str | None:
    """The value of a parameter; None where there is no such parameter. `name` may have a version or a label."""
    parameter = ssm_backends[account][region].get_parameters([name]).get(name)
    return None if parameter is None else str(parameter.value)


def write(account: str, region: str, name: str, value: str, data_type: str = "text") -> None:
    """Make a parameter of type String, or give an existing one a new version. `data_type` is as in PutParameter."""
    ssm_backends[account][region].put_parameter(
        name=name,
        description="",
        value=value,
        parameter_type="String",
        allowed_pattern="",
        keyid="",
        overwrite=True,
        tags=[],
        data_type=data_type,
        tier=None,
        policies=None,
    )


def publish(account: str, region: str, name: str, value: str) -> None:
    """Give a public parameter another value, as AWS does: nobody else may write one (PutParameter refuses it).

    The parameter has to exist. Source: Systems Manager User Guide, "Working with public parameters in Parameter Store".
    """
    versions = ssm_backends[account][region]._parameters[name]
    last = versions[-1]
    versions.append(
        Parameter(
            account_id=account,
            name=name,
            value=value,
            parameter_type=last.parameter_type,
            description=last.description,
            allowed_pattern=None,
            keyid=None,
            last_modified_date=utcnow(),
            version=last.version + 1,
            data_type=last.data_type,
        )
    )

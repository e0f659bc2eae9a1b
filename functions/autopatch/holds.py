"""AMIs and base image versions that are not to be rolled out until someone says so, kept as SSM parameters.

One parameter an entry, under the deployment's path: its last part is the id of an AMI or a part of AMI names such as
`2023.9.20261130.0`, its value says why. To release it is to delete the parameter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopatch.aws.client import create_client, named_errors

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

_LONGEST_VALUE = 4096  # characters of a standard parameter (Systems Manager API reference, PutParameter)


@dataclass(frozen=True)
class Hold:
    """An entry: what is held, and why."""

    parameter_name: str
    reason: str

    @property
    def key(self) -> str:
        return self.parameter_name.rsplit("/", 1)[1]

    def covers(self, ami_id: str, ami_name: str) -> bool:
        """Whether it is for that AMI: by its id, or by whole parts of its name between hyphens."""
        return self.key == ami_id or re.search(rf"(^|-){re.escape(self.key)}(-|$)", ami_name) is not None

    def __str__(self) -> str:
        return f"held by the parameter {self.parameter_name} ({self.reason})"

    @property
    def release(self) -> str:
        """What a person does to have it rolled out after all."""
        return f"to release it: aws ssm delete-parameter --name {self.parameter_name}"


class Holds:
    """The calls that a patch run makes about holds; `path` begins with a slash and has none at its end."""

    def __init__(self, client: SSMClient, path: str) -> None:
        self._client = client
        self._path = path

    @classmethod
    def create(cls, path: str) -> Holds:
        return cls(create_client("ssm"), path)

    def all(self) -> list[Hold]:
        """Everything that is held."""
        with named_errors(f"reading the holds under {self._path}"):
            pages = self._client.get_paginator("get_parameters_by_path").paginate(Path=self._path)
            return [Hold(one["Name"], one["Value"]) for page in pages for one in page["Parameters"]]

    def covering(self, ami_id: str, ami_name: str) -> Hold | None:
        """The hold for that AMI, if there is one."""
        return next((hold for hold in self.all() if hold.covers(ami_id, ami_name)), None)

    def hold(self, ami_id: str, reason: str) -> Hold:
        """Hold an AMI, for a reason that a person will read."""
        hold = Hold(f"{self._path}/{ami_id}", reason[:_LONGEST_VALUE])
        with named_errors(f"holding the AMI {ami_id}"):
            self._client.put_parameter(Name=hold.parameter_name, Value=hold.reason, Type="String", Overwrite=True)
        return hold

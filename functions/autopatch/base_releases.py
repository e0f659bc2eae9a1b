"""The release of a base AMI: what its run is named after, whoever tells of it first.

A release of Amazon Linux is a version such as 2023.9.20261130, and the names of its AMIs have it with one more number:
al2023-ami-2023.9.20261130.0-kernel-6.1-x86_64 (Amazon Linux 2023 User Guide, "Naming and versioning"). The number is 0
unless an AMI was published again. The AMIs of others are releases of their own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from autopatch.contracts import Trigger

_VERSION = r"\d+\.\d+\.\d{8}(?:\.\d+)?"
_A_VERSION = re.compile(_VERSION, re.ASCII)
_IN_AN_AMI_NAME = re.compile(rf"(?<![^-]){_VERSION}(?![^-])", re.ASCII)
# Neither a part of a longer name, nor of a longer number; but it may end a sentence.
_IN_A_TEXT = re.compile(rf"(?<![\w.-]){_VERSION}(?![\w-]|\.\w)", re.ASCII)

_NAME_LENGTH = 80
_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z_-]+")


@dataclass(frozen=True)
class BaseRelease:
    """A release of a base AMI, by the version in the AMI's name, or by the AMI's name if that has none."""

    name: str

    @classmethod
    def of_ami(cls, ami_name: str) -> BaseRelease:
        """The release that an AMI of that name belongs to."""
        version = _IN_AN_AMI_NAME.search(ami_name)
        return cls(_complete(version[0]) if version else ami_name)

    @property
    def execution_name(self) -> str:
        """A name for the execution, the same whoever starts it: base-image-2023-9-20261130-0.

        It has at most 80 characters, all of them letters, digits, `-` and `_`: an execution with others in its name
        should not be expected in CloudWatch Logs (Step Functions API reference, StartExecution). A name that would not
        say which release it is of ends in a digest.
        """
        name = f"base-image-{_NOT_IN_A_NAME.sub('-', self.name)}"
        is_clear = name == f"base-image-{self.name}" or _A_VERSION.fullmatch(self.name)
        if is_clear and len(name) <= _NAME_LENGTH:
            return name
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:12]
        return f"{name[: _NAME_LENGTH - 13]}-{digest}"

    @property
    def execution_input(self) -> dict[str, Any]:
        """The input of the execution. Nothing in it depends on who starts it.

        While an execution is running, another start with its name and its input gives that execution again, and one
        with another input is an error (Step Functions API reference, StartExecution).
        """
        return {"trigger": Trigger.BASE_IMAGE, "reason": f"new base AMI: release {self.name}"}


def releases_in(text: str) -> list[BaseRelease]:
    """The releases of Amazon Linux that a text names by their versions, not in names of AMIs; the newest first."""
    versions = {_complete(version) for version in _IN_A_TEXT.findall(text)}
    newest_first = sorted(versions, key=lambda version: [int(number) for number in version.split(".")], reverse=True)
    return [BaseRelease(version) for version in newest_first]


def _complete(version: str) -> str:
    """The version with its last number, which that of a release lacks and that of an AMI has."""
    return version if version.count(".") == 3 else f"{version}.0"

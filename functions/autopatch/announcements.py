"""What an SNS message about base AMIs announces, in any of the shapes that AWS publishes them in.

Amazon Linux: JSON, `v1.{ReleaseVersion,ImageVersion,Regions{region: [{Name,ImageId}]}}` (Amazon Linux user guide).
ECS-optimized: JSON, `ECSAmis[].{ReleaseVersion,Regions{region: {Name,ImageId}}}` (ECS developer guide). Windows:
prose. The message of the Amazon Linux 2023 topic is documented nowhere. So a message is searched for `Regions`
wherever they are; one without any is searched for AMI names as plain text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_NAME_LENGTH = 80
_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z._-]+")
_WORD = re.compile(r"[^\s\"'<>|{}()\[\],;]+")
# EC2 accepts 3 to 128 characters in an AMI's name, all ASCII (EC2 API reference, CreateImage).
_AMI_NAME = re.compile(r"[ -~]{1,128}")
_DEEPEST = 20


@dataclass(frozen=True)
class Announcement:
    """A new base AMI that a run is started for: what identifies its release, and why the run starts."""

    release: str
    reason: str

    @property
    def execution_name(self) -> str:
        """A name for the execution, the same for each delivery of the release: at most 80 characters, none special."""
        name = f"base-image-{_NOT_IN_A_NAME.sub('-', self.release)}"
        if len(name) <= _NAME_LENGTH and name == f"base-image-{self.release}":
            return name
        digest = hashlib.sha256(self.release.encode()).hexdigest()[:12]
        return f"{name[: _NAME_LENGTH - 13]}-{digest}"


@dataclass(frozen=True)
class Ignored:
    """A message that starts nothing, and why."""

    reason: str


@dataclass(frozen=True)
class _AnnouncedAmi:
    name: str
    release: str | None


def read_announcement(message: str, message_id: str, pattern: str, region: str) -> Announcement | Ignored:
    """What the message announces for AMI names like `pattern` (`*`, `?`, `[...]`) in `region`; it never raises."""
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return _read_prose(message, message_id, pattern)
    releases = list(_releases(document))
    if not releases:
        return _read_prose(message, message_id, pattern)
    here = [ami for release in releases for ami in _amis(release, region)]
    if not here:
        regions = sorted({name for release in releases for name in release["Regions"]})
        return Ignored(f"it announces no AMI in {region}, only in {_shown(', '.join(regions)) or 'no Region'}")
    matching = sorted((ami for ami in here if fnmatchcase(ami.name, pattern)), key=lambda ami: ami.name)
    if not matching:
        return Ignored(f"no AMI name is like {pattern}: {_shown(', '.join(ami.name for ami in here))}")
    first = matching[0]
    return Announcement(first.release or first.name, f"new base AMI {first.name} in {region}")


def _read_prose(message: str, message_id: str, pattern: str) -> Announcement | Ignored:
    names = [word.strip(".:") for word in _WORD.findall(message)]
    matching = [name for name in names if _AMI_NAME.fullmatch(name) and fnmatchcase(name, pattern)]
    if not matching:
        return Ignored(f"no AMI name like {pattern} in a message of {len(message)} characters: {_shown(message)}")
    return Announcement(message_id, f"new base AMI {matching[0]}")


def _releases(document: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every object in the document that has `Regions`."""
    if depth > _DEEPEST:
        return
    if isinstance(document, dict):
        if isinstance(document.get("Regions"), dict):
            yield document
        for value in document.values():
            yield from _releases(value, depth + 1)
    elif isinstance(document, list):
        for value in document:
            yield from _releases(value, depth + 1)


def _amis(release: dict[str, Any], region: str) -> Iterator[_AnnouncedAmi]:
    """The AMIs of one release in the Region: a list of them, or one."""
    announced = release["Regions"].get(region)
    for ami in announced if isinstance(announced, list) else [announced]:
        name = ami.get("Name") if isinstance(ami, dict) else None
        if isinstance(name, str) and _AMI_NAME.fullmatch(name):
            yield _AnnouncedAmi(name, _version(release))


def _version(release: dict[str, Any]) -> str | None:
    """What identifies a release: beside an ImageVersion, a ReleaseVersion is only the major release."""
    version = release.get("ImageVersion", release.get("ReleaseVersion"))
    return version if isinstance(version, str) and _AMI_NAME.fullmatch(version) else None


def _shown(text: str) -> str:
    """The text for a log line, whatever characters it is made of."""
    return text[:300].encode("ascii", "backslashreplace").decode()

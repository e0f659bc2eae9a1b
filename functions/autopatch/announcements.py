"""What an SNS message about base AMIs announces, in any of the shapes that AWS publishes them in.

Amazon Linux 2: JSON, `v1.{ReleaseVersion,ImageVersion,Regions{region: [{Name,ImageId}]}}` (Amazon Linux user guide).
ECS-optimized: JSON, `ECSAmis[].{ReleaseVersion,Regions{region: {Name,ImageId}}}` (ECS developer guide). Windows:
prose. Of the messages of Amazon Linux 2023, the user guide says only that they include the version of the AMI
("Receiving notifications on new updates"). So a message is searched for `Regions` wherever they are; one that names no
AMI there is searched, as plain text, for AMI names, and then for versions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from autopatch.base_releases import BaseRelease, releases_in

_WORD = re.compile(r"[^\s\"'<>|{}()\[\],;]+")
# EC2 accepts 3 to 128 characters in an AMI's name, all ASCII (EC2 API reference, CreateImage).
_AMI_NAME = re.compile(r"[ -~]{1,128}")
_WILDCARD = re.compile(r"[*?\[]")
_DEEPEST = 20


@dataclass(frozen=True)
class Ignored:
    """A message that starts nothing, and why."""

    reason: str


def read_announcement(message: str, pattern: str, region: str) -> BaseRelease | Ignored:
    """The release that the message announces for AMI names like `pattern` (`*`, `?`, `[...]`) in `region`.

    It never raises.
    """
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return _read_text(message, pattern)
    names_by_region = _ami_names_by_region(document)
    if not names_by_region:
        return _read_text(message, pattern)
    names_here = names_by_region.get(region)
    if not names_here:
        return Ignored(f"it announces no AMI in {region}, only in {_shown(', '.join(sorted(names_by_region)))}")
    matching = sorted(name for name in names_here if fnmatchcase(name, pattern))
    if not matching:
        return Ignored(f"no AMI name is like {pattern}: {_shown(', '.join(names_here))}")
    return BaseRelease.of_ami(matching[0])


def _read_text(message: str, pattern: str) -> BaseRelease | Ignored:
    words = [word.strip(".:") for word in _WORD.findall(message)]
    for word in words:
        if _AMI_NAME.fullmatch(word) and fnmatchcase(word, pattern):
            return BaseRelease.of_ami(word)
    for release in releases_in(message):
        if release.name.startswith(_beginning_of_version(pattern)):
            return release
    return Ignored(
        f"neither an AMI name like {pattern} nor a version of one in a message of {len(message)} characters: "
        f"{_shown(message)}"
    )


def _beginning_of_version(pattern: str) -> str:
    """What the pattern has of a version before its first wildcard: `2023.` in `al2023-ami-2023.*-x86_64`."""
    return _WILDCARD.split(pattern, maxsplit=1)[0].rpartition("-")[2]


def _ami_names_by_region(document: Any) -> dict[str, list[str]]:
    """The names of the AMIs that the document announces; a Region in which it names none is left out."""
    by_region: dict[str, list[str]] = {}
    for regions in _all_regions(document):
        for region, announced in regions.items():
            for ami in announced if isinstance(announced, list) else [announced]:
                name = ami.get("Name") if isinstance(ami, dict) else None
                if isinstance(name, str) and _AMI_NAME.fullmatch(name):
                    by_region.setdefault(region, []).append(name)
    return by_region


def _all_regions(document: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every object in the document that is called `Regions`."""
    if depth > _DEEPEST:
        return
    if isinstance(document, dict):
        if isinstance(document.get("Regions"), dict):
            yield document["Regions"]
        for value in document.values():
            yield from _all_regions(value, depth + 1)
    elif isinstance(document, list):
        for value in document:
            yield from _all_regions(value, depth + 1)


def _shown(text: str) -> str:
    """The text for a log line, whatever characters it is made of."""
    return text[:300].encode("ascii", "backslashreplace").decode()

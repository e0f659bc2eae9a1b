"""Image Builder's ARNs: names in them, versions, wildcards.

Source: EC2 Image Builder User Guide, "Semantic versioning in Image Builder"; API reference, Filter (normalised names).
"""

from __future__ import annotations

from collections.abc import Iterable


def normalised(name: str) -> str:
    """The name as it stands in an ARN: lowercase, hyphens in place of spaces and underscores."""
    return name.lower().replace(" ", "-").replace("_", "-")


def version_arn(arn: str) -> str:
    """The ARN without its build number: `.../name/1.0.0` for `.../name/1.0.0/7`."""
    return "/".join(arn.split("/")[:3])


def is_managed(arn: str) -> bool:
    """Whether the component or the image is one that Amazon manages."""
    return arn.split(":")[4] == "aws"


def latest_match(wanted: str, arns: Iterable[str]) -> str | None:
    """The highest of `arns` that `wanted` means: its version may have `x` for nodes, and its build may be left out."""
    prefix, name, version, *build = wanted.split("/")
    nodes = version.split(".")

    def is_meant(arn: str) -> bool:
        actual_prefix, actual_name, actual_version, *actual_build = arn.split("/")
        return (
            [actual_prefix, actual_name] == [prefix, name]
            and all(node in ("x", actual) for node, actual in zip(nodes, actual_version.split("."), strict=True))
            and build in ([], actual_build)
        )

    return max(filter(is_meant, arns), key=version_order, default=None)


def version_order(arn: str) -> tuple[int, ...]:
    """By which versions and builds of the same name are ordered."""
    _, _, version, *build = arn.split("/")
    return (*map(int, version.split(".")), *map(int, build))


def latest_version_references(arn: str) -> dict[str, str]:
    """The wildcard ARNs that always mean the latest version (API reference, LatestVersionReferences)."""
    prefix, name, version = arn.split("/")[:3]
    major, minor, _ = version.split(".")
    return {
        "latestVersionArn": f"{prefix}/{name}/x.x.x",
        "latestMajorVersionArn": f"{prefix}/{name}/{major}.x.x",
        "latestMinorVersionArn": f"{prefix}/{name}/{major}.{minor}.x",
        "latestPatchVersionArn": f"{prefix}/{name}/{version}",
    }

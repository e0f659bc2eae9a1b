"""Image Builder's ARNs: names in them, versions, wildcards.

Source: EC2 Image Builder User Guide, "Semantic versioning in Image Builder"; API reference, Filter (normalised names).
"""

from __future__ import annotations

from collections.abc import Iterable


def normalised(name: str) -> str:
    """The name as ARNs have it: lowercase, hyphens in place of spaces and underscores."""
    return name.lower().replace(" ", "-").replace("_", "-")


def version_arn(arn: str) -> str:
    """The ARN without its build number: `.../name/1.0.0` for `.../name/1.0.0/7`."""
    return "/".join(arn.split("/")[:3])


def is_managed(arn: str) -> bool:
    """Whether the component or the image is one that Amazon manages."""
    return arn.split(":")[4] == "aws"


def latest_match(pattern: str, arns: Iterable[str]) -> str | None:
    """The highest version of `arns` that matches `pattern`, None where none does.

    The pattern is an ARN whose version may have `x` for nodes, and whose build may be left out.
    """
    prefix, name, version, *build = pattern.split("/")
    nodes = version.split(".")

    def matches(arn: str) -> bool:
        actual_prefix, actual_name, actual_version, *actual_build = arn.split("/")
        return (
            [actual_prefix, actual_name] == [prefix, name]
            and all(node in ("x", actual) for node, actual in zip(nodes, actual_version.split("."), strict=True))
            and build in ([], actual_build)
        )

    return max(filter(matches, arns), key=version_order, default=None)


def version_order(arn: str) -> tuple[int, ...]:
    """The key by which versions and builds of the same name are sorted."""
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

"""What cfn-lint has to say of the templates; of the SAM template, after its transform."""

from __future__ import annotations

import json

from cfnlint.api import lint  # type: ignore[import-untyped]

from local_aws.aws import REGION
from local_aws.deployment import REPOSITORY, transformed_template


def validate() -> list[str]:
    """A line per finding, none when all is well.

    Raises DeploymentError when the SAM template cannot be transformed.
    """
    texts = {path: path.read_text() for path in sorted((REPOSITORY / "infrastructure").glob("*.yaml"))}
    texts[REPOSITORY / "template.yaml"] = json.dumps(transformed_template(), indent=1)
    return [
        f"{path.relative_to(REPOSITORY)}: {match.rule.id} {match.message}"
        f" ({'/'.join(str(part) for part in match.path or ())})"
        for path, text in texts.items()
        for match in lint(text, regions=[REGION])
    ]

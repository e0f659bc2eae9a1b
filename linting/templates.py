"""The templates to lint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rehearsal.deployment import REPOSITORY, read_template, transformed_template


@dataclass(frozen=True)
class Template:
    """A template to lint; `text` is that of the file or, for the SAM template, its transform as JSON."""

    path: str
    text: str

    @property
    def document(self) -> dict[str, Any]:
        return read_template(self.text)


def templates() -> list[Template]:
    """Every template of the repository, in plain CloudFormation.

    Raises DeploymentError when the SAM template cannot be transformed.
    """
    infrastructure = sorted((REPOSITORY / "infrastructure").glob("*.yaml"))
    return [
        Template("template.yaml", json.dumps(transformed_template(), indent=1)),
        *(Template(str(path.relative_to(REPOSITORY)), path.read_text()) for path in infrastructure),
    ]

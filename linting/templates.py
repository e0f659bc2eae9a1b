"""The templates to lint."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.cloudformation.reader import read_template
from local_aws.stepfunctions.template_definitions import to_json
from rehearsal.deployment import REPOSITORY, definition_file, transformed_template


@dataclass(frozen=True)
class Template:
    """A template to lint.

    `text` is that of the file or, for the SAM template, its transform as JSON, with the state machine's definition in
    it: no linter looks into S3 for one.
    """

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
        Template("template.yaml", json.dumps(_with_definitions(transformed_template()), indent=1)),
        *(Template(str(path.relative_to(REPOSITORY)), path.read_text()) for path in infrastructure),
    ]


def _with_definitions(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template with the definition of each state machine in it, in place of where it is."""
    document: dict[str, Any] = copy.deepcopy(dict(template))
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            resource["Properties"]["DefinitionString"] = to_json(definition_file(resource["Properties"]))
            del resource["Properties"]["DefinitionS3Location"]
    return document

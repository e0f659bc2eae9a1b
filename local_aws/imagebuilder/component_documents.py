"""Component documents, and the components that Amazon manages.

Source: EC2 Image Builder User Guide, "Use the AWSTOE component document framework for custom components".
"""

from __future__ import annotations

import yaml

from local_aws.imagebuilder.exceptions import InvalidParameterValueException
from local_aws.imagebuilder.shapes import Document

# Components that Amazon manages and that a recipe may use, with a version each. Their documents are not here.
MANAGED_COMPONENTS = {
    "amazon-cloudwatch-agent-linux": "1.0.1",
    "aws-cli-version-2-linux": "1.0.4",
    "ebs-volume-usage-test-linux": "1.0.2",
    "reboot-linux": "1.0.1",
    "reboot-test-linux": "1.0.0",
    "simple-boot-test-linux": "1.0.0",
    "update-linux": "1.0.2",
}


def component_document(data: str) -> Document:
    """The component's document.

    Raises InvalidParameterValueException when it is none (User Guide, "Component document schema and definitions").
    """
    try:
        document = yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise InvalidParameterValueException("data", f"Failed to parse document. Error: {error}") from error
    problem = None
    if not isinstance(document, dict) or str(document.get("schemaVersion")) != "1.0":
        problem = "schemaVersion must be 1.0."
    elif not isinstance(document.get("phases"), list) or not document["phases"]:
        problem = "there must be phases."
    else:
        for phase in document["phases"]:
            steps = phase.get("steps") if isinstance(phase, dict) else None
            if not steps or "name" not in phase:
                problem = "each phase must have a name and steps."
            elif not all(isinstance(step, dict) and {"name", "action"} <= step.keys() for step in steps):
                problem = f"each step in phase '{phase['name']}' must have a name and an action."
    if problem is not None:
        raise InvalidParameterValueException("data", f"Failed to parse document. Error: {problem}")
    assert isinstance(document, dict)
    return document


def component_parameters(document: Document) -> list[Document]:
    """The ComponentParameterDetail of each parameter that the document defines."""
    return [
        {
            "name": name,
            "type": definition["type"][0].upper() + definition["type"][1:],
            **({"defaultValue": [str(definition["default"])]} if "default" in definition else {}),
            **({"description": definition["description"]} if "description" in definition else {}),
        }
        for parameter in document.get("parameters", [])
        for name, definition in parameter.items()
    ]

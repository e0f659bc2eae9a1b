"""Transforms: what CloudFormation makes of a template before it works with it.

Sources: CloudFormation User Guide, "CloudFormation template Transform section" (they run in the order in which the
template names them), "Overview of CloudFormation macros"; the transform AWS::Serverless-2016-10-31 is public
(aws/serverless-application-model), and runs here as it does on AWS.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3

from local_aws.cloudformation import parameters
from local_aws.cloudformation.errors import ValidationError
from local_aws.cloudformation.parameters import ParameterValue
from local_aws.cloudformation.template import Template, parse

SERVERLESS = "AWS::Serverless-2016-10-31"


def check_known(template: Template) -> None:
    """Raise ValidationError when the template has a transform that is not modelled."""
    if unknown := [name for name in template.transforms if name not in _TRANSFORMS]:
        raise ValidationError(f"the embedded AWS does not model the transform {', '.join(unknown)}")


def process(template: Template, values: Mapping[str, ParameterValue], region: str) -> Template:
    """The template after its transforms, given the values of its parameters; the same one when it has none.

    Raises ValidationError, with the text of the transform's failure, or when what it makes is not well formed.
    """
    if not template.transforms:
        return template
    references = {name: parameters.reference(template.parameters[name], value) for name, value in values.items()}
    return _process(template.body, json.dumps(references, sort_keys=True), region)


@functools.lru_cache(maxsize=64)
def _process(body: str, references: str, region: str) -> Template:
    template = parse(body)
    # A copy, for a transform works on what it is given.
    document: dict[str, Any] = json.loads(json.dumps(template.document))
    for name in template.transforms:
        document = _TRANSFORMS[name](document, json.loads(references), region)
    return replace(parse(json.dumps(document)), submitted=template)


def _serverless(document: dict[str, Any], references: dict[str, Any], region: str) -> dict[str, Any]:
    # They take almost half a second to import, for which a template without the transform should not have to wait.
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser  # as above
    from samtranslator.translator.translator import Translator  # as above

    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=region))
    try:
        transformed: dict[str, Any] = translator.translate(document, parameter_values=references)
    except InvalidDocumentException as error:
        text = " ".join([error.message, *(str(cause.message) for cause in error.causes)])
        raise ValidationError(f"Transform {SERVERLESS} failed with: {text}") from error
    except Exception as error:
        # AWS says no more than this of it (aws/serverless-application-model#10).
        raise ValidationError(
            f"Transform {SERVERLESS} failed with: Internal transform failure. "
            f"(in the embedded AWS, {type(error).__name__}: {error})"
        ) from error
    finally:
        translator.metrics.publish()
    return transformed


_TRANSFORMS: dict[str, Callable[[dict[str, Any], dict[str, Any], str], dict[str, Any]]] = {SERVERLESS: _serverless}
"""By its name, what makes another document of a template's, given the references to its parameters and the Region."""

"""The API of Image Builder: its operations, and what all of them have in common.

An operation takes a backend and the request, and returns the answer, both as the service's model has them.

Sources: EC2 Image Builder API reference, each operation; where an answer to a bad request is not documented, the
service's errors as users reported them; "Ensuring idempotency", Amazon EC2 API reference, to which it refers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.core.ids import random_uuid
from local_aws.imagebuilder.exceptions import IdempotentParameterMismatchException
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import OperationNotModelled
from local_aws.imagebuilder.operations import (
    components,
    distribution,
    images,
    infrastructure,
    lifecycle,
    pipelines,
    recipes,
    scans,
    tags,
)
from local_aws.imagebuilder.shapes import Document, check_answer, check_request, has_output

OPERATIONS = {
    **components.OPERATIONS,
    **recipes.OPERATIONS,
    **infrastructure.OPERATIONS,
    **distribution.OPERATIONS,
    **pipelines.OPERATIONS,
    **images.OPERATIONS,
    **scans.OPERATIONS,
    **lifecycle.OPERATIONS,
    **tags.OPERATIONS,
}
"""The operations that are modelled, by their name in the service's model, such as GetImage."""


def perform(backend: ImageBuilderBackend, operation: str, parameters: Mapping[str, Any]) -> Document:
    """The answer to a request for an operation.

    A client token gives the first answer again when the parameters are the same.
    Raises the service's errors, OperationNotModelled, AnswerNotInModel.
    """
    method = OPERATIONS.get(operation)
    if method is None:
        raise OperationNotModelled(f"EC2 Image Builder's {operation} is not modelled in the embedded AWS")
    request = check_request(operation, parameters)
    token = request.get("clientToken")
    if token is None:
        answer = method(backend, request)
    elif (operation, token) in backend.answers:
        first_request, answer = backend.answers[operation, token]
        if first_request != request:
            raise IdempotentParameterMismatchException(token)
    else:
        answer = method(backend, request)
        backend.answers[operation, token] = (request, answer)
    if has_output(operation, "requestId"):
        answer = {**answer, "requestId": random_uuid()}
    if has_output(operation, "clientToken"):
        answer = {**answer, "clientToken": token}
    check_answer(operation, answer)
    return answer

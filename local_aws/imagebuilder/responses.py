"""Handles incoming imagebuilder requests, invokes methods, returns responses.

Each operation of the service's model has a method, as moto looks for them; what they do is the same for all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores

from local_aws.imagebuilder.api import perform
from local_aws.imagebuilder.exceptions import InvalidRequestException
from local_aws.imagebuilder.models import ImageBuilderBackend, imagebuilder_backends
from local_aws.imagebuilder.not_modelled import OperationNotModelled
from local_aws.imagebuilder.shapes import SERVICE, service_model


class ImageBuilderResponse(BaseResponse):  # type: ignore[misc]
    """Handler for ImageBuilder requests and responses."""

    def __init__(self) -> None:
        super().__init__(service_name=SERVICE)

    @property
    def imagebuilder_backend(self) -> ImageBuilderBackend:
        """Return backend instance specific for this region."""
        backend: ImageBuilderBackend = imagebuilder_backends[self.current_account][self.region]
        return backend

    def _get_action_from_method_and_request_uri(self, request: Any) -> str | None:
        """The operation, by the method and the first part of the path: `/GetImage`, or `/tags/{resourceArn}`.

        moto's own router finds none when a required query parameter is missing, which AWS refuses by name.
        """
        _, first, *rest = request.raw_path.split("/", 2)
        for operation in service_model().operation_names:
            http = service_model().operation_model(operation).http
            _, expected, *label = http["requestUri"].split("/", 2)
            if (http["method"], expected, len(label)) == (request.method, first, len(rest)):
                self.uri_match = {label[0].strip("{}"): unquote(rest[0])} if rest else {}
                return str(operation)
        return None

    def parameters(self, operation: str) -> dict[str, Any]:
        """The parameters of the request, from its path, its query and its body.

        Raises InvalidRequestException when the body is not a JSON object.
        """
        try:
            body = json.loads(self.body) if self.body else {}
        except json.JSONDecodeError as error:
            raise InvalidRequestException(f"The request's body is not JSON: {error}.") from error
        if not isinstance(body, dict):
            raise InvalidRequestException("The request's body is not a JSON object.")
        parameters = {name: value for name, value in body.items() if value is not None}
        query = self.normalized_request.args
        for name, member in service_model().operation_model(operation).input_shape.members.items():
            location = member.serialization.get("location")
            key = member.serialization.get("name", name)
            if location == "uri":
                parameters[name] = self.uri_match[key]
            elif location == "querystring" and key in query:
                parameters[name] = query.getlist(key) if member.type_name == "list" else query[key]
        return parameters


def _handler(operation: str) -> Callable[[ImageBuilderResponse], Any]:
    def handle(self: ImageBuilderResponse) -> Any:
        try:
            return ActionResult(perform(self.imagebuilder_backend, operation, self.parameters(operation)))
        except OperationNotModelled as error:
            if not self.is_werkzeug_request:
                raise
            # A caller over HTTP gets an answer instead of the exception. SDKs do not try a 501 again.
            return json.dumps({"message": str(error)}), {"status": 501, "Content-Type": "application/json"}

    return handle


for _operation in service_model().operation_names:
    setattr(ImageBuilderResponse, camelcase_to_underscores(_operation), _handler(_operation))

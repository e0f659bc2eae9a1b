"""Lambda: moto keeps the functions, `local_aws.lambda_.invocations` runs them.

moto's own would start a container, or echo the payload, and drops a function's log group, dead-letter queue, tracing,
ephemeral storage and, in an update, its architecture. It takes any runtime, and an environment of any size.
"""

from __future__ import annotations

import functools
import json
from typing import Any
from urllib.parse import unquote

from moto.awslambda import models, responses
from moto.core.exceptions import JsonRESTError

from local_aws.core import clock, delivery, seam
from local_aws.core.errors import NotModelled
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.lambda_ import cold_starts, limits, logs
from local_aws.lambda_.asynchronous import invoke_async
from local_aws.lambda_.delivery import deliver
from local_aws.lambda_.environments import api_call
from local_aws.lambda_.functions import LambdaServiceError, find_function
from local_aws.lambda_.invocations import invoke

expect_attributes(models.LambdaFunction, "invoke")
expect_attributes(responses.LambdaResponse, "invoke", "invoke_async")
expect_parameters(models.LambdaFunction.update_configuration, "self", "config_updates")
expect_parameters(models.LambdaFunction.update_function_code, "self", "updated_spec")
expect_parameters(models.LambdaFunction._create_zipfile_from_plaintext_code, "code")
expect_parameters(models.LambdaFunction.invoke, "self", "body", "request_headers", "response_headers")
expect_parameters(models.LambdaFunction.__init__, "self", "account_id", "spec", "region", "version")

_initialise = models.LambdaFunction.__init__
_update_configuration = models.LambdaFunction.update_configuration
_update_code = models.LambdaFunction.update_function_code


def _service_error(error: LambdaServiceError) -> JsonRESTError:
    answer = JsonRESTError(error.code, str(error))
    answer.code = error.status
    return answer


def _init(self: Any, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1) -> None:
    if clock.is_running():
        limits.check_creation(spec)
    _initialise(self, account_id, spec, region, version)
    _take_more(self, spec)


def _take_more(function: Any, spec: dict[str, Any]) -> None:
    """Keep what moto drops of a request to create a function, or to update its configuration or code."""
    if "DeadLetterConfig" in spec:
        function.dead_letter_config = spec["DeadLetterConfig"]
    if "LoggingConfig" in spec:
        function.logging_config = spec["LoggingConfig"]
        function.logs_group_name = spec["LoggingConfig"].get("LogGroup", function.logs_group_name)
    if "Architectures" in spec:
        function.architectures = spec["Architectures"]
    if "TracingConfig" in spec:
        function.tracing_config = spec["TracingConfig"]
    if "EphemeralStorage" in spec:
        function.ephemeral_storage = int(spec["EphemeralStorage"]["Size"])


def _configure(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
    if clock.is_running():
        limits.check_update(config_updates, config_updates.get("Runtime", self.run_time))
    _update_configuration(self, config_updates)
    _take_more(self, config_updates)
    configuration: dict[str, Any] = self.get_configuration()
    return configuration


def _change_code(self: Any, updated_spec: dict[str, Any]) -> dict[str, Any]:
    if clock.is_running():
        limits.check_update({}, self.run_time)
    _update_code(self, updated_spec)
    _take_more(self, updated_spec)
    configuration: dict[str, Any] = self.get_configuration()
    return configuration


def _invoke(self: Any) -> tuple[int, dict[str, str], str]:
    """The Invoke API. API Reference, Invoke."""
    function = unquote(self.path.rsplit("/", 2)[-2])
    qualifier = self._get_param("Qualifier")
    kind = self.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
    if qualifier and not function.endswith(f":{qualifier}"):
        function = f"{function}:{qualifier}"
    try:
        payload = json.loads(self.body) if self.body else {}
    except ValueError as error:
        raise JsonRESTError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error
    try:
        if kind == "DryRun":
            find_function(function, self.region)
            return 204, {"status": "204"}, ""
        if kind == "Event":
            invoke_async(function, payload, self.region)
            return 202, {"status": "202"}, ""
        result = invoke(function, payload, self.region)
    except LambdaServiceError as error:
        raise _service_error(error) from error
    headers = {
        "status": "200",
        "content-type": "application/json",
        "x-amz-executed-version": str(find_function(function, self.region).version),
    }
    if result.error_type is not None:
        headers["x-amz-function-error"] = "Unhandled"
    if self.headers.get("X-Amz-Log-Type") == "Tail":
        headers["x-amz-log-result"] = logs.tail(result.log)
    return 200, headers, json.dumps(result.payload)


def _invoke_function(self: Any, body: str, request_headers: Any, response_headers: Any) -> bytes:  # noqa: ARG001
    """What moto's other services call: an asynchronous invocation."""
    invoke_async(self.function_arn, json.loads(body) if body else {}, self.region)
    return b""


def _invoke_async(_: Any) -> Any:
    raise NotModelled(
        "the embedded AWS does not model Lambda's InvokeAsync, which is deprecated; call Invoke with "
        "InvocationType=Event"
    )


@functools.cache
def install() -> None:
    """Put all this in place of moto's own, for the rest of the process."""
    models.LambdaFunction.__init__ = _init
    models.LambdaFunction.update_configuration = _configure
    models.LambdaFunction.update_function_code = _change_code
    models.LambdaFunction.invoke = _invoke_function
    responses.LambdaResponse.invoke = _invoke
    responses.LambdaResponse.invoke_async = _invoke_async
    cold_starts.install()
    seam.around_calls(api_call)
    delivery.register("lambda", deliver)

"""The gate that every call of an AWS API passes, in this process and by HTTP alike: before moto's service answers.

Here a call takes its time, and here planned faults strike.
"""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ConnectionClosedError
from moto.core import responses, serialize, utils
from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse, get_service_model

from local_aws.core import calls, faults
from local_aws.core.guard import expect_attributes, expect_parameters

expect_attributes(utils, "create_loader")
expect_parameters(responses.method_names_from_class, "clazz")
expect_parameters(responses.camelcase_to_underscores, "argument")
expect_parameters(serialize.xmltodict._validate_name, "value", "kind")
expect_attributes(BackendDict, "_instances")
expect_parameters(BackendDict.__eq__, "self", "other")
expect_parameters(serialize.XFormedAttributePicker.get_possible_keys, "self", "context")
expect_parameters(BaseResponse.call_action, "self")
expect_parameters(BaseResponse.serialized, "self", "action_result")
expect_attributes(BaseResponse, "_get_action", "_transform_response", "_enrich_response", "boto3_service_name")

_call_action = BaseResponse.call_action
_get_possible_keys = serialize.XFormedAttributePicker.get_possible_keys

_passages: list[Callable[[], AbstractContextManager[None]]] = []


@dataclass(frozen=True)
class Denial:
    """Why a call is denied, in the words of its answer."""

    message: str


Authorize = Callable[[str, str, str, str, str, Callable[[str], Any]], Denial | None]
"""Says why a call is denied, by account, Region, access key, service, operation, and what gives its parameters."""

_authorizing: list[Authorize] = []


def authorize_calls(authorize: Authorize) -> None:
    """Have every call judged before it is answered, for the rest of the process."""
    if authorize not in _authorizing:
        _authorizing.append(authorize)


def around_calls(passage: Callable[[], AbstractContextManager[None]]) -> None:
    """Have every call answered inside the context that `passage` makes, for the rest of the process."""
    _passages.append(passage)


def _gate(self: Any) -> Any:
    with ExitStack() as passages:
        for passage in _passages:
            passages.enter_context(passage())
        service, action = self.boto3_service_name, self._get_action()
        for authorize in _authorizing:
            caller = (self.current_account, self.region, self.get_access_key())
            denial = authorize(*caller, service, action, self._get_param) if action else None
            if denial is not None:
                return _deny(self, denial)
        if action and faults.wanted(service, action):
            fault = faults.take(service, action, _parameters(self))
            if fault is not None and fault.answer_lost:
                _call_action(self)
                # To botocore, it comes from the connection.
                raise ConnectionClosedError(endpoint_url=service)
            if fault is not None:
                return _refuse(self, fault.error, fault.message, fault.status)
        try:
            return _call_action(self)
        except NotImplementedError:
            if not self.is_werkzeug_request:
                raise
            # By HTTP it would be an error 500 without a name, which clients try again.
            message = f"The embedded AWS does not model {action} of {service}"
            return _refuse(self, "NotImplemented", message, HTTPStatus.NOT_IMPLEMENTED)


def _deny(response: Any, denial: Denial) -> Any:
    """Refuse the call with the code of the service's protocol (Common Errors, Error codes for the Amazon EC2 API)."""
    if response.boto3_service_name == "ec2":
        return _refuse(response, "UnauthorizedOperation", denial.message, HTTPStatus.FORBIDDEN)
    if "json" in response.determine_response_protocol(get_service_model(response.boto3_service_name)):
        return _refuse(response, "AccessDeniedException", denial.message, HTTPStatus.BAD_REQUEST)
    return _refuse(response, "AccessDenied", denial.message, HTTPStatus.FORBIDDEN)


def _parameters(response: Any) -> dict[str, Any]:
    """The parameters of a call, as far as a fault's `where` can name them: those of its body and its path."""
    parameters: dict[str, Any] = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in response.querystring.items()
    }
    try:
        body = json.loads(response.body or "{}")
    except ValueError:
        body = {}
    if isinstance(body, dict):
        parameters.update(body)
    parameters.update(response.uri_match)
    return parameters


class _Refusal(ServiceException):  # type: ignore[misc]
    """An error that no service raised. moto looks for its shape in the service that was called."""


def _refuse(response: Any, error: str, message: str, http_status: int) -> Any:
    """Answer with the error in the protocol of the service."""
    with warnings.catch_warnings():
        # moto warns of codes that the service's model does not list, such as Throttling.
        warnings.simplefilter("ignore")
        status, headers, body = response.serialized(ActionResult(_Refusal(error, message)))
    headers["status"] = http_status
    status, headers, body = response._transform_response(response.response_headers, (body, headers))
    headers, body = response._enrich_response(headers, body)
    return status, headers, body


@contextmanager
def mocked(mock: Any) -> Iterator[None]:
    """moto, started and stopped, with nothing left behind.

    When moto stops it empties its backends one by one, and while it does makes some of them again, unseen. In the next
    run these would not draw their ids, and the run would not be like the first.
    """
    mock.start()
    try:
        yield
    finally:
        made = list(BackendDict._instances)
        mock.stop()
        for backends in made:
            backends.clear()


def _possible_keys(picker: Any, context: Any) -> tuple[str, ...]:
    """The names that moto tries for a member of an answer. They follow from the member and from what has it."""
    remembered = vars(context.shape).setdefault("possible_keys", {})
    key = (type(context.obj), context.key)
    if key not in remembered:
        remembered[key] = tuple(dict.fromkeys(_get_possible_keys(picker, context)))
    names: tuple[str, ...] = remembered[key]
    return names


@functools.cache
def install() -> None:
    """Put the gate in place, for the rest of the process."""
    calls.install()
    BaseResponse.call_action = _gate
    # For each service that it describes, moto makes a loader and has it search all of botocore's data.
    utils.create_loader = functools.cache(utils.create_loader)
    # It lists the methods of a response class for each request, which are many hundred for EC2.
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    # It makes the name of a method from the name of an operation for each request.
    responses.camelcase_to_underscores = functools.cache(responses.camelcase_to_underscores)
    # It checks the name of each element of each answer in XML.
    serialize.xmltodict._validate_name = functools.cache(serialize.xmltodict._validate_name)
    # It works these out for each member of each answer.
    serialize.XFormedAttributePicker.get_possible_keys = _possible_keys
    # It looks for a service's backends among all in use, for each access to them. No two have the same id.
    BackendDict.__eq__, BackendDict.__ne__ = object.__eq__, object.__ne__

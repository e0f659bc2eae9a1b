"""Operations on lifecycle policies, which are executed once a day, and on their executions."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from local_aws.core import clock
from local_aws.imagebuilder import lifecycle
from local_aws.imagebuilder.arns import normalised
from local_aws.imagebuilder.exceptions import InvalidRequestException, ResourceNotFoundException
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import OperationNotModelled, refuse
from local_aws.imagebuilder.operations.images import forget
from local_aws.imagebuilder.operations.resources import (
    create_configuration,
    delete,
    existing,
    settings_of,
    update_configuration,
)
from local_aws.imagebuilder.pages import page
from local_aws.imagebuilder.shapes import Document

_KIND = "lifecycle-policy"
_LISTED = (
    *("arn", "name", "description", "status", "executionRole", "resourceType", "dateCreated", "dateUpdated"),
    *("dateLastRun", "tags"),
)


def _create(backend: ImageBuilderBackend, request: Document) -> Document:
    arn = backend.arn(f"{_KIND}/{normalised(request['name'])}")
    policy = _policy(request, arn)
    answer = create_configuration(backend, request, _KIND, backend.lifecycle_policies, policy)
    _schedule(backend, arn)
    return answer


def _update(backend: ImageBuilderBackend, request: Document) -> Document:
    arn = request["lifecyclePolicyArn"]
    if request["resourceType"] != existing(backend.lifecycle_policies, arn)["resourceType"]:
        raise InvalidRequestException("The 'resourceType' of a lifecycle policy cannot be changed.")
    policy = _policy(request, arn)
    answer = update_configuration(request, _KIND, backend.lifecycle_policies, policy)
    _schedule(backend, arn)
    return answer


def _get(backend: ImageBuilderBackend, request: Document) -> Document:
    return {"lifecyclePolicy": _described(backend, request["lifecyclePolicyArn"])}


def _list(backend: ImageBuilderBackend, request: Document) -> Document:
    described = [_described(backend, arn) for arn in backend.lifecycle_policies]
    summaries = [{name: policy[name] for name in _LISTED if name in policy} for policy in described]
    return page("ListLifecyclePolicies", request, summaries, "lifecyclePolicySummaryList")


def _delete(backend: ImageBuilderBackend, request: Document) -> Document:
    """What the policy has done stays done, and its executions can still be listed."""
    arn = request["lifecyclePolicyArn"]
    existing(backend.lifecycle_policies, arn)
    delete(backend.lifecycle_policies, arn, is_used=False)
    _schedule(backend, arn)
    return {"lifecyclePolicyArn": arn}


def _policy(request: Document, arn: str) -> Document:
    if request["resourceType"] != "AMI_IMAGE":
        raise OperationNotModelled(
            f"EC2 Image Builder's lifecycle policies for {request['resourceType']} are not modelled in the "
            "embedded AWS, only those for AMI_IMAGE"
        )
    for detail in request["policyDetails"]:
        refuse(detail["action"].get("includeResources", {}), "a lifecycle action", "containers")
        if detail["action"]["type"] != "DELETE":
            raise OperationNotModelled(
                f"EC2 Image Builder's lifecycle action {detail['action']['type']} is not modelled in the embedded "
                "AWS, only DELETE"
            )
    lifecycle.check_policy(request, arn)
    return {"status": "ENABLED", **settings_of(request)}


def _described(backend: ImageBuilderBackend, arn: str) -> Document:
    policy = existing(backend.lifecycle_policies, arn)
    executions = [execution.document for execution in backend.lifecycle_executions.values()]
    last = [execution["startTime"] for execution in executions if execution["lifecyclePolicyArn"] == arn][-1:]
    dates = {name: datetime.fromisoformat(policy[name]) for name in ("dateCreated", "dateUpdated")}
    return {**policy, **dates, **({"dateLastRun": last[0]} if last else {})}


# -- executions -------------------------------------------------------------------------------------------------------


def _get_execution(backend: ImageBuilderBackend, request: Document) -> Document:
    return {"lifecycleExecution": _execution(backend, request).document}


def _list_executions(backend: ImageBuilderBackend, request: Document) -> Document:
    """Newest first; AWS documents no order. An image has none: StartResourceStateUpdate is not modelled."""
    arn = request["resourceArn"]
    if ":lifecycle-policy/" not in arn and ":image/" not in arn:
        raise InvalidRequestException("'resourceArn' must be a lifecycle policy's or an image build version's.")
    documents = [execution.document for execution in reversed(backend.lifecycle_executions.values())]
    of_policy = [document for document in documents if document["lifecyclePolicyArn"] == arn]
    return page("ListLifecycleExecutions", request, of_policy, "lifecycleExecutions", "lifecycleExecutionId")


def _list_execution_resources(backend: ImageBuilderBackend, request: Document) -> Document:
    """The images, or the AMIs of the image that is named."""
    execution = _execution(backend, request)
    parent = request.get("parentResourceId")
    resources = execution.images if parent is None else execution.outputs.get(parent, [])
    return {
        **page("ListLifecycleExecutionResources", request, resources, "resources", "resourceId"),
        "lifecycleExecutionId": request["lifecycleExecutionId"],
        "lifecycleExecutionState": execution.document["state"],
    }


def _execution(backend: ImageBuilderBackend, request: Document) -> lifecycle.Execution:
    execution_id = request["lifecycleExecutionId"]
    if execution_id not in backend.lifecycle_executions:
        raise ResourceNotFoundException(execution_id)
    return backend.lifecycle_executions[execution_id]


def _schedule(backend: ImageBuilderBackend, arn: str) -> None:
    """Have the policy executed once a day while it is enabled; a change of it leaves the time of day as it is."""
    enabled = backend.lifecycle_policies.get(arn, {}).get("status") == "ENABLED"
    if not enabled and arn in backend.lifecycle_timers:
        backend.lifecycle_timers.pop(arn).cancel()
    if enabled and arn not in backend.lifecycle_timers:
        backend.lifecycle_timers[arn] = clock.current().call_later(
            lifecycle.EXECUTION_INTERVAL, partial(_execute, backend, arn), f"lifecycle policy {arn}"
        )


def _execute(backend: ImageBuilderBackend, arn: str) -> None:
    if arn not in backend.lifecycle_policies:
        return  # moto was reset
    del backend.lifecycle_timers[arn]
    policy, images = backend.lifecycle_policies[arn], list(backend.images.values())
    execution = lifecycle.execute(policy, images, partial(forget, backend))
    backend.lifecycle_executions[execution.document["lifecycleExecutionId"]] = execution
    _schedule(backend, arn)


OPERATIONS = {
    "CreateLifecyclePolicy": _create,
    "UpdateLifecyclePolicy": _update,
    "GetLifecyclePolicy": _get,
    "ListLifecyclePolicies": _list,
    "DeleteLifecyclePolicy": _delete,
    "GetLifecycleExecution": _get_execution,
    "ListLifecycleExecutions": _list_executions,
    "ListLifecycleExecutionResources": _list_execution_resources,
}

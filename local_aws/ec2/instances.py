"""Instances, as other services see them: their termination, and the output on their consoles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import InstanceBackend

from local_aws.core import clock
from local_aws.core.guard import expect_parameters

expect_parameters(
    InstanceBackend.run_instances, "self", "image_id", "count", "user_data", "security_group_names", "kwargs"
)

terminate_instances = InstanceBackend.terminate_instances

_termination_listeners: list[Callable[[Any], None]] = []
_consoles: list[Callable[[Any], str]] = []


def on_termination(listener: Callable[[Any], None]) -> None:
    """Have `listener` called with each of moto's instances that is about to be terminated while it runs."""
    _termination_listeners.append(listener)


def write_consoles(console: Callable[[Any], str]) -> None:
    """Have `console` return the output of one of moto's instances on its console."""
    _consoles.append(console)


def run(backend: Any, image_id: str, user_data: Any, security_groups: list[str], **options: Any) -> Any:
    """RunInstances of moto's backend, for one instance; gives moto's instance.

    `security_groups` are names; `options` are what moto's run_instances takes more, by its names.
    """
    (instance,) = backend.run_instances(image_id, 1, user_data, security_groups, **options).instances
    return instance


def terminate(backend: Any, instance_ids: list[str]) -> Any:
    """TerminateInstances of moto's backend, with the listeners called before."""
    for identifier in instance_ids:
        instance = backend.get_instance_by_id(identifier)
        if instance is not None and instance.state == "running":
            for listener in _termination_listeners:
                listener(instance)
    return terminate_instances(backend, instance_ids)


def console_output(response: Any) -> ActionResult:
    """The answer of GetConsoleOutput. Source: EC2 API Reference, GetConsoleOutput."""
    instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
    text = "".join(console(instance) for console in _consoles)
    output = Base64EncodedString.from_raw_string(text)
    return ActionResult({"InstanceId": instance.id, "Timestamp": clock.current().now(), "Output": output})


def cpu_options(instance: Any) -> dict[str, int]:
    """The CpuOptions of an instance that was launched without any."""
    cpus = INSTANCE_TYPES[instance.instance_type]["VCpuInfo"]
    return {"CoreCount": cpus["DefaultCores"], "ThreadsPerCore": cpus["DefaultThreadsPerCore"]}

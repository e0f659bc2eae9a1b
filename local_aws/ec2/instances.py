"""Instances, as other services see them: their states, and the output on their consoles.

Source: EC2 User Guide, "Instance lifecycle", "State change events for your instances"; API Reference, InstanceState.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import InstanceBackend

from local_aws.core import clock
from local_aws.core.guard import expect_parameters
from local_aws.ec2 import launch_checks
from local_aws.events import rules

expect_parameters(
    InstanceBackend.run_instances, "self", "image_id", "count", "user_data", "security_group_names", "kwargs"
)
expect_parameters(InstanceBackend.terminate_instances, "self", "instance_ids")
expect_parameters(InstanceBackend.stop_instances, "self", "instance_ids")
expect_parameters(InstanceBackend.start_instances, "self", "instance_ids")

_run_instances, _terminate_instances = InstanceBackend.run_instances, InstanceBackend.terminate_instances
_stop_instances, _start_instances = InstanceBackend.stop_instances, InstanceBackend.start_instances

_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

_ending_listeners: list[Callable[[Any], None]] = []
_consoles: list[Callable[[Any], str]] = []


def on_ending(listener: Callable[[Any], None]) -> None:
    """Have `listener` called with each of moto's instances that somebody has stopped or terminated."""
    _ending_listeners.append(listener)


def write_consoles(console: Callable[[Any], str]) -> None:
    """Have `console` return the output of one of moto's instances on its console."""
    _consoles.append(console)


def launch(backend: Any, image_id: str, user_data: Any, security_groups: list[str], **options: Any) -> Any:
    """RunInstances of moto's backend, for one instance, which is pending until `set_state` says more.

    `security_groups` are names; `options` are what moto's run_instances takes more, by its names. Returns moto's
    instance. Raises LaunchRefused.
    """
    launch_checks.check_run(backend, image_id, security_groups, options)
    (instance,) = _run_instances(backend, image_id, 1, user_data, security_groups, **options).instances
    set_state(instance, "pending")
    return instance


def run(backend: Any, image_id: str, count: int, user_data: Any, security_groups: list[str], **options: Any) -> Any:
    """RunInstances of moto's backend. Raises LaunchRefused when EC2 refuses it."""
    launch_checks.check_run(backend, image_id, security_groups, options)
    reservation = _run_instances(backend, image_id, count, user_data, security_groups, **options)
    for instance in reservation.instances:
        for state in ("pending", "running"):
            _announce(instance, state)
    return reservation


def set_state(instance: Any, state: str) -> None:
    """Move moto's instance to the state, which is an event."""
    instance._state.name, instance._state.code = state, _CODES[state]
    _announce(instance, state)


def shut_down(instance: Any) -> None:
    """Terminate moto's instance, which was shutting down. One that is terminated already stays so."""
    if instance.state != "terminated":
        _terminate_instances(instance.ec2_backend, [instance.id])
        _announce(instance, "terminated")


def terminate(backend: Any, instance_ids: list[str]) -> Any:
    """TerminateInstances of moto's backend; the listeners are called after."""
    return _end(_terminate_instances, backend, instance_ids, ("shutting-down", "terminated"))


def stop(backend: Any, instance_ids: list[str]) -> Any:
    """StopInstances of moto's backend; the listeners are called after."""
    return _end(_stop_instances, backend, instance_ids, ("stopping", "stopped"))


def start(backend: Any, instance_ids: list[str]) -> Any:
    """StartInstances of moto's backend."""
    started = _start_instances(backend, instance_ids)
    for instance, previous in started:
        if previous.name != "running":
            for state in ("pending", "running"):
                _announce(instance, state)
    return started


def _end(call: Callable[..., Any], backend: Any, instance_ids: list[str], states: tuple[str, str]) -> Any:
    ended = call(backend, instance_ids)
    for instance, previous in ended:
        if previous.name in ("pending", "running", "stopped") and previous.name != states[1]:
            for state in states:
                _announce(instance, state)
            for listener in _ending_listeners:
                listener(instance)
    return ended


def _announce(instance: Any, state: str) -> None:
    region, account = instance.ec2_backend.region_name, instance.ec2_backend.account_id
    arn = f"arn:aws:ec2:{region}:{account}:instance/{instance.id}"
    detail = {"instance-id": instance.id, "state": state}
    rules.put_aws_event("aws.ec2", "EC2 Instance State-change Notification", [arn], detail, region)


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

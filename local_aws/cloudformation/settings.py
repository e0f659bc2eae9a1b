"""What a scenario may say about CloudFormation."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


class CloudFormationSettingsError(ValueError):
    """A scenario says something about CloudFormation that means nothing."""


_BOOTED = """\
[    3.274031] systemd[1]: Reached target multi-user.target - Multi-User System.
[    4.102377] cloud-init[1632]: Cloud-init v. 22.2.2 running 'modules:final'
[    9.880154] cloud-init[1632]: Cloud-init v. 22.2.2 finished. Datasource DataSourceEc2.

Amazon Linux 2023
Kernel on an x86_64 (-)
login: """


@dataclass(frozen=True)
class StackBehaviour:
    """How the world outside CloudFormation behaves towards one stack, when it is updated.

    `signals`: which of the instances started under a CreationPolicy or WaitOnResourceSignals signal success:
    "all", "none", the number that does, or "hang": none does, and the wait for them has no end.
    `serves`: whether what runs on them answers the health checks of a load balancer.
    `launches_fail`: why Auto Scaling cannot launch them at all, in EC2's words; "" when it can.
    `console`: what an instance of the stack writes on its console.
    `rollback_fails`: the reason for which a failed update cannot be rolled back either; "" for none.
    """

    signals: str | int = "all"
    serves: bool = True
    launches_fail: str = ""
    console: str = _BOOTED
    rollback_fails: str = ""

    def __post_init__(self) -> None:
        if self.signals not in ("all", "none", "hang") and (isinstance(self.signals, str | bool) or self.signals < 0):
            raise CloudFormationSettingsError(
                f'expected signals to be "all", "none", "hang" or a number of instances, found {self.signals!r}'
            )


@dataclass(frozen=True)
class CloudFormationSettings:
    """How long things take, in virtual seconds, and how each stack behaves; the defaults are the happy path.

    `resource_seconds` is what the creation, update or deletion of one resource takes, `change_set_seconds` the making
    of a change set. `instance_boot_seconds` passes from the launch of an instance until it answers health checks,
    `instance_signal_seconds` until its success signal. One whose user data asks a load balancer about it signals when
    that finds it healthy; when it has not done so within `load_balancer_patience_seconds` from there, it signals
    failure. `terminate_seconds` is what the deletion of an Auto Scaling group with its instances takes, or the
    termination of a batch of them. `instant_create_and_delete`: stacks are created and deleted within the request, in
    no time, and every awaited signal arrives.
    `stacks` has the fields of a StackBehaviour by stack name; those under "*" hold for every stack.
    """

    resource_seconds: float = 10
    change_set_seconds: float = 8
    instance_boot_seconds: float = 180
    instance_signal_seconds: float = 200
    load_balancer_patience_seconds: float = 300
    terminate_seconds: float = 60
    instant_create_and_delete: bool = True
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {known.name for known in fields(StackBehaviour)}
        for name, behaviour in self.stacks.items():
            if unknown := sorted(set(behaviour) - known):
                raise CloudFormationSettingsError(
                    f"stacks, {name!r}: expected only {', '.join(sorted(known))}, found {', '.join(unknown)}"
                )
            StackBehaviour(**behaviour)

    def behaviour(self, stack_name: str) -> StackBehaviour:
        """How the stack of that name behaves."""
        return StackBehaviour(**{**self.stacks.get("*", {}), **self.stacks.get(stack_name, {})})


_settings = CloudFormationSettings()


def configure(settings: CloudFormationSettings) -> None:
    """Use `settings` from now on."""
    global _settings
    _settings = settings


def settings() -> CloudFormationSettings:
    """The settings that hold now."""
    return _settings

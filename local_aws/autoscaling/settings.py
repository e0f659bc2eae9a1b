"""How Auto Scaling and its instances behave where that varies."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from local_aws.core.settings import InvalidSettings

_BOOTED = """\
[    3.274031] systemd[1]: Reached target multi-user.target - Multi-User System.
[    4.102377] cloud-init[1632]: Cloud-init v. 22.2.2 running 'modules:final'
[    9.880154] cloud-init[1632]: Cloud-init v. 22.2.2 finished. Datasource DataSourceEc2.

Amazon Linux 2023
Kernel on an x86_64 (-)
login: """


@dataclass(frozen=True)
class StackInstances:
    """How the instances behave that one stack launches.

    `signals`: how many of those signal success whose signals are awaited, under a CreationPolicy or
    WaitOnResourceSignals: "all", "none", a number, or "hang": none does, and the wait for them has no end.
    `serves`: whether they answer the health checks of a load balancer.
    `serves_seconds`: for how long all those of one AMI do, from the moment at which the first of them has booted: it
    has something that expires. The AMI that the stack launched first has nothing of that. None: for good.
    `launches_fail`: the reason why Auto Scaling cannot launch them, in EC2's words; "" when it can.
    `console`: the text that each writes on its console.
    """

    signals: str | int = "all"
    serves: bool = True
    serves_seconds: float | None = None
    launches_fail: str = ""
    console: str = _BOOTED

    def __post_init__(self) -> None:
        if self.signals not in ("all", "none", "hang") and (isinstance(self.signals, str | bool) or self.signals < 0):
            raise InvalidSettings(
                f'expected signals to be "all", "none", "hang" or a number of instances, found {self.signals!r}'
            )


@dataclass(frozen=True)
class AutoScalingSettings:
    """How long launches and terminations take, in virtual seconds, and how the instances behave; by default, well.

    An instance is pending for `instance_pending_seconds`, answers health checks `instance_boot_seconds` after its
    launch, and signals success `instance_signal_seconds` after it. One whose user data asks a load balancer about it
    signals success when the load balancer finds it healthy, and failure when that has not happened
    `load_balancer_patience_seconds` after it has booted. An instance shuts down for `terminate_seconds`, after it has
    been deregistered from its target groups. `stacks` has the fields of StackInstances by stack name; those under "*"
    hold for every stack.
    """

    instance_pending_seconds: float = 20
    instance_boot_seconds: float = 180
    instance_signal_seconds: float = 200
    load_balancer_patience_seconds: float = 300
    terminate_seconds: float = 60
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {field.name for field in fields(StackInstances)}
        for name, behaviour in self.stacks.items():
            if unknown := sorted(set(behaviour) - known):
                raise InvalidSettings(
                    f"stacks, {name!r}: expected only {', '.join(sorted(known))}, found {', '.join(unknown)}"
                )
            StackInstances(**behaviour)

    def instances_of(self, stack_name: str) -> StackInstances:
        """The behaviour of the instances of the stack of that name."""
        return StackInstances(**{**self.stacks.get("*", {}), **self.stacks.get(stack_name, {})})

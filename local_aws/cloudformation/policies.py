"""The CreationPolicy and the UpdatePolicy of a resource, and what of them is refused.

Sources: CloudFormation Template Reference, "CreationPolicy attribute", "UpdatePolicy attribute".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local_aws.cloudformation.errors import ValidationError
from local_aws.cloudformation.functions import NO_VALUE, Evaluator
from local_aws.cloudformation.stacks import seconds

_GROUP = "AWS::AutoScaling::AutoScalingGroup"
# Source: Amazon EC2 Auto Scaling User Guide, "Suspend and resume Amazon EC2 Auto Scaling processes".
_PROCESSES = (
    *("AZRebalance", "AddToLoadBalancer", "AlarmNotification", "HealthCheck", "InstanceRefresh", "Launch"),
    *("ReplaceUnhealthy", "ScheduledActions", "Terminate"),
)
_MAX_PAUSE = "PT1H"
_MAX_TIMEOUT = "PT12H"


def _boolean(value: Any) -> str | None:
    return None if str(value).lower() in ("true", "false") else "true or false"


def _number(least: int, most: int | None = None) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        text = str(value)
        fits = text.isdecimal() and least <= int(text) and (most is None or int(text) <= most)
        return None if fits else f"a whole number from {least}" + ("" if most is None else f" to {most}")

    return check


def _duration(most: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        try:
            fits = seconds(str(value)) <= seconds(most)
        except ValueError:
            fits = False
        return None if fits else f"a duration such as PT15M, of at most {most}"

    return check


def _processes(value: Any) -> str | None:
    fits = isinstance(value, list) and all(name in _PROCESSES or "${" in str(name) for name in value)
    return None if fits else f"a list of {', '.join(_PROCESSES)}"


def _anything(_: Any) -> str | None:
    return None


_Keys = Mapping[str, Callable[[Any], str | None]]
"""What a policy's key takes: a check that returns what was expected of a value that is not that."""

_SIGNAL: Mapping[str, _Keys] = {"ResourceSignal": {"Count": _number(0), "Timeout": _duration(_MAX_TIMEOUT)}}
_POLICIES: Mapping[str, Mapping[str, Mapping[str, _Keys]]] = {
    "CreationPolicy": {
        _GROUP: {**_SIGNAL, "AutoScalingCreationPolicy": {"MinSuccessfulInstancesPercent": _number(0, 100)}},
        "AWS::EC2::Instance": _SIGNAL,
        "AWS::CloudFormation::WaitCondition": _SIGNAL,
    },
    "UpdatePolicy": {
        _GROUP: {
            # Refused when an update would have to do it.
            "AutoScalingInstanceRefresh": {"Strategy": _anything, "Preferences": _anything},
            "AutoScalingReplacingUpdate": {"WillReplace": _boolean},
            "AutoScalingRollingUpdate": {
                "MaxBatchSize": _number(1, 100),
                "MinActiveInstancesPercent": _number(0, 100),
                "MinInstancesInService": _number(0),
                "MinSuccessfulInstancesPercent": _number(0, 100),
                "PauseTime": _duration(_MAX_PAUSE),
                "SuspendProcesses": _processes,
                "WaitOnResourceSignals": _boolean,
            },
            "AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": _boolean},
        }
    },
}


def creation_policy(evaluate: Evaluator, logical_id: str) -> dict[str, Any]:
    """The CreationPolicy of the resource; an empty one when it has none.

    Raises ValidationError when it is none, or one that is not modelled.
    """
    return _policy(evaluate, logical_id, "CreationPolicy")


def update_policy(evaluate: Evaluator, logical_id: str) -> dict[str, Any]:
    """The UpdatePolicy of the resource; an empty one when it has none.

    Raises ValidationError when it is none, or one that is not modelled.
    """
    return _policy(evaluate, logical_id, "UpdatePolicy")


def _policy(evaluate: Evaluator, logical_id: str, attribute: str) -> dict[str, Any]:
    part = evaluate.template.resources[logical_id]
    policy = evaluate.evaluate(part.get(attribute))
    if policy is None or policy is NO_VALUE or policy == {}:
        return {}
    kind, where = part["Type"], f"the {attribute} of {logical_id}"
    modelled = _POLICIES[attribute].get(kind)
    if modelled is None:
        raise ValidationError(f"the embedded AWS does not model {where}: it models none of an {kind}")
    for name, settings in _object(policy, where).items():
        _check_known(name, modelled, where)
        for key, value in _object(settings, f"{name} in {where}").items():
            _check_known(key, modelled[name], f"{name} in {where}")
            if is_unknown(evaluate, value):
                continue
            if expected := modelled[name][key](value):
                raise ValidationError(
                    f"Template error: expected {key} of {name} in {where} to be {expected}, found {value!r}"
                )
    rolling = policy.get("AutoScalingRollingUpdate", {})
    waits = str(rolling.get("WaitOnResourceSignals", False)).lower()
    if "MinSuccessfulInstancesPercent" in rolling and waits == "false":
        raise ValidationError(
            f"Template error: MinSuccessfulInstancesPercent in {where} takes WaitOnResourceSignals to be true"
        )
    return dict(policy)


def is_unknown(evaluate: Evaluator, value: Any) -> bool:
    """Whether a symbolic evaluation left the value as a text that names what it will be."""
    return evaluate.symbolic and isinstance(value, str) and ("${" in value or value.startswith('{"'))


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValidationError(f"Template error: expected {where} to be an object, found {value!r}")
    return value


def _check_known(key: str, known: Mapping[str, Any], where: str) -> None:
    if key not in known:
        raise ValidationError(f"Template error: expected only {', '.join(sorted(known))} in {where}, found {key}")

"""Scenarios: what happens to a run, as data."""

from __future__ import annotations

import difflib
import types
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.core.faults import Fault, Faults
from local_aws.imagebuilder.settings import ImageBuilderSettings
from local_aws.lambda_.settings import LambdaSettings
from local_aws.servicequotas.settings import ServiceQuotasSettings
from local_aws.sns.settings import SnsSettings

SCENARIOS = Path(__file__).parent / "scenarios"
TRIGGERS = ("schedule", "manual", "base-image")


class ScenarioError(ValueError):
    """A scenario does not exist, or says something that means nothing."""


@dataclass(frozen=True)
class ApplicationStack:
    """A stack that a run patches: `template` is a path in the repository, `parameters` override its defaults."""

    name: str
    template: str = "infrastructure/application.yaml"
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Intervention:
    """What somebody does during the run: when the execution enters a state, or some time after its start, or both.

    `do` is `abort` (StopExecution), `cancel-image` (CancelImageCreation of the build that goes on), `update-stack`
    (UpdateStack of `stack`, with `parameters` changed and all others kept) or `call`: the `operation` of the boto3
    client of `service`, with `parameters`. In parameters, `${web.Group}` stands for the physical id of the resource
    `Group` of the stack `web`, and `${web.Group[0]}` for the first instance of that Auto Scaling group.
    """

    do: str
    when_state: str | None = None
    after_seconds: float = 0
    stack: str | None = None
    service: str | None = None
    operation: str | None = None
    parameters: Any = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.do not in ("abort", "cancel-image", "update-stack", "call"):
            raise ScenarioError(
                f"expected an intervention to do abort, cancel-image, update-stack or call, found {self.do!r}"
            )
        if (self.do == "call") != (self.service is not None and self.operation is not None):
            raise ScenarioError(
                "expected an intervention to name a service and an operation when, and only when, it does call"
            )
        if (self.do == "update-stack") != (self.stack is not None):
            raise ScenarioError("expected an intervention to name a stack when, and only when, it does update-stack")


@dataclass(frozen=True)
class Scenario:
    """All that a run is set up with; the defaults are the happy path.

    `description` is a sentence for people. `input` is the execution's input for the manual trigger; in it, and in
    parameters, `${GoldenAmi}` stands for the AMI that the stacks run on at first. `parameters` are those of our own
    deployment that differ from what `deployment.py` gives. `change_calendars` are SSM documents by their names, as
    iCalendar. The others are how AWS behaves: the settings of its services, and faults of its APIs.
    """

    name: str = "happy-path"
    description: str = ""
    trigger: str = "schedule"
    input: Any = None
    stacks: tuple[ApplicationStack, ...] = (ApplicationStack("web"),)
    parameters: dict[str, str] = field(default_factory=dict)
    change_calendars: dict[str, str] = field(default_factory=dict)
    autoscaling: AutoScalingSettings = field(default_factory=AutoScalingSettings)
    image_builder: ImageBuilderSettings = field(default_factory=ImageBuilderSettings)
    cloudformation: CloudFormationSettings = field(default_factory=CloudFormationSettings)
    lambda_: LambdaSettings = field(default_factory=LambdaSettings)
    service_quotas: ServiceQuotasSettings = field(default_factory=ServiceQuotasSettings)
    sns: SnsSettings = field(default_factory=SnsSettings)
    faults: tuple[Fault, ...] = ()
    interventions: tuple[Intervention, ...] = ()

    def __post_init__(self) -> None:
        if self.trigger not in TRIGGERS:
            raise ScenarioError(f"expected the trigger to be one of {', '.join(TRIGGERS)}, found {self.trigger!r}")

    @property
    def behaviour(self) -> tuple[object, ...]:
        """What `LocalAws` is given of it."""
        services = (self.autoscaling, self.cloudformation, self.image_builder, self.lambda_, self.service_quotas)
        return (*services, self.sns, Faults(self.faults))


def names() -> list[str]:
    """The names of all scenarios, the happy path first."""
    found = sorted(path.stem for path in SCENARIOS.glob("*.yaml"))
    return sorted(found, key=lambda name: name != "happy-path")


def load(name: str) -> Scenario:
    """The scenario of that name.

    Raises ScenarioError when there is none, or it has a key or a value that means nothing.
    """
    if name not in names():
        raise ScenarioError(
            f"expected the name of a scenario, found {name!r}{_did_you_mean(name, names())}; "
            f"there are {', '.join(names())}"
        )
    document = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text())
    return from_document(name, document)


def from_document(name: str, document: Any) -> Scenario:
    """The scenario that a parsed YAML document describes.

    Raises ScenarioError, naming the key, what was expected and the closest known key.
    """
    if not isinstance(document, dict):
        raise ScenarioError(f"scenario {name}: expected a mapping, found {type(document).__name__}")
    return typing.cast(Scenario, _build(Scenario, {"name": name, **document}, f"scenario {name}"))


def _build(kind: type, document: dict[str, Any], where: str) -> Any:
    known = {one.name.rstrip("_"): one for one in fields(kind)}
    hints = typing.get_type_hints(kind)
    for key in document:
        if key not in known:
            raise ScenarioError(f"{where}: unknown key {key!r}{_did_you_mean(str(key), list(known))}")
    for key, one in known.items():
        if key not in document and one.default is MISSING and one.default_factory is MISSING:
            raise ScenarioError(
                f"{where}: expected the key {key!r}, found {', '.join(map(str, document)) or 'nothing'}"
            )
    values = {
        known[key].name: _value(hints[known[key].name], value, f"{where}, {key}") for key, value in document.items()
    }
    try:
        return kind(**values)
    except ScenarioError as error:
        raise ScenarioError(f"{where}: {error}") from None
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    """`value` as the field of the type `hint` takes it."""
    if hint is Any:
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        for argument in arguments:
            if argument is not type(None) and _fits(argument, value):
                return _value(argument, value, where)
    elif origin in (tuple, list):
        if isinstance(value, list):
            items = [_value(arguments[0], item, f"{where}[{position}]") for position, item in enumerate(value)]
            return tuple(items) if origin is tuple else items
    elif origin is dict:
        if isinstance(value, dict):
            return {str(key): _value(arguments[1], item, f"{where}, {key}") for key, item in value.items()}
    elif is_dataclass(hint):
        if isinstance(value, dict):
            return _build(typing.cast(type, hint), value, where)
    elif _fits(hint, value):
        return float(value) if hint is float else value
    raise ScenarioError(f"{where}: expected {_words(hint)}, found {value!r}")


def _fits(hint: Any, value: Any) -> bool:
    if is_dataclass(hint) or typing.get_origin(hint) is dict:
        return isinstance(value, dict)
    if typing.get_origin(hint) in (tuple, list):
        return isinstance(value, list)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint


def _words(hint: Any) -> str:
    if is_dataclass(hint) or typing.get_origin(hint) is dict:
        return "a mapping"
    if typing.get_origin(hint) in (tuple, list):
        return "a list"
    return {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}.get(hint, str(hint))


def _did_you_mean(found: str, known: list[str]) -> str:
    close = difflib.get_close_matches(found, known, 1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"

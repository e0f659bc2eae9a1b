"""Scenarios: what happens to a run, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.core.faults import Fault, Faults
from local_aws.imagebuilder.settings import ImageBuilderSettings
from local_aws.lambda_.settings import LambdaSettings
from local_aws.servicequotas.settings import ServiceQuotasSettings
from local_aws.sns.settings import SnsSettings
from rehearsal.reading import InvalidDocument, read
from rehearsal.scenario_names import file_of
from rehearsal.state_machine import TRIGGERS


class ScenarioError(ValueError):
    """A scenario has a key or a value that means nothing."""


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
    iCalendar. All other fields are how AWS behaves: the settings of its services, and faults of its APIs.
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
        """What `LocalAws` takes of it."""
        services = (self.autoscaling, self.cloudformation, self.image_builder, self.lambda_, self.service_quotas)
        return (*services, self.sns, Faults(self.faults))


def load(name: str) -> Scenario:
    """The scenario of that name.

    Raises NoSuchScenario, or ScenarioError when it has a key or a value that means nothing.
    """
    return from_document(name, yaml.safe_load(file_of(name).read_text()))


def from_document(name: str, document: Any) -> Scenario:
    """The scenario that a parsed YAML document describes.

    Raises ScenarioError, naming the key, what was expected and the closest known key.
    """
    if not isinstance(document, dict):
        raise ScenarioError(f"scenario {name}: expected a mapping, found {type(document).__name__}")
    try:
        return read(Scenario, {"name": name, **document}, f"scenario {name}")
    except InvalidDocument as error:
        raise ScenarioError(str(error)) from error

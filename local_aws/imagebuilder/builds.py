"""Images, and how they are built in virtual time.

An image goes through PENDING, CREATING, BUILDING, TESTING (unless its tests are off), DISTRIBUTING and INTEGRATING to
AVAILABLE, or to FAILED or CANCELLED on the way. Its AMIs exist from the end of DISTRIBUTING on; the AMI that AWS takes
from the build instance before the tests is not modelled, nor are the build and test instances. Their logs are written,
though they say little.

Sources: EC2 Image Builder API reference, ImageState, ImageFailureContext, AmiDistributionConfiguration,
SsmParameterConfiguration; User Guide, "Tag Image Builder output resources", "EventBridge integration"; AWS Managed
Policy Reference, AWSServiceRoleForImageBuilder (the parameters that it may read and write).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from moto.moto_api._internal import mock_random

from local_aws.core import clock, settings
from local_aws.ec2 import images as amis
from local_aws.ec2 import networks
from local_aws.events.rules import put_aws_event
from local_aws.imagebuilder import notifications
from local_aws.imagebuilder.amis import DistributionFailed, recipe_volumes, register
from local_aws.imagebuilder.arns import latest_match
from local_aws.imagebuilder.logs import LogsNotWritten, write_build_log
from local_aws.imagebuilder.scans import scan_state
from local_aws.imagebuilder.settings import BUILD_STATES, ImageBuilderSettings
from local_aws.imagebuilder.shapes import Document
from local_aws.ssm import parameters

FINAL_STATES = ("AVAILABLE", "CANCELLED", "FAILED")

# Amazon-managed images are what the public parameters of the same system say (EC2 Image Builder console, "Managed
# images"; Amazon Linux 2023 User Guide, "Launching the latest AL2023 AMI using AWS CLI").
MANAGED_IMAGES = {
    "amazon-linux-2023-x86": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "amazon-linux-2023-arm64": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
}

# The workflows that AMI builds run by default, with the states in which they run.
_WORKFLOWS = {
    "BUILD": ("BUILDING", "workflow/build/build-image/1.0.3/1"),
    "TEST": ("TESTING", "workflow/test/test-image/1.0.3/1"),
}
_FAILED_STEPS = {"BUILDING": "ApplyBuildComponents", "TESTING": "ApplyTestComponents"}
_FAILED_PHASES = {"BUILDING": "build", "TESTING": "test"}

# What SSM Inventory finds on an AL2023 instance, in part: package, version, release, whether updates come often.
_PACKAGES = (
    ("amazon-ec2-net-utils", "2.7.1", 1, False),
    ("amazon-linux-repo-s3", "2023.12", 0, True),
    ("amazon-ssm-agent", "3.3.3050.0", 1, False),
    ("audit", "3.0.6", 1, False),
    ("awscli-2", "2.31.11", 1, True),
    ("bash", "5.2.15", 1, False),
    ("ca-certificates", "2025.2.76", 1, False),
    ("chrony", "4.3", 1, False),
    ("cloud-init", "22.2.2", 1, False),
    ("coreutils", "8.32", 30, False),
    ("curl-minimal", "8.15.0", 4, True),
    ("dnf", "4.14.0", 1, False),
    ("ec2-instance-connect", "1.1", 19, False),
    ("expat", "2.6.3", 1, True),
    ("glibc", "2.34", 231, True),
    ("gnupg2-minimal", "2.3.7", 1, False),
    ("gnutls", "3.8.3", 8, True),
    ("grub2-efi-x64-ec2", "2.06", 61, False),
    ("kernel", "6.18.30", 39, True),
    ("krb5-libs", "1.21.3", 7, False),
    ("libxml2", "2.10.4", 1, True),
    ("openldap", "2.4.57", 6, False),
    ("openssh-server", "8.7p1", 8, True),
    ("openssl-libs", "3.2.2", 1, True),
    ("pam", "1.5.1", 8, False),
    ("python3", "3.9.24", 1, True),
    ("rpm", "4.16.1.3", 29, False),
    ("selinux-policy", "38.1.45", 3, False),
    ("sqlite-libs", "3.40.0", 1, True),
    ("sudo", "1.9.15", 1, True),
    ("systemd", "252.23", 3, True),
    ("tzdata", "2025b", 1, False),
    ("vim-minimal", "9.1.1753", 1, True),
    ("zlib", "1.2.11", 33, False),
)


# What Image Builder's service-linked role may do with parameters of the account, and with AWS's public ones.
_OWN_PARAMETERS, _PUBLIC_PARAMETERS = "/imagebuilder/", "/aws/service/"


class CannotBuild(Exception):
    """The build instance cannot be launched: no parent image, no subnet, no security group."""


class ParameterForbidden(Exception):
    """Image Builder may not read or write a parameter of Systems Manager."""


@dataclass(eq=False)
class Image:
    """An image build version.

    `document` is what GetImage says of it that stays the same; `history` has each state with the moment at which it was
    entered; `started_at` and `ended_at` are the moments of the first and the final one, in seconds since the epoch.
    """

    document: Document
    account_id: str
    region: str
    started_at: float
    ended_at: float | None = None
    history: list[tuple[str, float]] = field(default_factory=list)
    reason: str | None = None
    failure_context: Document | None = None
    amis: list[Document] = field(default_factory=list)
    workflow_execution_ids: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return str(self.document["arn"])

    @property
    def status(self) -> str:
        return self.history[-1][0]

    @property
    def states(self) -> list[str]:
        """The states that it has been in, in their order."""
        return [state for state, _ in self.history]

    @property
    def is_scanned(self) -> bool:
        """Whether vulnerability scans are enabled for it."""
        return bool(self.document.get("imageScanningConfiguration", {}).get("imageScanningEnabled"))

    @property
    def is_building(self) -> bool:
        return self.status not in FINAL_STATES

    @property
    def build_number(self) -> int:
        return int(self.arn.rsplit("/", 1)[1])

    def describe(self) -> Document:
        """The `image` of GetImage."""
        state: Document = {"status": self.status}
        if self.reason is not None:
            state["reason"] = self.reason
        if self.failure_context is not None:
            state["failureContext"] = self.failure_context
        described: Document = {**self.document, "state": state}
        if self.amis or self.status == "AVAILABLE":
            described["outputResources"] = {"amis": self.amis}
        if self.is_scanned:
            described["scanState"] = scan_state(self.states, self.account_id, self.region)
        return described

    def summary(self) -> Document:
        """The ImageSummary of a list."""
        members = (
            "arn",
            "name",
            "type",
            "version",
            "platform",
            "state",
            "dateCreated",
            "outputResources",
            "tags",
            "buildType",
        )
        described = self.describe()
        return {name: described[name] for name in members if name in described} | {"owner": self.account_id}

    def packages(self) -> list[Document]:
        """The packages of the image: none before it is built, or without its enhanced metadata."""
        was_built = any(state in BUILD_STATES[3:] for state in self.states)
        if not was_built or not self.document["enhancedImageMetadataEnabled"]:
            return []
        return [
            {
                "packageName": name,
                "packageVersion": f"{version}-{release + self.build_number * moves}.amzn2023",
            }
            for name, version, release, moves in _PACKAGES
        ]

    def workflow_executions(self) -> list[Document]:
        """The workflows that have run or run now, in their order."""
        found = []
        for kind, (state, workflow) in _WORKFLOWS.items():
            # A build that was resumed has been in a state twice; its workflow is then another one.
            index = max((number for number, (entered, _) in enumerate(self.history) if entered == state), default=None)
            if index is None or kind not in self.workflow_execution_ids:
                continue  # not begun, or the parent image was not found
            execution: Document = {
                "workflowBuildVersionArn": f"arn:aws:imagebuilder:{self.region}:aws:{workflow}",
                "workflowExecutionId": self.workflow_execution_ids[kind],
                "type": kind,
                "status": "RUNNING",
                "startTime": timestamp(self.history[index][1]),
            }
            if index + 1 < len(self.history):
                following, ended = self.history[index + 1]
                execution["status"] = following if following in ("FAILED", "CANCELLED") else "COMPLETED"
                execution["endTime"] = timestamp(ended)
            found.append(execution)
        return found


class Build:
    """The build of an image, from its start to its end.

    `images` are those of the same account and Region, by ARN: parents are looked up there.
    """

    def __init__(self, image: Image, images: Mapping[str, Image], component_arns: list[str]) -> None:
        self.image = image
        self._images = images
        self._component_arns = component_arns
        self._parent: amis.Image
        self._volumes: list[amis.Volume] = []
        self._timer = clock.Timer()
        self._cancelling = False
        self._failures = 0

    def start(self) -> None:
        """Begin; the image is PENDING when this returns, and goes on by the clock."""
        self._enter("PENDING")
        after = settings.current(ImageBuilderSettings).cancelled_after
        if after is not None:
            self._later(after, self.cancel)

    def cancel(self) -> None:
        """Stop the build: soon after, the image is CANCELLED. What it has made stays."""
        if self._cancelling or not self.image.is_building:
            return
        self._cancelling = True
        self._timer.cancel()
        self._later(
            settings.current(ImageBuilderSettings).cancelling_seconds,
            lambda: self._end("CANCELLED", reason="Cancelled by user"),
        )

    @property
    def resumable_state(self) -> str | None:
        """The state to which RetryImage would take the image back: where it stopped, once it had been built.

        API Reference, RetryImage: AMI builds that failed or were cancelled in their test or distribution phase.
        """
        if self.image.status not in ("FAILED", "CANCELLED"):
            return None
        stopped_in = self.image.history[-2][0]
        return stopped_in if stopped_in in ("TESTING", "DISTRIBUTING", "INTEGRATING") else None

    def retry(self) -> None:
        """Go on with the build where it stopped; `resumable_state` has to be one."""
        state = self.resumable_state
        assert state is not None
        self._cancelling = False
        self.image.reason = self.image.failure_context = self.image.ended_at = None
        self._enter(state)

    # -- from state to state ------------------------------------------------------------------------------------------

    def _enter(self, state: str) -> None:
        self._change(state)
        if state == "BUILDING":
            try:
                self._parent = self._find_parent()
                self._check_network()
            except (CannotBuild, ParameterForbidden) as error:
                self._end("FAILED", reason=str(error), failure_context={"imageStatus": state})
                return
            self._volumes = recipe_volumes(self._parent.volumes, self.image.document["imageRecipe"])
        for kind, (running, _) in _WORKFLOWS.items():
            if running == state:
                self.image.workflow_execution_ids[kind] = f"wf-{mock_random.uuid4()}"
        if settings.current(ImageBuilderSettings).hang_in != state:
            self._timer = self._later(
                settings.current(ImageBuilderSettings).seconds_in(state), lambda: self._leave(state)
            )

    def _leave(self, state: str) -> None:
        failed = (
            settings.current(ImageBuilderSettings).fail_in == state
            and self._failures < settings.current(ImageBuilderSettings).fail_times
        )
        try:
            self._write_log(state, failed)
        except LogsNotWritten as error:
            self._end("FAILED", reason=str(error), failure_context={"imageStatus": state})
            return
        if failed:
            self._failures += 1
            self._fail(state)
            return
        try:
            if state == "DISTRIBUTING":
                self._distribute()
            if state == "INTEGRATING":
                self._write_parameters()
                self._end("AVAILABLE")
                return
        except (DistributionFailed, ParameterForbidden) as error:
            region = error.region if isinstance(error, DistributionFailed) else self.image.region
            context = {"imageStatus": state, "distributionFailure": _distribution_failure([region], str(error))}
            self._end("FAILED", reason=str(error), failure_context=context)
            return
        following = BUILD_STATES[BUILD_STATES.index(state) + 1]
        if following == "TESTING" and not self.image.document["imageTestsConfiguration"]["imageTestsEnabled"]:
            following = "DISTRIBUTING"
        self._enter(following)

    def _later(self, seconds: float, call: Callable[[], None]) -> clock.Timer:
        """Do the next thing of the build in `seconds`, unless moto was reset by then."""

        def do() -> None:
            if self._images.get(self.image.arn) is self.image:
                call()

        return clock.current().call_later(seconds, do, f"build of {self.image.arn}")

    def _write_log(self, state: str, failed: bool) -> None:
        """Write the log of the workflow that ends with the state, if one does.

        Raises LogsNotWritten.
        """
        kind = next((kind for kind, (running, _) in _WORKFLOWS.items() if running == state), None)
        if kind is None:
            return
        execution_id = self.image.workflow_execution_ids[kind]
        phases = ("test",) if kind == "TEST" else ("build", "validate")
        lines = [f"{timestamp(self.image.history[-1][1])} Workflow execution {execution_id} of type {kind} started"]
        now = timestamp(clock.current().time())
        for arn in self._component_arns:
            lines += [f"{now} Document {arn} phase {phase}" for phase in phases]
        if failed:
            lines.append(f"{now} {settings.current(ImageBuilderSettings).error_message}")
        lines.append(f"{now} Workflow execution {execution_id} ended with status {'FAILED' if failed else 'COMPLETED'}")
        write_build_log(self.image.document, self.image.account_id, self.image.region, execution_id, lines)

    def _fail(self, state: str) -> None:
        """As the settings say; the reason is in the words that AWS uses for a component that fails."""
        told = settings.current(ImageBuilderSettings)
        context: Document = {"imageStatus": state}
        reason = "Image creation failed with status = 'Failed' in state = '{status}': {message}"
        kind = next((kind for kind, (running, _) in _WORKFLOWS.items() if running == state), None)
        if kind is not None:
            context["workflowExecutionId"] = self.image.workflow_execution_ids[kind]
            context["workflowArn"] = f"arn:aws:imagebuilder:{self.image.region}:aws:{_WORKFLOWS[kind][1]}"
            context["stepExecutionId"] = f"step-{mock_random.uuid4()}"
        component_arn = next(iter(self._component_arns), "")
        if component_arn and state in _FAILED_STEPS:
            reason = (
                "SSM execution '{execution}' failed for image arn: '{image_arn}' with status = 'Failed' in "
                "state = '{status}' and failure message = 'Document {component_arn} failed!'"
            )
            context["componentFailure"] = {
                "componentArn": component_arn,
                "phaseName": told.failed_phase or _FAILED_PHASES[state],
                "stepName": told.failed_component_step,
                "action": told.failed_action,
                "errorMessage": told.error_message,
            }
        if state in ("DISTRIBUTING", "INTEGRATING"):
            regions = [distribution["region"] for distribution in self._distributions()]
            context["distributionFailure"] = _distribution_failure(regions, told.error_message)
        failed_step = told.failed_step or _FAILED_STEPS.get(state)
        if failed_step is not None:
            context["failedStep"] = failed_step
        reason = told.failure_reason or reason
        for placeholder, text in {
            "{status}": state,
            "{image_arn}": self.image.arn,
            "{component_arn}": component_arn,
            "{execution}": str(mock_random.uuid4()),
            "{message}": told.error_message,
        }.items():
            reason = reason.replace(placeholder, text)
        self._end("FAILED", reason=reason, failure_context=context)

    def _end(self, state: str, reason: str | None = None, failure_context: Document | None = None) -> None:
        self.image.reason = reason
        self.image.failure_context = failure_context
        self.image.ended_at = clock.current().time()
        self._change(state)
        if state in notifications.PUBLISHED_STATES:
            image = self.image
            notifications.publish(image.describe(), image.account_id, image.region, image.states)

    def _change(self, state: str) -> None:
        """Put the image into the state, and tell EventBridge.

        The event is as in the User Guide, "EventBridge integration"; the beginning is no change.
        """
        previous = self.image.history[-1][0] if self.image.history else None
        self.image.history.append((state, clock.current().time()))
        if previous is not None:
            put_aws_event(
                "aws.imagebuilder",
                "EC2 Image Builder Image State Change",
                [self.image.arn],
                {"previous-state": {"status": previous}, "state": {"status": state}},
                self.image.region,
            )

    # -- what goes in and what comes out ------------------------------------------------------------------------------

    def _find_parent(self) -> amis.Image:
        """The AMI that the recipe's parent image means at this moment.

        Raises CannotBuild, ParameterForbidden.
        """
        named = self.image.document["imageRecipe"]["parentImage"]
        if named.startswith("ssm:"):
            ami_id = self._parameter(named.removeprefix("ssm:"))
        elif ":image/" in named:
            ami_id = self._output_of(named)
        else:
            ami_id = named
        ami = amis.find(self.image.account_id, self.image.region, ami_id)
        if ami is None or not ami.is_available:
            raise CannotBuild(
                f"The parent image '{named}' of the image recipe cannot be resolved: the AMI '{ami_id}' does not exist "
                f"or is not available in Region {self.image.region}."
            )
        return ami

    def _check_network(self) -> None:
        """Raises CannotBuild unless the infrastructure configuration's subnet and security groups exist."""
        place = (self.image.account_id, self.image.region)
        infrastructure = self.image.document["infrastructureConfiguration"]
        if "subnetId" in infrastructure and infrastructure["subnetId"] not in networks.subnet_ids(*place):
            raise CannotBuild(f"The subnet ID '{infrastructure['subnetId']}' does not exist")
        groups = networks.security_group_ids(*place)
        for group in infrastructure.get("securityGroupIds", []):
            if group not in groups:
                raise CannotBuild(f"The security group '{group}' does not exist")

    def _allow_parameter(self, action: str, name: str, region: str, *prefixes: str) -> None:
        """Raises ParameterForbidden unless the service-linked role may do the action; any other role may do it."""
        if "executionRole" in self.image.document or name.startswith(prefixes):
            return
        account_id = self.image.account_id
        raise ParameterForbidden(
            f"User: arn:aws:sts::{account_id}:assumed-role/AWSServiceRoleForImageBuilder/Ec2ImageBuilder is not "
            f"authorized to perform: {action} on resource: arn:aws:ssm:{region}:{account_id}:parameter{name} because "
            f"no identity-based policy allows the {action} action"
        )

    def _parameter(self, name: str) -> str:
        self._allow_parameter("ssm:GetParameter", name, self.image.region, _OWN_PARAMETERS, _PUBLIC_PARAMETERS)
        value = parameters.read(self.image.account_id, self.image.region, name)
        if value is None:
            raise CannotBuild(
                f"The parent image 'ssm:{name}' of the image recipe cannot be resolved: no such parameter."
            )
        return value

    def _output_of(self, arn: str) -> str:
        prefix, name = arn.split("/")[:2]
        if prefix.endswith(":aws:image"):
            return self._parameter(MANAGED_IMAGES[name])
        available = [arn for arn, image in self._images.items() if image.status == "AVAILABLE"]
        latest = latest_match(arn, available)
        amis = self._images[latest].amis if latest is not None else []
        for ami in amis:
            if (ami["region"], ami["accountId"]) == (self.image.region, self.image.account_id):
                return str(ami["image"])
        raise CannotBuild(
            f"The parent image '{arn}' of the image recipe cannot be resolved: no available build of it has an AMI in "
            f"Region {self.image.region}."
        )

    def _distributions(self) -> list[Document]:
        """The distributions to do: the configuration's, or the build's own Region, unless a scenario says which."""
        configuration = self.image.document.get("distributionConfiguration", {})
        configured = {distribution["region"]: distribution for distribution in configuration.get("distributions", [])}
        regions = settings.current(ImageBuilderSettings).distribute_to
        if regions is None:
            return list(configured.values()) or [{"region": self.image.region}]
        return [configured.get(region, {"region": region}) for region in regions]

    def _distribute(self) -> None:
        """One AMI for each Region and account of the distribution."""
        for distribution in self._distributions():
            configuration = distribution.get("amiDistributionConfiguration", {})
            for account_id in configuration.get("targetAccountIds", [self.image.account_id]):
                self.image.amis.append(self._register(distribution["region"], account_id, configuration))

    def _register(self, region: str, account_id: str, configuration: Document) -> Document:
        is_original = (region, account_id) == (self.image.region, self.image.account_id)
        recipe = self.image.document["imageRecipe"]
        name = self._resolved(
            configuration.get("name", f"{self.image.document['name']} {{{{ imagebuilder:buildDate }}}}")
        )
        description = configuration.get("description", recipe.get("description") if is_original else None)
        tags = {**(recipe.get("amiTags", {}) if is_original else {}), **configuration.get("amiTags", {})}
        ami_id = register(
            self._volumes,
            configuration,
            parent=self._parent,
            home=(self.image.region, self.image.account_id),
            region=region,
            account_id=account_id,
            name=name,
            description=description,
            tags={
                **{key: self._resolved(value) for key, value in tags.items()},
                "CreatedBy": "EC2 Image Builder",
                "Ec2ImageBuilderArn": self.image.arn,
            },
        )
        described = {
            "region": region,
            "image": ami_id,
            "name": name,
            "accountId": account_id,
            "state": {"status": "AVAILABLE"},
        }
        return described | ({"description": description} if description is not None else {})

    def _resolved(self, text: str) -> str:
        """`text` with its dynamic tags filled in (User Guide, "Tag Image Builder output resources")."""
        date = datetime.fromtimestamp(self.image.started_at, UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        text = re.sub(r"\{\{\s*imagebuilder:buildDate\s*\}\}", date, text)
        return re.sub(r"\{\{\s*imagebuilder:buildVersion\s*\}\}", str(self.image.build_number), text)

    def _write_parameters(self) -> None:
        for region, account_id, parameter in _parameters(self._distributions(), self.image.account_id):
            self._allow_parameter("ssm:PutParameter", parameter["parameterName"], region, _OWN_PARAMETERS)
            for ami in self.image.amis:
                if (ami["region"], ami["accountId"]) == (region, account_id):
                    data_type = parameter.get("dataType", "text")
                    parameters.write(account_id, region, parameter["parameterName"], ami["image"], data_type)


def _distribution_failure(regions: list[str], message: str) -> Document:
    """The distributionFailure of an ImageFailureContext."""
    failures = [{"region": region, "status": "FAILED", "errorMessage": message} for region in regions]
    return {"errorMessage": message, "regionFailures": failures}


def _parameters(distributions: list[Document], own_account_id: str) -> Iterator[tuple[str, str, Document]]:
    """Each SSM parameter to write, with its Region and account."""
    for distribution in distributions:
        for parameter in distribution.get("ssmParameterConfigurations", []):
            yield distribution["region"], parameter.get("amiAccountId", own_account_id), parameter


def timestamp(moment: float) -> str:
    """ISO 8601 text, as Image Builder gives dates, of seconds since the epoch."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""How images are built in virtual time.

The AMIs of an image exist from the end of DISTRIBUTING on; the AMI that AWS takes from the build instance before the
tests is not modelled, nor are the build and test instances. Their logs are written, though there is little in them.

Sources: EC2 Image Builder API reference, ImageState, ImageFailureContext, CancelImageCreation, RetryImage; User Guide,
"EventBridge integration".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from local_aws.core import clock, settings
from local_aws.core.ids import random_uuid
from local_aws.ec2 import images as ec2_images
from local_aws.events.rules import put_aws_event
from local_aws.imagebuilder import notifications
from local_aws.imagebuilder.amis import DistributionFailed, recipe_volumes
from local_aws.imagebuilder.failures import distribution_failure, failure_of
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.logs import LogsNotWritten, write_build_log
from local_aws.imagebuilder.outputs import distribute, write_parameters
from local_aws.imagebuilder.parents import CannotBuild, check_network, find_parent
from local_aws.imagebuilder.permissions import ParameterForbidden
from local_aws.imagebuilder.settings import BUILD_STATES, ImageBuilderSettings
from local_aws.imagebuilder.shapes import Document
from local_aws.imagebuilder.workflows import log_lines, workflow_in

_RESUMABLE_STATES = ("TESTING", "DISTRIBUTING", "INTEGRATING")


class Build:
    """The build of an image, from its start to its end.

    `images` are those of the same account and Region, by ARN: parents are looked up there.
    """

    def __init__(self, image: Image, images: Mapping[str, Image], component_arns: Sequence[str]) -> None:
        self.image = image
        self._images = images
        self._component_arns = component_arns
        self._parent: ec2_images.Image
        self._volumes: list[ec2_images.Volume] = []
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
        return stopped_in if stopped_in in _RESUMABLE_STATES else None

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
                self._parent = find_parent(self.image, self._images)
                check_network(self.image)
            except (CannotBuild, ParameterForbidden) as error:
                self._fail(str(error), {"imageStatus": state})
                return
            self._volumes = recipe_volumes(self._parent.volumes, self.image.document["imageRecipe"])
        workflow = workflow_in(state)
        if workflow is not None:
            self.image.workflow_execution_ids[workflow.kind] = f"wf-{random_uuid()}"
        behaviour = settings.current(ImageBuilderSettings)
        if behaviour.hang_in != state:
            self._timer = self._later(behaviour.seconds_in(state), lambda: self._leave(state))

    def _leave(self, state: str) -> None:
        behaviour = settings.current(ImageBuilderSettings)
        failed = behaviour.fail_in == state and self._failures < behaviour.fail_times
        try:
            self._write_log(state, failed)
        except LogsNotWritten as error:
            self._fail(str(error), {"imageStatus": state})
            return
        if failed:
            self._failures += 1
            self._fail(*failure_of(self.image, state, self._component_arns))
            return
        try:
            if state == "DISTRIBUTING":
                distribute(self.image, self._parent, self._volumes)
            if state == "INTEGRATING":
                write_parameters(self.image)
                self._end("AVAILABLE")
                return
        except (DistributionFailed, ParameterForbidden) as error:
            region = error.region if isinstance(error, DistributionFailed) else self.image.region
            failure = distribution_failure([region], str(error))
            self._fail(str(error), {"imageStatus": state, "distributionFailure": failure})
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
        workflow = workflow_in(state)
        if workflow is None:
            return
        lines = log_lines(workflow, self.image, self._component_arns, failed)
        execution_id = self.image.workflow_execution_ids[workflow.kind]
        write_build_log(self.image.document, self.image.account_id, self.image.region, execution_id, lines)

    def _fail(self, reason: str, failure_context: Document) -> None:
        self._end("FAILED", reason, failure_context)

    def _end(self, state: str, reason: str | None = None, failure_context: Document | None = None) -> None:
        self.image.reason = reason
        self.image.failure_context = failure_context
        self.image.ended_at = clock.current().time()
        self._change(state)
        if state in notifications.PUBLISHED_STATES:
            image = self.image
            notifications.publish(image.describe(), image.account_id, image.region, image.states)

    def _change(self, state: str) -> None:
        """Put the image into the state, and send the event to EventBridge.

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

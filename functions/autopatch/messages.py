"""The notifications at the end of a run.

Each function takes the state of the execution as far as it came, and returns the notification to publish.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from autopatch.aws.sns import Notification
from autopatch.contracts import (
    Ami,
    Execution,
    Failure,
    Freeze,
    ImageBuild,
    Outcome,
    Run,
    Summary,
    TargetResult,
    Trigger,
    read,
)

_CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}

_BEGINNINGS = {
    Trigger.MANUAL: "by hand",
    Trigger.SCHEDULE: "by the schedule",
    Trigger.BASE_IMAGE: "by the announcement of a new base AMI",
}

# The errors that end a run before any stack is updated, in words, for the subject.
_IN_WORDS = {
    "InvalidInput": "the execution's input is invalid",
    "ConfigError": "AMI Autopatch is not deployed correctly",
    "TargetNotReady": "a target cannot be patched as it is",
    "UnexpectedChanges": "the update would change more than the instances",
    "ImageBuildFailed": "the image build failed",
    "ImageBuildTimedOut": "the image build took too long",
    "ImageHasNoAmi": "the image does not have exactly one AMI here",
}

# What to do next, by the error that ended the run.
_NEXT_STEPS = {
    "InvalidInput": "Correct the input and start the execution again; {} patches what the deployment names.",
    "InvalidDocument": "AMI Autopatch was most likely deployed while the execution ran. Start the execution again.",
    "ConfigError": "Correct the deployment's parameters, deploy it again, and start the execution again.",
    "ImageBuildFailed": "Read the build's log in Image Builder, fix the recipe or its components, and start the "
    "execution again. Otherwise the next scheduled run tries again.",
    "ImageBuildTimedOut": "Check the build's log to see where it hangs. If builds take that long now, deploy with a "
    "longer build deadline. Then start the execution again.",
    "ImageHasNoAmi": "Correct the distribution configuration of the image pipeline so that it makes one AMI in this "
    "account and Region, and start the execution again.",
    "TargetNotReady": "Fix what is listed for each stack above, and start the execution again for those stacks.",
    "UnexpectedChanges": "Look at what the update would change, above. Give whatever must not change with the AMI "
    "its own parameter, or make those changes in a separate update, and start the execution again.",
    "VerificationFailed": "See what kept the new instances from serving (their logs, the health checks), fix the "
    "image, and start the execution again.",
    "PatchIncomplete": "See what kept instances from being replaced (the group's activity history), fix that, and "
    "start the execution again.",
    "DeploymentFailed": "See above what failed, and whether that was the AMI: then fix the image, otherwise the "
    "stack. Start the execution again.",
    "DeploymentTimedOut": "See what the update waited for (the stack's events, the instances' logs). If updates take "
    "that long now, deploy with a longer deployment deadline. Then start the execution again.",
    "RollbackFailed": "An operator is needed now. See above what failed first, and why the rollback failed.",
    "StackMovedOn": "Look at what the stack runs now, which somebody else has put there.",
    "AnswerLost": "Look whether this notification has arrived twice. There is nothing else to do.",
    "NotificationFailed": "Fix the notification topic: its policy, its encryption key or its subscriptions.",
    "AwsCallFailed": "AWS refused a call, often for a missing permission. Fix that, and start the execution again.",
    "TransientAwsFault": "AWS could not be reached for a while, although each call was retried. Start the "
    "execution again.",
}
_BEFORE_ANY_CHANGE = ("TargetNotReady", "UnexpectedChanges")
_TO_BE_PASTED = ("aws ", "{", "--")
"""How lines begin that a person pastes into a terminal or the console: they are not wrapped."""
_AFTER_THE_UPDATE = ("VerificationFailed", "PatchIncomplete")

_NEXT_STEP_OTHERWISE = "Look at the execution in the console: the state that failed shows its input and its error."


@dataclass(frozen=True)
class Ending:
    """How an execution ended outside its Catch: the status, and the last state it was in."""

    status: str
    last_state: str | None
    failure: Failure


def success(state: Mapping[str, Any], now: datetime) -> Notification:
    """For a run in which no target failed."""
    run = _RunSoFar(state, now)
    targets = run.summary.targets
    return run.notification(*_good_news(targets, run.ami), next_steps=_after_success(targets, run.ami))


def skipped(state: Mapping[str, Any], now: datetime) -> Notification:
    """For a run that ended before anything was built: a change calendar is closed, or the base image is held."""
    run = _RunSoFar(state, now)
    reason = read(state["freeze"], Freeze).reason or "no reason given"
    return run.notification(
        f"SKIPPED: nothing was built; {run.stacks} not touched",
        f"The run was skipped. Nothing was built or changed.\n\nWhy\n{_indented(reason)}",
        outcome=Outcome.SKIPPED,
        next_steps="Nothing, if that is intended: the next scheduled run tries again. To patch before that, "
        "start the execution again when the reason above no longer holds.",
    )


def failure(state: Mapping[str, Any], now: datetime) -> Notification:
    """For a run that ended in the state machine's Catch, or with failed targets."""
    run = _RunSoFar(state, now)
    failed = read(state["failure"], Failure)
    targets = run.summary.targets
    failed_targets = [target for target in targets if target.outcome in (Outcome.FAILED, Outcome.UNKNOWN)]
    is_known = all(target.outcome is not Outcome.UNKNOWN for target in targets)
    if failed_targets:
        subject, verdict = _bad_news(targets, failed_targets)
    elif targets:
        news, verdict, _ = _good_news(targets, run.ami)
        subject, verdict = (
            f"FAILED at the end ({failed.error}), after: {news}",
            f"{verdict} But the run failed after that.",
        )
    elif run.updates_may_have_begun:
        is_known = False
        subject = f"UNKNOWN: {failed.error}; {run.stacks} may have been updated"
        verdict = f"The run failed with {failed.error}, possibly after updates of its stacks had begun."
    else:
        failure = _IN_WORDS.get(failed.error, failed.error)
        subject = f"FAILED: {failure}{f'; {run.stacks} not touched' if run.stacks else ''}"
        verdict = f"The run failed before any stack was updated: {failure}."
    return run.notification(
        subject,
        verdict,
        outcome=Outcome.FAILED if is_known else Outcome.UNKNOWN,
        error=None if failed_targets else failed,
        next_steps=_after_failure(failed.error, targets, run.ami),
    )


def ending(state: Mapping[str, Any], ended: Ending, now: datetime) -> Notification:
    """For an execution that ended outside its Catch: aborted, timed out, or stopped by Step Functions."""
    run = _RunSoFar(state, now)
    words = {"ABORTED": "aborted", "TIMED_OUT": "timed out as a whole"}.get(ended.status, "stopped")
    where = f" in '{ended.last_state}'" if ended.last_state else ""
    return run.notification(
        f"{ended.status}: the run{f' for {run.stacks}' if run.stacks else ''} was {words}{where}",
        f"The run was {words}{where}. Nothing is watching what it started any more.",
        outcome=ended.status,
        error=ended.failure if ended.failure.cause else None,
        next_steps="What was in progress continues without the run: an image build to its end, and a stack update "
        "until it is complete or CloudFormation has rolled it back. Follow them with the links below. A stack whose "
        "update had begun has the rollback alarms and the bake time that the run gave it, not its own, until the next "
        "run that comes to it puts its own back. So start the execution again when the stack has settled.",
    )


class _RunSoFar:
    """The state of an execution as far as it came, and the parts of a notification that are made of it."""

    def __init__(self, state: Mapping[str, Any], now: datetime) -> None:
        self._execution = read(state["execution"], Execution)
        self._now = now
        self._run = read(state["run"], Run) if "run" in state else None
        self._image = read(state["image"], ImageBuild) if "image" in state else None
        self.ami = read(state["ami"], Ami) if "ami" in state else None
        self.summary = read(state["summary"], Summary) if "summary" in state else Summary()
        # The updates begin as soon as there is the AMI.
        self.updates_may_have_begun = self.ami is not None

    @property
    def stacks(self) -> str:
        """`web`, or `3 stacks`, or nothing where the targets are not known."""
        names = self._stack_names
        return names[0] if len(names) == 1 else _stacks(len(names)) if names else ""

    @property
    def _stack_names(self) -> tuple[str, ...]:
        if self._run is None:
            return ()
        refused = (target.stack_name for target in self._run.refused)
        return (*(target.stack_name for target in self._run.targets), *refused)

    def notification(
        self, subject: str, verdict: str, outcome: str, next_steps: str, error: Failure | None = None
    ) -> Notification:
        parts = [verdict, self._facts(), self._stacks_part(), self._error_part(error)]
        parts += [f"What to do next\n{_indented(next_steps)}" if next_steps else "", self._links()]
        return Notification(
            subject=f"AMI Autopatch: {subject}",
            body="\n\n".join(part for part in parts if part) + "\n",
            outcome=outcome,
            stack_names=self._stack_names,
        )

    def _facts(self) -> str:
        lines = [
            ("Started", f"{_moment(self._execution.started_at)} {_BEGINNINGS[self._run.trigger] if self._run else ''}"),
            ("Took", _duration(self._now - self._execution.started_at)),
        ]
        if self._run and self._run.reason:
            lines.append(("Reason", self._run.reason))
        if self._run and self._run.dry_run:
            lines.append(("Dry run", "yes, no stack was changed"))
        if self.ami:
            lines.append(("AMI", f"{self.ami.ami_id} ({self.ami.name})" if self.ami.name else self.ami.ami_id))
        if self._image:
            whose = " (a build that was in progress already)" if self._image.joined else ""
            seen = "" if self._image.ready else f", last seen {self._image.status}"
            lines.append(("Image", f"{self._image.image_arn}{seen}{whose}"))
        return "\n".join(f"{name + ':':<10}{text.rstrip()}" for name, text in lines)

    def _stacks_part(self) -> str:
        if self.summary.targets:
            return "Stacks\n" + "\n".join(_target_lines(target) for target in self.summary.targets)
        if self._run is None:
            return "No stack was changed."
        if self.updates_may_have_begun:
            return "Stacks\n" + "\n".join(
                f"  {target.stack_name}: its update may have begun; it ran {target.ami_before} before. Look at it:\n"
                f"    aws cloudformation describe-stacks --stack-name {target.stack_name}"
                for target in self._run.targets
            )
        run = self._run
        lines = [f"  {target.stack_name}: not touched; it still runs {target.ami_before}" for target in run.targets]
        for refused in run.refused:
            lines += [f"  {refused.stack_name}: not to be patched", _indented(refused.reason, "    ")]
        return "Stacks\n" + "\n".join(lines)

    def _error_part(self, error: Failure | None) -> str:
        return f"What failed\n  {error.error}\n{_indented(error.message)}" if error else ""

    def _links(self) -> str:
        _, partition, _, region, _ = self._execution.arn.split(":")[:5]
        console = f"https://{region}.{_CONSOLES.get(partition, 'console.aws.amazon.com')}"
        links = [("Execution", f"{console}/states/home?region={region}#/v2/executions/details/{self._execution.arn}")]
        if self._image:
            arn = quote(self._image.image_arn, safe="")
            links.append(("Image", f"{console}/imagebuilder/home?region={region}#/images/{arn}"))
        ids = {target.stack_name: target.stack_id for target in self.summary.targets}
        for name in self._stack_names:
            stack = quote(ids.get(name) or name, safe="")
            links.append(
                (f"Stack {name}", f"{console}/cloudformation/home?region={region}#/stacks/stackinfo?stackId={stack}")
            )
        return "Links\n" + "\n".join(f"  {name}:\n    {link}" for name, link in links)


def _good_news(targets: tuple[TargetResult, ...], ami: Ami | None) -> tuple[str, str, str]:
    """The subject, the verdict and the outcome of a run in which no target failed."""
    new = ami.ami_id if ami else "the AMI"
    patched = [target for target in targets if target.outcome is Outcome.PATCHED]
    previewed = [target for target in targets if target.outcome is Outcome.DRY_RUN]
    not_begun = [target for target in targets if target.outcome is Outcome.SKIPPED]
    to_do = "; look at the rollback alarms" if any(target.left_to_do for target in targets) else ""
    if patched:
        who = patched[0].stack_name if len(targets) == 1 else f"{len(patched)} of {_stacks(len(targets))}"
        current = "" if len(patched) == len(targets) else "; see below for the others"
        return f"PATCHED: {who} now on {new}{to_do}", f"Patched: {who} now on {new}{current}{to_do}.", Outcome.PATCHED
    if previewed:
        who = previewed[0].stack_name if len(targets) == 1 else f"{len(previewed)} of {_stacks(len(targets))}"
        verdict = f"A dry run: {who} would be updated to {new}. No stack was changed."
        return f"DRY RUN: {who} would be updated to {new}", verdict, Outcome.DRY_RUN
    if not_begun:
        who = not_begun[0].stack_name if len(targets) == 1 else f"{len(not_begun)} of {_stacks(len(targets))}"
        return f"SKIPPED: {who}", f"Skipped: {who} not patched, because a change calendar is closed.", Outcome.SKIPPED
    who = targets[0].stack_name if len(targets) == 1 else f"all {_stacks(len(targets))}"
    return (
        f"ALREADY CURRENT: {who} on {new} before the run{to_do}",
        f"There was nothing to patch: {who} ran {new} before the run{to_do}.",
        Outcome.ALREADY_CURRENT,
    )


def _after_success(targets: tuple[TargetResult, ...], ami: Ami | None) -> str:
    if any(target.outcome is Outcome.DRY_RUN for target in targets):
        return "If this is what you want, start the execution again without dryRun."
    skipped_stacks = [target.stack_name for target in targets if target.outcome is Outcome.SKIPPED]
    steps = []
    if skipped_stacks and ami:
        steps.append(
            "When the change calendar opens, start the execution for what was skipped, without another build, with\n"
            f"{_input_for(ami.ami_id, *skipped_stacks)}"
        )
    steps += [target.left_to_do for target in targets if target.left_to_do]
    steps += [
        f"{'' if target.left_to_do else f'Nothing for {target.stack_name}. '}To go back, start the execution with\n"
        f"{_input_for(target.ami_before, target.stack_name)}"
        for target in targets
        if target.outcome is Outcome.PATCHED
    ]
    return "\n".join(steps) or "Nothing."


def _after_failure(error: str, targets: tuple[TargetResult, ...], ami: Ami | None) -> str:
    steps = [_NEXT_STEPS.get(error, _NEXT_STEP_OTHERWISE)]
    for target in targets:
        if target.outcome is Outcome.UNKNOWN:
            steps.append(
                f"Look at {target.stack_name} with the command above. If it has settled, and runs what it should not, "
                f"start the execution with\n{_input_to_go_back(target)}"
            )
        elif target.stack_status == "UPDATE_ROLLBACK_FAILED":
            steps.append(
                f"{target.stack_name} is stuck between two AMIs: fix what its events show, then continue its rollback "
                "in the console. Until then nothing can update it."
            )
        elif target.error == "RollbackFailed" and target.ami_after == target.ami_before:
            steps.append(
                f"{target.stack_name} has been updated back to {target.ami_before}, and not all its instances run that "
                "and serve: see what keeps them from it."
            )
        elif target.error in (*_AFTER_THE_UPDATE, "RollbackFailed") and not target.rolled_back:
            steps.append(_after_no_way_back(target, ami))
    steps += [target.left_to_do for target in targets if target.left_to_do]
    return "\n".join(steps)


def _after_no_way_back(target: TargetResult, ami: Ami | None) -> str:
    """What to do about a stack that was updated, failed, and was not rolled back; what it has now was looked up."""
    name, has = target.stack_name, target.ami_after
    if has is not None and ami is not None and has != ami.ami_id:
        return f"{name} has {has} now, which somebody else has put there: look at what runs in it."
    where = "is still on the new AMI" if has is not None else "may still be on the new AMI: it could not be read"
    return f"{name} {where}. To go back, start the execution with\n{_input_to_go_back(target)}"


def _input_for(ami_id: str | None, *stack_names: str) -> str:
    """The input of an execution that brings the stacks to that AMI, to be copied."""
    return json.dumps({"amiId": ami_id, "targets": list(stack_names)})


def _input_to_go_back(target: TargetResult) -> str:
    """The input of an execution that leads away from an AMI that failed: neither its instances nor alarms stop it."""
    wanted = {"stackName": target.stack_name, "accept": ["AlarmNotOk", "UnhealthyInstances"]}
    return json.dumps({"amiId": target.ami_before, "targets": [wanted]})


def _bad_news(targets: tuple[TargetResult, ...], failed: list[TargetResult]) -> tuple[str, str]:
    """The subject and the verdict of a run in which targets failed."""
    fine = len(targets) - len(failed)
    lost = [target.stack_name for target in failed if target.outcome is Outcome.UNKNOWN]
    others = f"; {fine} of {_stacks(len(targets))} fine" if len(targets) > 1 else ""
    stuck = [
        target.stack_name
        for target in failed
        if target.error == "RollbackFailed" and target.outcome is not Outcome.UNKNOWN
    ]
    if stuck:
        return (
            f"ACTION NEEDED: the rollback of {', '.join(stuck)} failed{others}",
            f"{', '.join(stuck)} could not be patched, and the rollback failed as well. An operator is needed.",
        )
    if lost:
        names = ", ".join(lost)
        return (
            f"UNKNOWN: whether {names} is patched is not known{others}",
            f"The run lost sight of {names}: whether it is patched is not known. The list below shows how to find out.",
        )
    names, was = ", ".join(target.stack_name for target in failed), "was" if len(failed) == 1 else "were"
    if all(target.rolled_back for target in failed):
        # What the stack has now may be what somebody else has given it since.
        first = failed[0]
        to = f" to {first.ami_before}" if len(failed) == 1 and first.ami_after == first.ami_before else ""
        return f"FAILED: {names} rolled back{to}{others}", f"{names} could not be patched and {was} rolled back{to}."
    if all(target.error in _AFTER_THE_UPDATE for target in failed):
        return (
            f"FAILED: {names} updated, but not verified{others}",
            f"{names} {was} updated, but not all instances run the AMI and serve. The list below shows which were "
            "rolled back.",
        )
    untouched = all(target.error in _BEFORE_ANY_CHANGE and target.ami_after == target.ami_before for target in failed)
    nothing = f", and {was} not changed" if untouched else ""
    return f"FAILED: {names} not patched{others} ({failed[0].error})", f"{names} could not be patched{nothing}."


def _target_lines(target: TargetResult) -> str:
    took = f", {_duration(timedelta(seconds=target.seconds))}" if target.seconds is not None else ""
    lines = [f"  {target.stack_name}: {target.outcome}{took}"]
    if target.ami_before is None:
        lines.append("    AMI: unknown")
    elif target.ami_before == target.ami_after:
        lines.append(f"    AMI: {target.ami_after or 'none of its own'}, as before")
    else:
        lines.append(f"    AMI: {target.ami_before or 'none of its own'} before, {target.ami_after or 'unknown'} now")
    if target.stack_status:
        lines.append(f"    Stack: {target.stack_status}")
    if target.error:
        lines.append(f"    Why: {target.error}")
    if target.reason:
        lines.append(_indented(target.reason, "      "))
    if target.changes and target.outcome is Outcome.DRY_RUN:
        lines += ["    Preview:", *(_indented(f"- {change}", "      ") for change in target.changes)]
    return "\n".join(lines)


def _indented(text: str, by: str = "  ") -> str:
    wrapper = textwrap.TextWrapper(100, initial_indent=by, break_long_words=False, break_on_hyphens=False)
    lines = []
    for line in text.splitlines():
        if line.startswith(_TO_BE_PASTED):
            lines.append(by + line)
            continue
        wrapper.subsequent_indent = by + "  " if line.startswith("- ") else by
        lines.append(wrapper.fill(line))
    return "\n".join(lines)


def _stacks(count: int) -> str:
    return "1 stack" if count == 1 else f"{count} stacks"


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def _duration(duration: timedelta) -> str:
    seconds = round(duration.total_seconds())
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"

"""The words of a report, the same on the page and on the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rehearsal.report.document import RunReport, TargetReport
from rehearsal.state_machine import SKIPPED_END

OUTCOME_TONES = {
    "PATCHED": "good",
    "ALREADY_CURRENT": "good",
    "DRY_RUN": "neutral",
    "SKIPPED": "neutral",
    "FAILED": "bad",
    "UNKNOWN": "bad",
}
"""How a reader should take each outcome of a target."""

SUCCESSES = {
    "PATCHED": "patched",
    "ALREADY_CURRENT": "current already",
    "DRY_RUN": "previewed, and nothing changed",
    "SKIPPED": "skipped",
}
"""The outcomes that do not fail the run, as the verdict words them."""


def duration(seconds: float | None) -> str:
    """`seconds` as a person would give them, in two units at most: "48 s", "39 min 12 s", "6 h 2 min"; "-" for None."""
    if seconds is None:
        return "-"
    if 0.05 <= seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    minutes = round(whole / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def clock_time(seconds: float) -> str:
    """`seconds` since the start as a clock shows them: "00:39:12"."""
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def plain_cause(cause: str | None) -> str | None:
    """The sentence in an execution's cause.

    For a function that raised, Step Functions gives Lambda's error document (`errorMessage`, `errorType`,
    `stackTrace`: Lambda developer guide, "Understanding Lambda function errors"); everything else is plain text.
    """
    if cause is None:
        return None
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    if isinstance(document, dict) and isinstance(document.get("errorMessage"), str):
        return str(document["errorMessage"])
    return cause


def verdict(report: RunReport) -> str:
    """The whole run in one sentence."""
    if report.status is None:
        return f"No execution was started by the trigger {report.trigger!r}."
    after = f"after {duration(report.seconds)}"
    if report.status == "SUCCEEDED" and any(visit.name == SKIPPED_END for visit in report.visits):
        return f"The run was skipped {after}: nothing was built, and no stack was touched."
    if report.status == "SUCCEEDED":
        return f"{_successes(report.targets)} {after}."
    error = f" with {report.error}" if report.error else ""
    ending = {"FAILED": "failed", "ABORTED": "was aborted", "TIMED_OUT": "timed out"}[report.status]
    return " ".join([f"The run {ending}{error} {after}.", *_fleet(report.targets)])


def _fleet(targets: Sequence[TargetReport]) -> list[str]:
    """What the stacks run now that the run has not ended well: a sentence for all those of which it is the same."""
    names: dict[str, list[str]] = {}
    for target in targets:
        names.setdefault(_predicate(target), []).append(target.stack_name)
    return [
        sentence.format(stacks=_listed(stacks), be=_be(stacks), s="s" if len(stacks) == 1 else "") + "."
        for sentence, stacks in names.items()
    ]


def _predicate(target: TargetReport) -> str:
    """What is true of the stack's instances, with the names of stacks and the forms of its verb to be filled in."""
    if target.outcome == "PATCHED":
        return "{stacks} {be} patched"
    total = sum(target.instances.values())
    if not total:
        return "{stacks} {be} without instances"
    others = {ami: count for ami, count in target.instances.items() if ami != target.ami_before}
    if not others:
        return "{stacks} still run{s} " + str(target.ami_before)
    running = " and ".join(f"{ami} on {count} of {total} instances" for ami, count in sorted(others.items()))
    return "{stacks} run{s} " + running


def _successes(targets: Sequence[TargetReport]) -> str:
    clauses = []
    for outcome, phrase in SUCCESSES.items():
        names = [target.stack_name for target in targets if target.outcome == outcome]
        if names:
            clauses.append(f"{_listed(names)} {_be(names)} {phrase}")
    return "; ".join(clauses) or "The run succeeded, with no stack to patch,"


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    if len(names) > 3:
        return f"{len(names)} stacks"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

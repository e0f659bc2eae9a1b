"""The words of a report."""

from __future__ import annotations

import dataclasses

import pytest

from autopatch.contracts import Outcome
from rehearsal.report.document import RunReport, TargetReport
from rehearsal.report.words import OUTCOME_TONES, SUCCESSES, clock_time, duration, plain_cause, verdict
from tests.rehearsal.report.sample_runs import NEW_AMI, OLD_AMI, build_failed_run, failed_run, happy_run, ignored_run

UNCHANGED = f"demo-application still runs {OLD_AMI}."


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (happy_run(), "demo-application is patched after 39 min 16 s."),
        (
            failed_run(),
            (
                "The run failed with DeploymentFailed after 5 h 55 min. storefront is patched. "
                f"billing <internal> still runs {OLD_AMI}."
            ),
        ),
        (build_failed_run(), "The run failed with ImageBuildFailed after 11 min 12 s. " + UNCHANGED),
        (ignored_run(), "No execution was started by the trigger 'base-image'."),
        (
            dataclasses.replace(build_failed_run(), status="ABORTED", error=None, seconds=90.0),
            "The run was aborted after 1 min 30 s. " + UNCHANGED,
        ),
        (
            dataclasses.replace(build_failed_run(), status="TIMED_OUT", error="States.Timeout", seconds=90.0),
            "The run timed out with States.Timeout after 1 min 30 s. " + UNCHANGED,
        ),
        (
            dataclasses.replace(
                happy_run(), targets=(dataclasses.replace(happy_run().targets[0], outcome="ALREADY_CURRENT"),)
            ),
            "demo-application is current already after 39 min 16 s.",
        ),
    ],
)
def test_the_verdict_is_a_sentence(report: RunReport, sentence: str) -> None:
    assert verdict(report) == sentence


@pytest.mark.parametrize(
    ("instances", "sentence"),
    [
        ([{OLD_AMI: 2}], f"a still runs {OLD_AMI}."),
        ([{OLD_AMI: 2}, {OLD_AMI: 4}], f"a and b still run {OLD_AMI}."),
        ([{NEW_AMI: 2}], f"a runs {NEW_AMI} on 2 of 2 instances."),
        ([{OLD_AMI: 3, NEW_AMI: 1}], f"a runs {NEW_AMI} on 1 of 4 instances."),
        (
            [{NEW_AMI: 2}, {NEW_AMI: 2}, {OLD_AMI: 1}],
            f"a and b run {NEW_AMI} on 2 of 2 instances. c still runs {OLD_AMI}.",
        ),
        ([{}], "a is without instances."),
    ],
)
def test_the_verdict_of_a_failure_says_what_the_fleet_runs(instances: list[dict[str, int]], sentence: str) -> None:
    """What a target reports of itself, and the AMI that a parameter has, may differ from that."""
    targets = tuple(
        TargetReport(name, "FAILED", OLD_AMI, OLD_AMI, 60, None, 0, amis)
        for name, amis in zip("abc", instances, strict=False)
    )
    failed = dataclasses.replace(failed_run(), targets=targets)

    assert verdict(failed) == f"The run failed with DeploymentFailed after 5 h 55 min. {sentence}"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0, "0 s"),
        (0.01, "0 s"),
        (1.44, "1.4 s"),
        (59.6, "1 min"),
        (2352, "39 min 12 s"),
        (3599.7, "1 h"),
        (21720, "6 h 2 min"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_clock_times_go_past_a_day() -> None:
    assert clock_time(2352.9) == "00:39:12"
    assert clock_time(90061) == "25:01:01"


def test_the_cause_of_a_failed_function_is_its_message() -> None:
    """Lambda's error document is JSON with `errorMessage` (Lambda developer guide, "Understanding function errors")."""
    assert plain_cause('{"errorMessage": "no AMI here", "errorType": "ImageHasNoAmi"}') == "no AMI here"
    assert plain_cause("Stopped by an operator") == "Stopped by an operator"
    assert plain_cause('["not", "an", "error"]') == '["not", "an", "error"]'
    assert plain_cause(None) is None


def test_every_outcome_has_its_words() -> None:
    assert set(OUTCOME_TONES) == set(Outcome)
    assert {*SUCCESSES, "FAILED", "UNKNOWN"} == set(Outcome)

"""The report of a run as a JSON document."""

from __future__ import annotations

import dataclasses

import pytest

from rehearsal.report.document import UnknownStatus, to_document
from tests.rehearsal.report.sample_runs import NEW_AMI, OLD_AMI, happy_run, ignored_run


def test_the_document_of_a_run_that_patched_one_stack() -> None:
    report = happy_run()

    assert to_document(report) == {
        "execution": {"status": "SUCCEEDED", "error": None, "cause": None, "seconds": round(report.seconds or 0, 3)},
        "targets": [
            {
                "stackName": "demo-application",
                "outcome": "PATCHED",
                "amiBefore": OLD_AMI,
                "amiAfter": NEW_AMI,
                "seconds": 580.25,
                "reason": None,
            }
        ],
        "notifications": [
            {
                "subject": report.notifications[0].subject,
                "message": report.notifications[0].message,
                "attributes": {"outcome": "SUCCEEDED", "stack": "demo-application"},
            }
        ],
        "buildSeconds": 1740.0,
        "deploySeconds": 580.25,
        "overheadSeconds": 23.457,
        "transitions": len(report.visits),
        "invocations": report.invocations,
    }


def test_the_document_of_a_trigger_that_started_nothing() -> None:
    document = to_document(ignored_run())

    assert document["execution"] == {
        "status": None,
        "error": None,
        "cause": "The notification is of an image that the name pattern does not match.",
        "seconds": None,
    }
    assert document["targets"] == []
    assert document["buildSeconds"] is None


def test_an_unknown_status_or_outcome_is_an_error() -> None:
    with pytest.raises(UnknownStatus, match="RUNNING"):
        dataclasses.replace(happy_run(), status="RUNNING")
    with pytest.raises(UnknownStatus, match="MAYBE"):
        dataclasses.replace(happy_run().targets[0], outcome="MAYBE")

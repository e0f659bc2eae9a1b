"""The rules that statemachine/patch.asl.yaml keeps, tested on the file itself."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.yaml_helper import yaml_parse

from autopatch.contracts import PendingStatus, PreviewStatus
from autopatch.errors import PatchIncomplete, VerificationFailed
from autopatch.settings import Rollback

ROOT = Path(__file__).parents[2]
DEFINITION: dict[str, Any] = yaml.safe_load((ROOT / "statemachine" / "patch.asl.yaml").read_text())
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
States = dict[str, Any]


def machines(states: States) -> Iterator[States]:
    """The states of the machine itself, and those of each Map in it."""
    yield states
    for state in states.values():
        if state["Type"] == "Map":
            yield from machines(state["ItemProcessor"]["States"])


ALL_STATES = {name: state for states in machines(DEFINITION["States"]) for name, state in states.items()}
TASKS = {name: state for name, state in ALL_STATES.items() if state["Type"] == "Task"}


def following(state: dict[str, Any]) -> set[str]:
    """The names of the states that come directly after the state."""
    nexts = {state[key] for key in ("Next", "Default") if key in state}
    nexts |= {choice["Next"] for choice in state.get("Choices", [])}
    return nexts | {catch["Next"] for catch in state.get("Catch", [])}


def reachable(start: str, states: States) -> set[str]:
    """The names of the states that an execution can reach from `start`, with `start`."""
    seen, todo = set(), [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(following(states[name]))
    return seen


def after_a_failure(start: str, states: States) -> set[str]:
    """The names of the states that a target can reach from `start` with a failure."""
    if "Patched?" in states:
        states = {**states, "Patched?": {**states["Patched?"], "Choices": []}}
    return reachable(start, states)


def test_the_tasks_are_those_of_the_design() -> None:
    assert set(TASKS) == {
        "Plan Run", "Check Targets", "Check Freeze",
        "Start Image Build", "Check Image", "Read AMI", "Check Calendar", "Preview Update",
        "Check Readiness", "Update Stack",
        "Check Deployment", "Verify Instances", "Roll Back", "Check Rollback", "Verify Rollback", "Restore Alarms",
        "Summarise Run", "Notify Success", "Notify Skipped", "Notify Failure",
    }  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_time_limit_the_shared_retry_and_one_catch(name: str) -> None:
    task = TASKS[name]
    assert task["TimeoutSeconds"] > TEMPLATE["Globals"]["Function"]["Timeout"]
    *once_more, slow, transient = task["Retry"]
    assert [slow, transient] == TASKS["Plan Run"]["Retry"]
    # What may have been published is published once more, when an outage of ten minutes is over.
    again = {"ErrorEquals": ["AnswerLost"], "IntervalSeconds": 900, "MaxAttempts": 1}
    assert once_more == ([again] if name.startswith("Notify ") else [])
    assert all(retry["BackoffRate"] > 1 and retry["JitterStrategy"] == "FULL" for retry in (slow, transient))
    # Each attempt that is too slow takes the whole time limit by itself.
    assert slow["ErrorEquals"] == ["Sandbox.Timedout", "States.Timeout"] and slow["MaxAttempts"] <= 3
    assert {"TransientAwsFault", "Lambda.ServiceException", "Lambda.TooManyRequestsException"} <= set(
        transient["ErrorEquals"]
    )
    (catch,) = task["Catch"]
    assert catch["ErrorEquals"] == ["States.ALL"]


def test_an_outage_of_ten_minutes_is_shorter_than_the_retries_of_a_task() -> None:
    """With FULL jitter, each delay is anything from none to the whole (Step Functions developer guide, "Retrying after
    an error"): what counts is the mean, less three times the standard deviation."""
    _, retry = TASKS["Plan Run"]["Retry"]
    first, rate, longest = retry["IntervalSeconds"], retry["BackoffRate"], retry["MaxDelaySeconds"]
    delays = [min(first * rate**attempt, longest) for attempt in range(retry["MaxAttempts"])]
    mean, deviation = sum(delays) / 2, math.sqrt(sum(delay**2 for delay in delays) / 12)
    assert mean - 3 * deviation > 10 * 60
    assert sum(delays) < 45 * 60, "a lasting fault is told of within the hour"


@pytest.mark.parametrize("states", list(machines(DEFINITION["States"])), ids=lambda states: next(iter(states)))
def test_no_catch_ends_in_success(states: States) -> None:
    """But for one: that the alarms of a patched target were not put back is told, and does not unpatch it."""
    for state_name, state in states.items():
        for catch in state.get("Catch", []):
            ends = {name for name in after_a_failure(catch["Next"], states) if not following(states[name])}
            assert all(states[end]["Type"] == "Fail" or end == "Record Failure" for end in ends), ends
            assert catch["ResultPath"] == "$.failure" or state_name in {*ROLLBACK, "Restore Alarms", "Notify Failure"}


def test_a_target_with_a_failure_is_recorded_as_one() -> None:
    assert ALL_STATES["Patched?"]["Choices"] == [{"Variable": "$.failure", "IsNull": True, "Next": "Record Result"}]
    assert ALL_STATES["Patched?"]["Default"] == "Record Failure"
    targets = ALL_STATES["Patch Targets"]
    assert targets["ItemSelector"]["failure"] is None
    # A failure that has been caught stays: nothing but a Catch writes it.
    states = targets["ItemProcessor"]["States"]
    assert all(state.get("ResultPath") != "$.failure" for state in states.values())


def test_a_failed_target_fails_the_run_at_its_end() -> None:
    choice = ALL_STATES["All Patched?"]
    assert choice["Choices"] == [{"Variable": "$.summary.failure", "IsNull": True, "Next": "Notify Success"}]
    ends = reachable(choice["Default"], DEFINITION["States"])
    assert "Patch Failed" in ends and "Patch Complete" not in ends


def test_a_failed_notification_keeps_the_first_error() -> None:
    assert ALL_STATES["Notify Failure"]["Catch"][0]["Next"] == "Patch Failed"
    assert ALL_STATES["Notify Failure"]["Catch"][0]["ResultPath"] != "$.failure"
    assert ALL_STATES["Patch Failed"]["ErrorPath"] == "$.failure.Error"
    assert ALL_STATES["Patch Failed"]["CausePath"] == "$.failure.Cause"
    for name, task in TASKS.items():
        if name not in {*ROLLBACK, "Restore Alarms", "Notify Failure"}:
            assert task["Catch"][0]["ResultPath"] == "$.failure"


ROLLBACK = {"Roll Back", "Check Rollback", "Verify Rollback"}


def test_a_failed_rollback_keeps_the_failure_that_led_to_it() -> None:
    for name in ROLLBACK:
        assert TASKS[name]["Catch"] == [
            {"ErrorEquals": ["States.ALL"], "ResultPath": "$.rollbackFailure", "Next": "Restore Alarms"}
        ]
        assert TASKS[name]["ResultPath"] == "$.rollback"
    assert {name for name, task in TASKS.items() if task["Catch"][0]["ResultPath"] == "$.rollbackFailure"} == ROLLBACK
    recorded = ALL_STATES["Record Failure"]["Parameters"]
    assert {
        "failure.$": "$.failure",
        "rollback.$": "$.rollback",
        "rollbackFailure.$": "$.rollbackFailure",
    }.items() <= recorded.items()


def test_a_target_is_rolled_back_only_after_a_failed_verification_in_a_run_with_automatic_rollback() -> None:
    states = ALL_STATES["Patch Targets"]["ItemProcessor"]["States"]
    assert ALL_STATES["Rollback Wanted?"]["Choices"] == [
        {
            "And": [
                {"Variable": "$.run.rollback", "StringEquals": Rollback.AUTOMATIC},
                {
                    "Or": [
                        {"Variable": "$.failure.Error", "StringEquals": VerificationFailed.__name__},
                        {"Variable": "$.failure.Error", "StringEquals": PatchIncomplete.__name__},
                    ]
                },
            ],
            "Next": "Roll Back",
        }
    ]
    assert ALL_STATES["Rollback Wanted?"]["Default"] == "Restore Alarms"
    # No other state leads to the rollback, and only the verification leads to this choice.
    into = {name: [other for other in states if name in following(states[other])] for name in states}
    assert into["Rollback Wanted?"] == ["Verify Instances"]
    assert set(into["Roll Back"]) == {"Rollback Wanted?", "Wait To Roll Back"}


def test_a_target_that_was_rolled_back_is_a_failed_one() -> None:
    states = ALL_STATES["Patch Targets"]["ItemProcessor"]["States"]
    assert "Record Result" not in after_a_failure("Roll Back", states)
    assert ALL_STATES["Rollback Verified?"]["Choices"] == [
        {"Variable": "$.rollback.phase", "StringEquals": "VERIFIED", "Next": "Restore Alarms"}
    ]


def test_the_alarms_are_restored_after_every_ending_that_a_preview_precedes() -> None:
    states = ALL_STATES["Patch Targets"]["ItemProcessor"]["States"]
    without = {name: state for name, state in states.items() if name != "Restore Alarms"}
    without["Restore Alarms"] = {"Type": "Succeed"}
    for start in ("Check Readiness", "Update Stack", "Wait For Deployment", "Roll Back"):
        ends = {end for end in reachable(start, without) if end.startswith("Record")}
        assert ends <= {"Record Result", "Record Failure"}
        into = {name for name in reachable(start, without) for end in ends if end in following(without[name])}
        # What is given up before it is executed was never previewed with alarms, or another operation came first.
        assert into <= {"Ready To Update?", "Check Calendar", "Calendar Open?", "Preview Update", "Preview Started?"}


def test_only_a_ready_update_is_executed_and_only_a_verified_one_is_a_result() -> None:
    states = ALL_STATES["Patch Targets"]["ItemProcessor"]["States"]
    into = {name: [other for other in states if name in following(states[other])] for name in states}
    assert into["Update Stack"] == ["Ready To Update?"]
    assert into["Verify Instances"] == ["Deployment Done?", "Wait For Instances"]
    assert into["Record Result"] == [
        "Calendar Open?",
        "Ready To Update?",
        "Patched?",
    ]
    assert [choice for choice in states["Instances Verified?"]["Choices"] if choice["Next"] == "Restore Alarms"] == [
        {"Variable": "$.update.phase", "StringEquals": "VERIFIED", "Next": "Restore Alarms"}
    ]
    without_failure = {name for name in states if "Restore Alarms" in {states[name].get("Next")}}
    assert without_failure == {"Wait To Restore Alarms"}


def test_which_states_a_target_goes_through_until_it_is_updated() -> None:
    """Where each status leads that the functions write (PendingStatus, PreviewStatus, and a target left UNCHANGED)."""

    def routes(choice: str) -> dict[str, str]:
        rules = ALL_STATES[choice]["Choices"]
        return {rule["StringEquals"]: rule["Next"] for rule in rules} | {"otherwise": ALL_STATES[choice]["Default"]}

    assert routes("Calendar Open?") == {
        "UNCHANGED": "Record Result",
        PendingStatus.CALENDAR_CLOSED: "Wait For Calendar",
        "otherwise": "Preview Update",
    }
    assert routes("Preview Started?") == {
        "UNCHANGED": "Restore Alarms",
        "PREVIEW": "Wait For Preview",
        "otherwise": "Wait For Stack",
    }
    assert routes("Ready To Update?") == {
        "UNCHANGED": "Record Result",
        PreviewStatus.READY: "Update Stack",
        PreviewStatus.CREATING: "Wait For Preview",
        PreviewStatus.INSTANCES_UNHEALTHY: "Wait For Healthy Instances",
        PendingStatus.STACK_BUSY: "Wait For Stack",
        "otherwise": "Preview Update",
    }
    assert routes("Update Started?") == {
        "UPDATE": "Wait For Deployment",
        PendingStatus.CALENDAR_CLOSED: "Check Calendar",
        "otherwise": "Preview Update",
    }


def test_a_run_that_is_not_free_to_begin_is_reported_and_ends_as_skipped() -> None:
    choices = {choice["StringEquals"]: choice["Next"] for choice in ALL_STATES["Free To Begin?"]["Choices"]}
    assert choices == {"WAIT": "Wait For Opening", "SKIP": "Notify Skipped"}
    skipped = ALL_STATES["Notify Skipped"]
    assert skipped["Resource"] == ALL_STATES["Notify Success"]["Resource"] and skipped["Next"] == "Patch Skipped"
    assert ALL_STATES["Patch Skipped"]["Type"] == "Succeed"
    ends = {name for name in reachable("Notify Skipped", DEFINITION["States"]) if not following(ALL_STATES[name])}
    assert ends == {"Patch Skipped", "Patch Failed"}


def test_every_task_writes_its_result_to_a_path_of_its_own() -> None:
    for name, state in ALL_STATES.items():
        assert state.get("ResultPath", "$.x") not in ("$", None), name
        assert "OutputPath" not in state and "ResultSelector" not in state


def test_waits_are_decided_by_the_functions() -> None:
    waits = [state for state in ALL_STATES.values() if state["Type"] == "Wait"]
    assert len(waits) == 12
    assert all(
        re.fullmatch(r"\$\.(freeze|image|update|rollback|restoration)\.pollAfterSeconds", wait["SecondsPath"])
        for wait in waits
    )


# The task that follows each wait, and that ends the waiting at its deadline.
DEADLINES = {
    "Wait For Opening": "Check Freeze",
    "Wait For Image": "Check Image",
    "Wait For Calendar": "Check Calendar",
    "Wait For Stack": "Check Calendar",
    "Wait For Preview": "Check Readiness",
    "Wait For Healthy Instances": "Check Readiness",
    "Wait For Deployment": "Check Deployment",
    "Wait For Instances": "Verify Instances",
    "Wait To Roll Back": "Roll Back",
    "Wait For Rollback": "Check Rollback",
    "Wait For Old Instances": "Verify Rollback",
    "Wait To Restore Alarms": "Restore Alarms",
}


def test_every_wait_leads_to_the_task_that_knows_its_deadline() -> None:
    waits = {name: state for name, state in ALL_STATES.items() if state["Type"] == "Wait"}
    assert {name: state["Next"] for name, state in waits.items()} == DEADLINES
    for name, state in waits.items():
        # The task is given the document that this wait was read from, and writes the one for the next wait.
        task, place = TASKS[state["Next"]], state["SecondsPath"].removesuffix(".pollAfterSeconds")
        assert task["ResultPath"] == place
        assert place in task["Parameters"].values() or name == "Wait For Opening"


@pytest.mark.parametrize("states", list(machines(DEFINITION["States"])), ids=lambda states: next(iter(states)))
def test_every_loop_waits(states: States) -> None:
    """Without its waits, the machine has no loop."""
    still = {name: state for name, state in states.items() if state["Type"] != "Wait"}
    onward = {name: following(state) & set(still) for name, state in still.items()}
    for name in still:
        seen, todo = set[str](), list(onward[name])
        while todo:
            other = todo.pop()
            assert other != name, f"{name} is in a loop without a wait"
            if other not in seen:
                seen.add(other)
                todo.extend(onward[other])


def test_the_definition_runs_on_any_interpreter() -> None:
    """JSONPath only, no variables, and no JSONPath without the `.$` that makes it one."""
    text = (ROOT / "statemachine" / "patch.asl.yaml").read_text()
    assert "QueryLanguage" not in text and "Assign" not in text and "{%" not in text
    assert "&" not in text and "<<" not in text, "not every reader of YAML knows anchors"

    def check(node: Any) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if isinstance(value, str) and value.startswith("$") and not value.startswith("${"):
                    assert key.endswith((".$", "Path", "Variable")), (key, value)
                check(value)
        elif isinstance(node, list):
            for value in node:
                check(value)

    check(DEFINITION)


def test_tasks_call_functions_of_the_template_and_nothing_else() -> None:
    machine = TEMPLATE["Resources"]["PatchStateMachine"]["Properties"]
    substitutions = machine["DefinitionSubstitutions"]
    assert {f"${{{name}}}" for name in substitutions} == {task["Resource"] for task in TASKS.values()}
    for name, value in substitutions.items():
        function, attribute = value["Fn::GetAtt"]
        assert attribute == "Arn" and f"{function}Arn" == name
        assert TEMPLATE["Resources"][function]["Type"] == "AWS::Serverless::Function"


def test_every_choice_has_a_default() -> None:
    assert all("Default" in state for state in ALL_STATES.values() if state["Type"] == "Choice")


def test_state_names_are_phrases_of_at_most_80_characters() -> None:
    """State names: at most 80 characters (Amazon States Language)."""
    assert all(re.fullmatch(r"[A-Z][A-Za-z]*( [A-Z][A-Za-z]*)+\??|Patched\?", name) for name in ALL_STATES)
    assert all(len(name) <= 80 for name in ALL_STATES)


def test_every_state_goes_on_or_ends() -> None:
    """A state has exactly one of Next and End, but for Choice, Succeed and Fail (Amazon States Language)."""
    for name, state in ALL_STATES.items():
        if state["Type"] not in ("Choice", "Succeed", "Fail"):
            assert ("Next" in state) != ("End" in state), name


@pytest.mark.parametrize("states", list(machines(DEFINITION["States"])), ids=lambda states: next(iter(states)))
def test_every_state_is_reached_and_exists(states: States) -> None:
    first = next(iter(states))
    assert reachable(first, states) == set(states)

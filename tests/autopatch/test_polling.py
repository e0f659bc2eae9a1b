"""The waiting loops are prompt, keep to their deadline and fit into an execution's history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st
from samtranslator.yaml_helper import yaml_parse

from autopatch.aws.image_builder import ImageStatus
from autopatch.execution_input import MAX_TARGETS
from autopatch.findings import _LONGEST_PAUSES_MINUTES
from autopatch.freezing import _LONGEST_POLL, LONGEST_WAIT
from autopatch.polling import deployment_poll_seconds, image_poll_seconds

ROOT = Path(__file__).parents[2]
PARAMETERS = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
LONGEST_BUILD = PARAMETERS["BuildDeadlineMinutes"]["MaxValue"] * 60
LONGEST_DEPLOYMENT = PARAMETERS["DeploymentDeadlineMinutes"]["MaxValue"] * 60
LONGEST_VERIFICATION = PARAMETERS["VerificationDeadlineMinutes"]["MaxValue"] * 60
LONGEST_FREEZE = int(LONGEST_WAIT.total_seconds())

LONGEST_PAUSES = _LONGEST_PAUSES_MINUTES * 60
LONGEST_BAKE = PARAMETERS["BakeMinutes"]["MaxValue"] * 60

# What waits for a target on its longest way, in seconds: for the stack and the preview; for the update, which goes on
# for as long again when it can no longer be cancelled; for the instances; for the stack before the way back; for the
# way back, which CloudFormation may roll back within a deadline of its own; for the alarms to be restored.
PHASES_OF_A_TARGET = (
    LONGEST_DEPLOYMENT,
    2 * (LONGEST_DEPLOYMENT + LONGEST_PAUSES),
    LONGEST_VERIFICATION,
    LONGEST_DEPLOYMENT,
    LONGEST_DEPLOYMENT + LONGEST_PAUSES,
    LONGEST_DEPLOYMENT + LONGEST_PAUSES,
    LONGEST_DEPLOYMENT + LONGEST_BAKE,
)

# Wait: entered, exited. Task: entered, scheduled, started, succeeded, exited. Choice: entered, exited.
EVENTS_OF_A_WAIT, EVENTS_OF_A_TASK_AND_ITS_CHOICE = 2, 5 + 2
EVENTS_OF_A_LOOP = EVENTS_OF_A_WAIT + EVENTS_OF_A_TASK_AND_ITS_CHOICE
# Of a look at a busy stack: Wait For Stack, Check Calendar, Preview Update. Of one that finds the preview ready, when
# it does not hold any more: Wait For Preview, Check Readiness, Update Stack, Preview Update.
EVENTS_BEFORE_THE_UPDATE = max(
    EVENTS_OF_A_WAIT + 2 * EVENTS_OF_A_TASK_AND_ITS_CHOICE, EVENTS_OF_A_WAIT + 3 * EVENTS_OF_A_TASK_AND_ITS_CHOICE
)
# Each of the other states of the machine, once.
EVENTS_ELSEWHERE = 100
EVENTS_ELSEWHERE_IN_A_TARGET = 50


def loops(wait: Callable[[float, float], int], *phases: int) -> list[int]:
    """How often is looked in each of the phases, one after the other, each of so many seconds."""
    counts, elapsed, end = [], 0, 0
    for phase in phases:
        end, count = end + phase, 0
        while elapsed < end:
            elapsed += wait(elapsed, end - elapsed)
            count += 1
        counts.append(count)
    return counts


def test_the_longest_run_stays_within_the_history_limit() -> None:
    """25,000 events an execution, of which those inside an inline Map are a part (Step Functions developer guide,
    "Service quotas", "Using Map state in Inline mode"). A tenth of them is left for retries."""
    (build,) = loops(lambda elapsed, left: image_poll_seconds(ImageStatus.TESTING, elapsed, left), LONGEST_BUILD)
    frozen = -(-LONGEST_WAIT // _LONGEST_POLL) + 1
    # Check Freeze, while AWS cannot say whether the run may begin: as long as a build may take.
    (unknown,) = loops(deployment_poll_seconds, LONGEST_BUILD)
    first, *others = loops(deployment_poll_seconds, *PHASES_OF_A_TARGET)
    # Every preview may be outdated, by a group that changes its size each time, until the deadline.
    target = (
        first * EVENTS_BEFORE_THE_UPDATE
        + sum(others) * EVENTS_OF_A_LOOP
        # The run waits for two days at most, before the build or before its targets.
        + frozen * EVENTS_OF_A_LOOP
        + EVENTS_ELSEWHERE_IN_A_TARGET
    )
    assert (build + unknown) * EVENTS_OF_A_LOOP + MAX_TARGETS * target + EVENTS_ELSEWHERE < 25_000 * 0.9


def test_the_machine_as_a_whole_outlives_all_deadlines() -> None:
    definition = yaml.safe_load((ROOT / "statemachine" / "patch.asl.yaml").read_text())
    # The instances are verified after the update, and after the way back.
    target = sum(PHASES_OF_A_TARGET) + LONGEST_VERIFICATION
    assert definition["TimeoutSeconds"] > LONGEST_FREEZE + LONGEST_BUILD + target


def test_a_build_is_looked_at_sparsely_while_building_and_densely_after() -> None:
    assert image_poll_seconds(ImageStatus.BUILDING, 600, 3600) == 60
    assert image_poll_seconds(ImageStatus.TESTING, 900, 3600) == 15
    assert image_poll_seconds(ImageStatus.DISTRIBUTING, 1200, 3600) == 20


@given(st.sampled_from(list(ImageStatus)), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_wait_is_whole_seconds_and_never_passes_the_deadline(
    status: ImageStatus, elapsed: float, remaining: float
) -> None:
    for wait in (image_poll_seconds(status, elapsed, remaining), deployment_poll_seconds(elapsed, remaining)):
        assert isinstance(wait, int)
        assert 1 <= wait <= max(1, remaining + 1)

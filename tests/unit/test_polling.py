"""The waiting loops are prompt, keep to their deadline and fit into an execution's history."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st
from samtranslator.yaml_helper import yaml_parse

from autopatch.contracts import MAX_TARGETS
from autopatch.image_builder import ImageStatus
from autopatch.polling import deployment_poll_seconds, image_poll_seconds

ROOT = Path(__file__).parents[2]
PARAMETERS = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
LONGEST_BUILD = PARAMETERS["BuildDeadlineMinutes"]["MaxValue"] * 60
LONGEST_DEPLOYMENT = PARAMETERS["DeploymentDeadlineMinutes"]["MaxValue"] * 60

# Wait: entered, exited. Task: entered, scheduled, started, succeeded, exited. Choice: entered, exited.
EVENTS_IN_A_LOOP = 9


def loops(seconds: int, wait: object) -> int:
    elapsed, count = 0, 0
    while elapsed < seconds:
        elapsed += wait(elapsed, seconds - elapsed)  # type: ignore[operator]
        count += 1
    return count


def test_the_longest_run_stays_within_the_history_limit() -> None:
    """25,000 events an execution (Step Functions developer guide, quotas)."""
    build = loops(LONGEST_BUILD, lambda elapsed, left: image_poll_seconds(ImageStatus.TESTING, elapsed, left))
    # Busy for as long as may be, then updating, then rolling back, each up to a deadline of its own.
    deployment = 3 * loops(LONGEST_DEPLOYMENT, deployment_poll_seconds)
    assert (build + MAX_TARGETS * deployment) * EVENTS_IN_A_LOOP < 25_000 * 0.9


def test_the_machine_as_a_whole_outlives_all_deadlines() -> None:
    definition = yaml.safe_load((ROOT / "statemachine" / "patch.asl.yaml").read_text())
    # A stack may be busy, then updating, then cleaning up or rolling back, each for a deadline.
    assert definition["TimeoutSeconds"] > LONGEST_BUILD + 4 * LONGEST_DEPLOYMENT


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

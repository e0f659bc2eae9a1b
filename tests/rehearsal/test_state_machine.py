"""What a rehearsal knows of the state machine is true of it."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import state_machine
from rehearsal.diagrams import load_definition
from tests.rehearsal.report.picture.definitions import all_states


def test_the_states_that_a_rehearsal_names_are_states_of_the_machine() -> None:
    names = {
        state_machine.BUILD_WAIT,
        state_machine.BUILD_CHECK,
        state_machine.DEPLOYMENT_WAIT,
        state_machine.DEPLOYMENT_CHECK,
        state_machine.SKIPPED_END,
    }
    assert names <= set(all_states(load_definition()))


@pytest.mark.parametrize(
    "state", [None, [], "text", {}, {"run": None, "image": None, "target": "web", "summary": None}]
)
def test_a_state_may_be_any_json_until_the_run_has_a_plan(state: Any) -> None:
    assert state_machine.stack_name(state) is None
    assert not state_machine.failed(state)
    assert state_machine.image_arn(state) is None
    assert state_machine.planned_targets(state) == []
    assert state_machine.target_results(state) == {}

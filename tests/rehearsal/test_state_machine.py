"""What a rehearsal knows of the state machine is true of it."""

from __future__ import annotations

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

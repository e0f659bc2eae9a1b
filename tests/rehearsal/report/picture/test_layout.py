"""The layout of any state machine: whole, and without overlap."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings

from rehearsal.report.picture.layout import lay_out
from rehearsal.report.picture.shapes import Box, Scope
from tests.rehearsal.report.picture.definitions import all_states, definitions
from tests.rehearsal.report.picture.drawn import drawn_states, picture


def overlap(first: Box, second: Box) -> bool:
    beside = first.right <= second.left or second.right <= first.left
    above = first.bottom <= second.y or second.bottom <= first.y
    return not beside and not above


def check_layout(scope: Scope) -> None:
    for first, second in itertools.combinations(scope.boxes.values(), 2):
        assert not overlap(first, second), f"{first.name} lies over {second.name}"
    for box in scope.boxes.values():
        assert scope.left <= box.left
        assert box.right <= scope.right
        assert box.y >= 0
        assert box.bottom <= scope.height + 0.01
        for inner in box.inner:
            assert inner.width <= box.width
            assert inner.height < box.height
            check_layout(inner)


@given(definitions())
@settings(max_examples=150, deadline=None)
def test_any_definition_is_drawn_whole_and_without_overlap(machine: dict[str, Any]) -> None:
    check_layout(lay_out(machine))
    assert sorted(drawn_states(picture(machine))) == sorted(all_states(machine))

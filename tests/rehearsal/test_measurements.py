"""How long the work of a run took, when several pieces of it overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rehearsal.measurements import Span, covered_seconds

START = datetime(2026, 12, 8, 6, 0, tzinfo=UTC)


def span(begin: float, end: float | None) -> Span:
    return Span(START + timedelta(seconds=begin), None if end is None else START + timedelta(seconds=end))


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], None),
        ([span(0, 10)], 10),
        ([span(20, 30), span(0, 10)], 20),
        ([span(0, 10), span(5, 15)], 15),
        ([span(0, 30), span(5, 15), span(20, 40)], 40),
        ([span(0, 10), span(5, None)], None),
    ],
)
def test_the_time_that_several_spans_cover_counts_once(spans: list[Span], seconds: float | None) -> None:
    assert covered_seconds(spans) == seconds


def test_a_span_that_has_no_end_lasts_to_the_end_of_the_execution() -> None:
    assert span(-5, None).within(START, START + timedelta(seconds=60)) == span(0, 60)
    assert span(10, 90).within(START, START + timedelta(seconds=60)) == span(10, 60)

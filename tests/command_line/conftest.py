"""The fixture that the tests at the command line share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.command_line.terminal import Terminal, served_aws


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A terminal, and an embedded AWS of its own that is served to it."""
    with served_aws() as terminal:
        yield terminal

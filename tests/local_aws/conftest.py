"""Fixtures for the tests of the services' resource types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_aws.stack_world import StackWorld, stack_world


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    """An embedded AWS for all tests of a module; a module that needs more in it has a fixture of this name itself."""
    with stack_world() as created:
        yield created


@pytest.fixture
def no_stack_is_left(world: StackWorld) -> Iterator[None]:
    """Delete the stack `one`, which StackWorld.put creates, after the test."""
    yield
    world.cloudformation.delete_stack(StackName="one")

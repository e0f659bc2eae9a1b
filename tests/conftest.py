"""For every test: made-up credentials, nothing of the developer's environment, and no network."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket

from local_aws.aws import CREDENTIALS, LocalAws
from local_aws.core.ids import REGION


def pytest_collection_finish() -> None:
    # An embedded AWS consists of many small objects, and the modules imported by now stay. To collect garbage as often
    # as Python does by default would take a third of the time.
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def pytest_sessionfinish() -> None:
    # pytest collects all garbage once more before it ends, which takes seconds and finds nothing of interest here.
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # A test that serves on a loopback port has the marker of pytest-socket that allows it.
    if item.get_closest_marker("allow_hosts") is None:
        disable_socket(allow_unix_socket=True)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "MOTO_", "POWERTOOLS_")):
            monkeypatch.delenv(name)
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    """An embedded AWS with nothing in it."""
    with LocalAws() as running:
        yield running

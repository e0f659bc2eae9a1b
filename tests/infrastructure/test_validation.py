"""cfn-lint over every template, over the SAM template after its transform."""

from __future__ import annotations

import pytest

from local_aws import validation


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_cfn_lint_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert validation.validate() == []

"""Running a linter as a program: without credentials, settings or the network."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from local_aws.core.ids import REGION
from rehearsal.deployment import REPOSITORY


class ToolFailed(Exception):
    """A linter did not do its work."""


def run(
    command: Sequence[str | Path], expected: set[int], folder: Path = REPOSITORY, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a linter in `folder`, with `given` as its standard input, without settings or credentials of anybody.

    Raises ToolFailed when its exit status is not one of `expected`, or is another than 0 and there is no output.
    """
    with tempfile.TemporaryDirectory() as home:
        # sam looks for a newer version of itself on the network, unless it has done so this week.
        settings = Path(home, ".aws-sam", "metadata.json")
        settings.parent.mkdir()
        settings.write_text(json.dumps({"lastVersionCheck": time.time()}))
        environment = {
            "AWS_DEFAULT_REGION": REGION,
            "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true",
            "COLUMNS": "200",
            "HOME": home,
            "PATH": os.environ["PATH"],
            "SAM_CLI_TELEMETRY": "0",
        }
        try:
            ended = subprocess.run(
                command, check=False, cwd=folder, input=given, env=environment, capture_output=True, text=True
            )
        except OSError as error:
            raise ToolFailed(
                f"expected {command[0]}, found that it cannot be run: {error.strerror}; `make validate` installs it"
            ) from error
    if ended.returncode not in expected:
        raise ToolFailed(
            f"{Path(command[0]).name}: expected the exit status {' or '.join(map(str, sorted(expected)))}, found "
            f"{ended.returncode}:\n{ended.stdout}{ended.stderr}"
        )
    if ended.returncode and not ended.stdout:
        raise ToolFailed(f"{Path(command[0]).name}: expected its findings, found none on its output:\n{ended.stderr}")
    return ended

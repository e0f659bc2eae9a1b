"""How long a warm `make run` takes, against the bare minimum that any use of moto takes in the same minute.

`python benchmarks/run.py` prints a line for each measurement and writes benchmarks/results.json. The ratio is what to
compare between versions; the seconds are those of whatever machine it ran on.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"
ROUNDS = 5

# One call of one service, in a process of its own: Python, boto3 and moto's imports, and a client.
BASELINE = """
import boto3, moto
with moto.mock_aws():
    boto3.client("cloudformation", region_name="us-east-1").list_stacks()
"""


def seconds(command: list[str]) -> float:
    """The wall time of the command, in seconds. Raises CalledProcessError when it fails."""
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as out:
        run = [sys.executable, "-m", "rehearsal", "run", "--out", out]
        baseline = [sys.executable, "-c", BASELINE]
        seconds(run)  # once to warm the file cache and to write the .pyc files
        pairs = [(seconds(run), seconds(baseline)) for _ in range(ROUNDS)]
    results = {
        "run_seconds": round(statistics.median(pair[0] for pair in pairs), 2),
        "baseline_seconds": round(statistics.median(pair[1] for pair in pairs), 2),
        "ratio": round(statistics.median(run / base for run, base in pairs), 2),
        "rounds": ROUNDS,
        "python": platform.python_version(),
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results))  # noqa: T201


if __name__ == "__main__":
    main()

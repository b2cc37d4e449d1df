"""kill -9 at any instant leaves the state before or after: nothing lost, nothing doubled, nothing done by half.

The usual run kills workers two hundred times in all; ``RASOAT_CRASH_KILLS=400`` makes it a long one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.reviews import BEATS

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("RASOAT_CRASH_KILLS", "50"))


@pytest.mark.parametrize("writers", [1, 4], ids=["alone", "sharing commits"])
def test_a_worker_killed_at_any_instant_leaves_a_whole_store(database_url, writers):
    command = [sys.executable, "-m", "tests.support.crashing", database_url, str(KILLS), "20221014", str(writers)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    print(report)
    assert report["faults"] == []
    assert report["kills"] == KILLS
    assert report["acts"] > len(BEATS), "more than was done before the first life"

"""What it costs to be there: importing the package, and opening a database that exists.

python -m benchmarks.starting
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LAPS = 9

_IMPORT = "import rasoat"
_OPEN = """
import time, sys
started = time.perf_counter()
from rasoat.persistence.database import Database
from sqlalchemy import select, func
database = Database.open(sys.argv[1])
with database.read() as tx:
    tx.select(select(func.count()).select_from(tx.tables.case))
print(time.perf_counter() - started)
"""
_MAKE = """
import sys
from rasoat.persistence.database import Database
from rasoat.persistence.migrating import upgrade
upgrade(Database.open(sys.argv[1]))
"""
_TIMED = "import time; started = time.perf_counter(); {}; print(time.perf_counter() - started)"


class Result(NamedTuple):
    """Medians, in milliseconds; `modules` is how many `import rasoat` brings in."""

    import_ms: float
    open_ms: float
    modules: int


def main() -> Result:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="rasoat-start-") as folder:
        url = f"sqlite:///{folder}/start.db"
        _said(_MAKE, url)
        imported = statistics.median(float(_said(_TIMED.format(_IMPORT))) for _ in range(LAPS))
        opened = statistics.median(float(_said(_OPEN, url)) for _ in range(LAPS))
    counted = "import sys; before = len(sys.modules); import rasoat; print(len(sys.modules) - before)"
    result = Result(round(imported * 1e3, 1), round(opened * 1e3, 1), int(_said(counted)))
    print(
        f"import rasoat {result.import_ms} ms ({result.modules} modules); "
        f"import what opens a database, open it and ask it something {result.open_ms} ms"
    )
    return result


def _said(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip() or "0"


if __name__ == "__main__":
    main()

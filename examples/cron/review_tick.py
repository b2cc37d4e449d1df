"""No server, no daemon: cron runs this every five minutes and it does what is due.

*/5 * * * *  RASOAT_DATABASE_URL=sqlite:////srv/rasoat.db python review_tick.py
"""

from __future__ import annotations

import sys

from rasoat import Rasoat


def main() -> int:
    """Do what is due; a non-zero exit lets cron's mail tell that not all of it was done."""
    engine = Rasoat.open(create=False)
    try:
        ran = engine.run_due(max_groups=500)
    finally:
        engine.close()
    print(f"fired {ran.fired}, rungs {ran.rungs}, breaches {ran.breaches}")
    return 1 if ran.stopped_short else 0


if __name__ == "__main__":
    sys.exit(main())

"""Write constraints.txt: the versions, in this environment, of all that rasoat with its dev extra needs.

Run it in an environment made fresh with the newest releases: ``.venv/bin/python tools/pin.py``.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OUTPUT = Path(__file__).resolve().parent.parent / "constraints.txt"
ROOT = Requirement("rasoat[dev]")
HEADER = "# Known good versions for development, tests and CI. Written by tools/pin.py; hosts need not follow them.\n"


def closure(root: Requirement) -> dict[str, str]:
    """Return name → version of every distribution that `root` needs here, itself left out."""
    pins: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [root]
    while waiting:
        wanted = waiting.pop()
        found = _installed(wanted)
        pins[canonicalize_name(wanted.name)] = found.version
        for extra in wanted.extras | {""}:
            key = (canonicalize_name(wanted.name), extra)
            if key not in seen:
                seen.add(key)
                waiting += _requirements(found.requires or [], extra)
    del pins[canonicalize_name(root.name)]
    return pins


def _installed(wanted: Requirement) -> Distribution:
    try:
        return distribution(wanted.name)
    except PackageNotFoundError:
        sys.exit(f"{wanted} is not installed here: run `make .venv/.dev` first")


def _requirements(lines: list[str], extra: str) -> list[Requirement]:
    needs = map(Requirement, lines)
    return [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]


if __name__ == "__main__":
    pins = closure(ROOT)
    OUTPUT.write_text(HEADER + "".join(f"{name}=={pins[name]}\n" for name in sorted(pins)), encoding="utf-8")
    print(f"{len(pins)} versions pinned in {OUTPUT.name}")

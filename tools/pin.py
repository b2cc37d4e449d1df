"""Write constraints.txt: the versions, in this environment, of all that rasoat with its dev extra needs.

What tests/conformance-requirements.txt lists gets the versions found here too.

Run it in an environment made fresh with the newest releases: ``.venv/bin/python tools/pin.py``.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).resolve().parent.parent
OUTPUT = TOP / "constraints.txt"
CONFORMANCE = TOP / "tests" / "conformance-requirements.txt"
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


def repinned(text: str) -> str:
    """Return a list of exact requirements with the versions installed here; comments stay."""
    lines = [line if line.startswith("#") else _pin(Requirement(line)) for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _pin(wanted: Requirement) -> str:
    bare = Requirement(wanted.name)
    return f"{canonicalize_name(bare.name)}=={_installed(bare).version}"


if __name__ == "__main__":
    CONFORMANCE.write_text(repinned(CONFORMANCE.read_text(encoding="utf-8")), encoding="utf-8")
    pins = closure(ROOT)
    OUTPUT.write_text(HEADER + "".join(f"{name}=={pins[name]}\n" for name in sorted(pins)), encoding="utf-8")
    print(f"{len(pins)} versions pinned in {OUTPUT.name}")

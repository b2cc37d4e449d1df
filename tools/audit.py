"""Ask the advisory database about every version the wheel needs to run: ``python -m tools.audit PIP_AUDIT WHEEL``.

Exit codes: 0 nothing known against any of them, 1 advisories found, 2 not checked (no answer: no network, no service).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.sbom import parts, wheel_metadata

NOTHING_KNOWN, FOUND, NOT_CHECKED = range(3)


def audit(pip_audit: str, wheel: Path) -> tuple[int, str]:
    """Return the exit code and what to say."""
    found = parts(wheel_metadata(wheel).get_all("Requires-Dist") or [])
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as pinned:
        pinned.write("".join(f"{part.name}=={part.version}\n" for part in found.values()))
        pinned.flush()
        command = [pip_audit, "--no-deps", "--disable-pip", "--format", "json", "--requirement", pinned.name]
        done = subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True, check=False)
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return NOT_CHECKED, f"NOT CHECKED: the advisory service gave no answer ({last})"
    skipped = [f"{each['name']}: {each['skip_reason']}" for each in answers if "skip_reason" in each]
    known = [f"{d['name']} {d['version']}: {v['id']}" for d in answers for v in d.get("vulns", ())]
    if known:
        return FOUND, "\n".join(known)
    if skipped or len(answers) < len(found):
        return NOT_CHECKED, "\n".join(["NOT CHECKED in part:", *skipped])
    return NOTHING_KNOWN, f"nothing known against any of {len(answers)} versions"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    code, said = audit(sys.argv[1], Path(sys.argv[2]))
    print(said)
    sys.exit(code)

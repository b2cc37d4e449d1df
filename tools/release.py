"""Make what a release hands out, in the folder ``dist``: sdist, the wheel made from it, bill of materials, checksums.

``python -m tools.release [FOLDER]``. A folder that holds anything is refused: what is released together
was made together.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
import tempfile
from pathlib import Path

from tools.check_wheel import ROOT, build
from tools.sbom import bill


def release(folder: Path) -> list[Path]:
    """Make the files of a release in `folder`; return them."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        msg = f"{folder} is not empty; a release goes into an empty folder"
        raise FileExistsError(msg)
    sdist = build("sdist", ROOT, folder)
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(sdist) as archive:
            archive.extractall(scratch, filter="data")
        wheel = build("wheel", next(Path(scratch).iterdir()), folder)
    materials = folder / f"{'-'.join(wheel.name.split('-')[:2])}.cdx.json"
    materials.write_text(json.dumps(bill(wheel), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    made = [sdist, wheel, materials]
    sums = folder / "SHA256SUMS"
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(made)]
    sums.write_text("".join(lines), encoding="utf-8")
    return [*made, sums]


if __name__ == "__main__":
    try:
        files = release(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist"))
    except FileExistsError as fault:
        sys.exit(str(fault))
    print("\n".join(path.name for path in files))

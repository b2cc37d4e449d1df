"""Write the bill of materials (CycloneDX 1.6, JSON) of a built wheel: all it needs to run, with every extra it offers.

``tools/sbom.py WHEEL OUTPUT``. Versions and licences are those of this environment; the same environment gives the
same bytes. What only development needs is not in it.
"""

from __future__ import annotations

import email
import hashlib
import json
import sys
import uuid
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message

RUNTIME_EXTRAS = frozenset({"postgres", "notify", "web", "reports"})
_LICENCE_CLASSIFIER = "License :: "
_NO_LICENCE = {"License :: OSI Approved"}
_LONGEST_NAME = 80
_NAMESPACE = uuid.UUID("6c5b7c3e-6d55-5f0c-9d1a-7a61736f6174")


class Part(NamedTuple):
    """One distribution that the wheel needs; `required` if it does without any extra."""

    name: str
    version: str
    licence: str
    required: bool
    needs: tuple[str, ...]


def parts(requires: Sequence[str], extras: frozenset[str] = RUNTIME_EXTRAS) -> dict[str, Part]:
    """Return by name all that a wheel with these ``Requires-Dist`` lines needs here, at any depth."""
    required = _closure([need for need in map(Requirement, requires) if _applies(need, "")])
    found = _closure([need for need in map(Requirement, requires) if any(_applies(need, e) for e in {"", *extras})])
    return {
        name: Part(name, found[name][0].version, licence_of(found[name][0].metadata), name in required, found[name][1])
        for name in sorted(found)
    }


def licence_of(metadata: Any) -> str:
    """Return the licence a distribution states: its expression, else its classifiers, else its licence field."""
    if metadata["License-Expression"]:
        return str(metadata["License-Expression"])
    classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith(_LICENCE_CLASSIFIER)]
    said = [c.split(" :: ")[-1] for c in classifiers if c not in _NO_LICENCE]
    if said:
        return " AND ".join(said)
    first = (metadata["License"] or "").strip().split("\n")[0]
    return first if len(first) <= _LONGEST_NAME else ""


def bill(wheel: Path) -> dict[str, Any]:
    """Return the bill of materials of `wheel` as a CycloneDX document."""
    metadata = wheel_metadata(wheel)
    name, version = metadata["Name"], metadata["Version"]
    found = parts(metadata.get_all("Requires-Dist") or [])
    direct = {canonicalize_name(Requirement(line).name) for line in metadata.get_all("Requires-Dist") or []}
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    root = _purl(name, version)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                **_component(name, version, metadata["License-Expression"]),
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        },
        "components": [
            _component(p.name, p.version, p.licence) | {"scope": "required" if p.required else "optional"}
            for p in found.values()
        ],
        "dependencies": [
            {"ref": root, "dependsOn": sorted(_purl(n, found[n].version) for n in direct & set(found))},
            *({"ref": _purl(p.name, p.version), "dependsOn": [_purl(n, found[n].version) for n in p.needs]}
              for p in found.values()),
        ],
    }  # fmt: skip
    serial = uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": f"urn:uuid:{serial}"}


def wheel_metadata(wheel: Path) -> Message:
    """Return the METADATA of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        inside = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(inside))


def _closure(roots: Sequence[Requirement]) -> dict[str, tuple[Distribution, tuple[str, ...]]]:
    found: dict[str, tuple[Distribution, set[str]]] = {}
    seen: set[tuple[str, str]] = set()
    waiting = list(roots)
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in found:
            found[name] = (_installed(wanted), set())
        for extra in {"", *wanted.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            needs = [need for need in map(Requirement, found[name][0].requires or []) if _applies(need, extra)]
            found[name][1].update(canonicalize_name(need.name) for need in needs)
            waiting += needs
    return {name: (dist, tuple(sorted(needs))) for name, (dist, needs) in found.items()}


def _applies(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})


def _installed(wanted: Requirement) -> Distribution:
    try:
        return distribution(wanted.name)
    except PackageNotFoundError:
        sys.exit(f"{wanted} is not installed here: run `make .venv/.dev` first")


def _component(name: str, version: str, licence: str) -> dict[str, Any]:
    purl = _purl(name, version)
    stated = {"licenses": [{"license": {"name": licence}}]} if licence else {}
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, **stated}


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{canonicalize_name(name)}@{version}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    document = bill(Path(sys.argv[1]))
    Path(sys.argv[2]).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(document['components'])} components in {sys.argv[2]}")

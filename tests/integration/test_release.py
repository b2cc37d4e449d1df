"""What a release hands out: its bill of materials, under which licences that stands, and what an audit may claim."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tools.audit import FOUND, NOT_CHECKED, NOTHING_KNOWN, audit
from tools.release import release
from tools.sbom import RUNTIME_EXTRAS, bill, parts, wheel_metadata

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("packaging")
_COPYLEFT = re.compile(r"(?i)\b(?P<kind>AGPL|LGPL|GPL)|GNU (?P<words>Affero|Lesser|General)")


@pytest.fixture(scope="module")
def materials(released: Path) -> dict:
    return json.loads(next(released.glob("*.cdx.json")).read_text(encoding="utf-8"))


def test_the_bill_of_materials_is_valid_cyclonedx(materials):
    from cyclonedx.schema import SchemaVersion  # the grammars behind it take seconds to load
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(materials)) is None


def test_it_names_the_wheel_by_its_digest_and_gives_the_same_bytes_again(materials, wheel):
    (digest,) = materials["metadata"]["component"]["hashes"]
    assert digest["content"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert bill(wheel) == materials


def test_it_holds_what_the_wheel_needs_at_any_depth_and_nothing_of_development(materials):
    scopes = {each["name"]: each["scope"] for each in materials["components"]}
    assert {"sqlalchemy", "transitions", "pydantic-core"} <= {n for n, s in scopes.items() if s == "required"}
    assert {"psycopg", "fastapi", "starlette", "apprise"} <= {n for n, s in scopes.items() if s == "optional"}
    assert not {"pytest", "django", "hypothesis", "sphinx", "rasoat"} & set(scopes)
    refs = {each["bom-ref"] for each in materials["components"]}
    (root, *others) = materials["dependencies"]
    assert {each["ref"] for each in others} == refs
    assert {needed for each in (root, *others) for needed in each["dependsOn"]} == refs


def test_every_runtime_extra_is_in_it(wheel):
    offered = set(wheel_metadata(wheel).get_all("Provides-Extra"))
    assert offered - RUNTIME_EXTRAS == {"dev", "docs"}


def test_no_gpl_and_no_agpl_is_needed_and_lgpl_only_by_an_extra(wheel):
    for part in parts(wheel_metadata(wheel).get_all("Requires-Dist")).values():
        assert part.licence, f"{part.name} states no licence"
        found = _COPYLEFT.search(part.licence)
        if found is not None:
            lesser = (found["kind"] or found["words"]).lower() in {"lgpl", "lesser"}
            assert lesser, f"{part.name}: {part.licence}"
            assert not part.required, f"{part.name} ({part.licence}) is needed without any extra"


def test_the_checksums_are_those_of_the_files_and_a_used_folder_is_refused(released):
    lines = (released / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    said = dict(reversed(line.split("  ")) for line in lines)
    files = {path.name: path for path in released.iterdir() if path.name != "SHA256SUMS"}
    assert said == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert len(files) == 3
    with pytest.raises(FileExistsError):
        release(released)


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        ("clean", NOTHING_KNOWN, "nothing known"),
        ("vulnerable", FOUND, "PYSEC-1"),
        ("short", NOT_CHECKED, "NOT CHECKED"),
        ("skipped", NOT_CHECKED, "not found on PyPI"),
        ("silent", NOT_CHECKED, "no route to host"),
    ],
)
def test_an_audit_claims_only_what_was_answered(tmp_path, wheel, answer, expected, said):
    program = tmp_path / "pip-audit"
    program.write_text(f"#!{sys.executable}\n{_PIP_AUDIT.format(answer=answer)}", encoding="utf-8")
    program.chmod(0o755)
    code, told = audit(str(program), wheel)
    assert code == expected
    assert said in told


_PIP_AUDIT = """
import json, sys
lines = open(sys.argv[sys.argv.index("--requirement") + 1]).read().split()
found = [dict(zip(("name", "version"), line.split("=="))) | {{"vulns": []}} for line in lines]
if "{answer}" == "vulnerable":
    found[0]["vulns"] = [{{"id": "PYSEC-1"}}]
if "{answer}" == "short":
    found.pop()
if "{answer}" == "skipped":
    found[0] = {{"name": found[0]["name"], "skip_reason": "not found on PyPI"}}
if "{answer}" == "silent":
    sys.exit("no route to host")
print(json.dumps({{"dependencies": found, "fixes": []}}))
"""


def test_the_wheel_of_a_release_is_the_one_the_sdist_gives(released, wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert "rasoat/py.typed" in archive.namelist()
    listed = subprocess.run(
        ["tar", "-tzf", str(next(released.glob("*.tar.gz")))], check=True, capture_output=True, text=True
    ).stdout
    assert "/rasoat/py.typed" in listed

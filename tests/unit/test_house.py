"""The rules of CONTRIBUTING.md that no linter keeps: reasons, sizes, imports, one catalogue in two languages."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rasoat.foundation.messages import codes, message

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = ROOT / "pyproject.toml"
CONFIG = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
ROOMS = ("engine", "workflows", "deadlines", "persistence", "notifications", "web")
LONGEST_FILE = 400


def tracked(*patterns: str) -> list[Path]:
    """Files under version control, those being written included, those deleted left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(path for name in names if name and (path := ROOT / name).is_file())


def package_sources() -> list[Path]:
    return tracked(*(f"{room}/**.py" for room in ("rasoat", *ROOMS)))


def python_sources() -> list[Path]:
    return tracked("*.py")


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def named(path: Path, line: int | None = None) -> str:
    return f"{path.relative_to(ROOT)}" + (f":{line}" if line else "")


def test_the_tree_is_read():
    assert ROOT / "rasoat" / "__init__.py" in package_sources()
    assert Path(__file__) in python_sources()


def test_every_folder_of_the_package_is_listed_for_the_build():
    folders = {path.parent.relative_to(ROOT) for path in package_sources()}
    found = {".".join(folder.parts if folder.parts[0] == "rasoat" else ("rasoat", *folder.parts)) for folder in folders}
    assert found == set(CONFIG["tool"]["setuptools"]["packages"])


def test_no_file_of_the_package_is_longer_than_it_may_be():
    lengths = {named(path): len(lines_of(path)) for path in package_sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def absolute_imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.lineno, node.module or ""))
    return found


def test_imports_across_rooms_are_relative_inside_and_absolute_outside():
    # Alembic loads its scripts by path: they have no package to be relative to.
    inside = {path for path in package_sources() if ROOT / "persistence" / "migrations" not in path.parents}
    faults = []
    for path in python_sources():
        if path.is_relative_to(ROOT / "examples"):
            continue  # a host's own packages are called like our rooms there
        forbidden = ("rasoat", *ROOMS) if path in inside else ROOMS
        imports = absolute_imports(path)
        faults += [f"{named(path, line)} {name}" for line, name in imports if name.split(".")[0] in forbidden]
    assert faults == []


SUPPRESSION = re.compile(
    r"""\#\ (?: noqa(?!\w) (?P<rules>:\ [A-Z]+\d+(?:,\ ?[A-Z]+\d+)*)?
              | type:\ ignore (?P<errors>\[[\w,\ -]+\])?
              | pragma:\ no\ cover )
        (?P<rest>.*)""",
    re.VERBOSE,
)


def unexplained(lines: list[str]) -> list[int]:
    """Numbers of the lines that silence a checker without naming the rule and a reason (there or just above)."""
    faults = []
    for number, line in enumerate(lines, start=1):
        if match := SUPPRESSION.search(line):
            names_rule = match["rules"] or match["errors"] or "no cover" in match[0]
            reason_above = number > 1 and lines[number - 2].lstrip().startswith("#")
            if not (names_rule and (reason_above or explains(match["rest"]))):
                faults.append(number)
    return faults


def explains(rest: str) -> bool:
    words = re.sub(SUPPRESSION, r"\g<rest>", rest) if SUPPRESSION.search(rest) else rest
    return len(re.findall(r"\w+", words)) > 1


@pytest.mark.parametrize(
    ("line", "fine"),
    [
        ("x = 1  # noqa: S608 - the table's name is ours", True),
        ("x = 1  # type: ignore[no-any-return]  # pytest types it Any", True),
        ("x = 1  # noqa: S608", False),
        ("x = 1  # noqa: S608, E501", False),
        ("x = 1  # noqa - everything is allowed here", False),
        ("x = 1  # type: ignore", False),
        ("x = 1  # type: ignore[misc]", False),
        ("x = 1  # type: ignore[misc]  # noqa: S608", False),
        ("x = 1  # noqaction", True),
    ],
)
def test_a_silenced_checker_needs_rule_and_reason(line, fine):
    assert (unexplained([line]) == []) is fine


def test_a_reason_may_stand_on_the_line_above():
    assert unexplained(["# The table's name is ours.", "x = 1  # noqa: S608"]) == []


def test_every_silenced_checker_says_why():
    own_examples = Path(__file__)
    faults = [
        named(path, line) for path in python_sources() if path != own_examples for line in unexplained(lines_of(path))
    ]
    assert faults == []


def test_every_exception_in_pyproject_says_why():
    """One code a line with its reason behind it; a mypy override and an ignored import with a comment above."""
    section, above, faults, seen = "", "", [], 0
    for number, line in enumerate(lines_of(PYPROJECT), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped
            exempt = stripped == "[[tool.mypy.overrides]]"
        else:
            exempt = bool(re.fullmatch(r'"[A-Z]+\d*",.*', stripped)) and section.startswith("[tool.ruff.lint")
            exempt |= stripped.startswith(("ignore_imports", '"default:', '"ignore:'))
        if exempt:
            seen += 1
            if " # " not in line and not above.startswith("#"):
                faults.append(named(PYPROJECT, number))
        above = stripped
    ruff = CONFIG["tool"]["ruff"]["lint"]
    assert faults == []
    assert seen >= len(ruff["ignore"]) + sum(map(len, ruff["per-file-ignores"].values()))


def test_no_file_names_a_registry_or_a_place_on_one_machine():
    slash = "/"
    places = [rf"(?<![\w.~-]){slash}{name}{slash}" for name in ("work", "root", "home", "Users")]
    hosts = [
        rf"\b{name}\.{domain}\b"
        for name, domain in (("py" + "pi", "org"), ("python" + "hosted", "org"), ("npm" + "js", "org"))
    ]
    options = ["index" + "-url", "find" + "-links", "trusted" + "-host"]
    pattern = re.compile("|".join(places + hosts + options).encode())
    files = [path for path in tracked() if path.suffix not in {".xlsx", ".png"}]
    assert [named(path) for path in files if pattern.search(path.read_bytes())] == []


def test_a_message_says_the_same_in_both_languages():
    """The same fields, but for those whose name ends in the language (`state_vi`, `state_en`)."""
    faults = {}
    for code in codes():
        template = message(code)
        vietnamese, english = template.fields()
        neutral = {name.removesuffix("_vi") for name in vietnamese}, {name.removesuffix("_en") for name in english}
        if neutral[0] != neutral[1] or not (template.vi.strip() and template.en.strip()):
            faults[code] = sorted(neutral[0] ^ neutral[1])
    assert codes()
    assert faults == {}


def test_every_dependency_is_pinned_to_a_version_it_allows():
    pinned = [Requirement(line) for line in lines_of(ROOT / "constraints.txt") if not line.startswith("#")]
    versions = {need.name: next(iter(need.specifier)) for need in pinned}
    assert {pin.operator for pin in versions.values()} == {"=="}
    assert not [need for need in pinned if need.url]

    project = CONFIG["project"]
    wanted = [
        *project["dependencies"],
        *(need for extra in project["optional-dependencies"].values() for need in extra),
    ]
    for need in map(Requirement, wanted):
        if need.name != project["name"]:
            assert need.specifier.contains(versions[canonicalize_name(need.name)].version), str(need)

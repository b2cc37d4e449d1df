"""What the round came to: figures against the notice, and the lists of Phụ lục VI."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..importing import Place, ResultHousehold, write_result_lists
from ..persistence.cases import load
from ..workflows.units import UnitLevel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..api import Rasoat
    from ..importing.records import HouseholdClass, HouseholdRecord
    from ..importing.shapes import DocumentRow
    from ..persistence.cases import CaseRow
    from .files import RoundFiles

__all__ = ["GROUPS", "Figure", "by_village", "figures", "write_lists"]

GROUPS = ("poor", "near_poor", "escaped", "not_poor", "screened_out", "withdrawn", "pending")
"""What becomes of a household, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the notice, and what the round's records say: households and persons."""

    group: str
    notice_households: int
    notice_persons: int
    households: int
    persons: int

    @property
    def agrees(self) -> bool:
        """Whether both numbers are the notice's."""
        return (self.notice_households, self.notice_persons) == (self.households, self.persons)


def figures(engine: Rasoat, round_code: str, files: RoundFiles) -> list[Figure]:
    """Count what the database holds after the decision, group by group of the notice."""
    recognised = _recognised(engine, round_code)
    persons = {h.code: h.persons for h in files.listed}
    found = []
    for line in files.notices:
        codes = [code for code, case in recognised.items() if _belongs(case, line.group)]
        found.append(
            Figure(line.group, line.households, line.persons, len(codes), sum(persons[code] for code in codes))
        )
    return found


def by_village(engine: Rasoat, round_code: str) -> dict[str, Counter[str]]:
    """Count, village by village (by path), what became of the households put forward."""
    counts: dict[str, Counter[str]] = {}
    for case in _cases(engine, engine.cases_of_round(round_code)).values():
        counts.setdefault(case.unit_path, Counter())[_became(case)] += 1
    return dict(sorted(counts.items(), key=lambda item: item[0]))


def _became(case: CaseRow) -> str:
    if case.state == "recognised":
        return case.class_after if case.class_after in ("poor", "near_poor") else "escaped"
    return case.state if case.state in GROUPS else "pending"


def write_lists(engine: Rasoat, round_code: str, files: RoundFiles, folder: Path) -> tuple[Path, ...]:
    """Write the lists of Phụ lục VI after the decision; return the files written."""
    names = {u.segment: u.name for u in files.units.versions()}
    records = {h.code: h for h in files.listed}
    recognised = _recognised(engine, round_code)
    decision = next(d for d in files.documents if d.kind == "decision")
    results = [
        _result(records[code], names[records[code].village], case, decision) for code, case in recognised.items()
    ]
    by_level = {u.level: u for u in files.units.versions()}
    province, district, commune = (
        by_level[level] for level in (UnitLevel.PROVINCE, UnitLevel.DISTRICT, UnitLevel.COMMUNE)
    )
    place = Place(province.name, district.name, district.code, commune.name, commune.code)
    return write_result_lists(folder, results, place)


def _recognised(engine: Rasoat, round_code: str) -> dict[str, CaseRow]:
    return _cases(engine, engine.cases_of_round(round_code, states=["recognised"]))


def _cases(engine: Rasoat, by_code: Mapping[str, int]) -> dict[str, CaseRow]:
    with engine.database.read() as tx:
        rows = {case.id: case for case in load(tx, list(by_code.values()))} if by_code else {}
    return {code: rows[case_id] for code, case_id in by_code.items()}


def _belongs(case: CaseRow, group: str) -> bool:
    return {
        "poor": case.class_after == "poor",
        "near_poor": case.class_after == "near_poor",
        "escaped_poverty": case.class_before == "poor" and case.class_after != "poor",
        "escaped_near_poverty": case.class_before == "near_poor" and case.class_after == "none",
    }[group]


def _result(record: HouseholdRecord, village: str, case: CaseRow, decision: DocumentRow) -> ResultHousehold:
    facts = json.loads(case.facts)
    after: HouseholdClass = facts["class_after"]
    return ResultHousehold(record, village, after, facts["b1"], facts["b2"], decision.number or "", decision.issued_on)

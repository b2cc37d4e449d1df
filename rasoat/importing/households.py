"""Household lists: Phụ lục I (households to review) and Phụ lục VI (households the commune manages), TT 07/2021.

The household's code stands in its head's row; the rows below belong to it until the next head.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..foundation.text import comparable
from .cells import b2_score, choice, day, identity_number, partial_date, whole_number, words, yes_no
from .columns import Column, ColumnSet, Fault, is_blank
from .drafts import Draft, mark_repeated, outcome
from .faults import CellError, Parsed, Problem, TableError, shown
from .records import Area, HouseholdRecord, MemberRecord
from .tables import Row, Table, read_table
from .terms import AREA, CLASS, ORIGIN, SEX, UNIT_LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["B1_LIMIT", "HOUSEHOLD_COLUMNS", "read_households"]

B1_LIMIT = 1_000  # no law: beyond it a total of points is taken for a slip of the pen
_MOST_PERSONS = 40  # as above, for a household

_PERSON = (
    Column("member", ("thành viên", "họ và tên thành viên", "họ tên thành viên"), words, filled=False),
    Column("relation", ("quan hệ với chủ hộ", "quan hệ"), words, filled=False),
    Column("birth", ("ngày sinh", "ngày, tháng, năm sinh", "ngày tháng năm sinh", "năm sinh"), partial_date),
    Column("sex", ("giới tính", "nam/nữ"), choice(SEX)),
    Column(
        "identity",
        ("CCCD", "số CCCD", "CCCD/CMND", "số định danh", "số định danh cá nhân", "CMND", "số CMND"),
        identity_number,
        filled=False,
    ),
    Column("ethnicity", ("dân tộc",), words, required=False, filled=False),
)
_HEAD = (
    Column("code", ("mã hộ", "mã hộ gia đình", "mã số hộ"), words),
    Column("head", ("chủ hộ", "họ và tên chủ hộ", "họ tên chủ hộ", "tên chủ hộ"), words),
    Column("village_code", ("mã thôn",), words, required=False, filled=False),
    Column("village", UNIT_LEVEL["village"], words, required=False, filled=False),
    Column("area", ("khu vực",), choice(AREA), required=False, filled=False),
    Column("class", ("phân loại hộ", "loại hộ", "phân loại"), choice(CLASS), filled=False),
    Column("origin", ("nguồn", "diện rà soát"), choice(ORIGIN), required=False),
    Column("requested_on", ("ngày đề nghị", "ngày giấy đề nghị", "ngày Mẫu 01"), day, required=False, filled=False),
    Column("listed_on", ("ngày lập danh sách",), day, required=False, filled=False),
    Column("decision_number", ("số QĐ công nhận", "số QĐ", "số quyết định"), words, required=False, filled=False),
    Column("decided_on", ("ngày ban hành QĐ", "ngày QĐ", "ngày quyết định"), day, required=False, filled=False),
    Column("b1", ("B1", "điểm B1", "điểm A"), whole_number(0, B1_LIMIT), required=False, filled=False),
    Column("b2", ("B2", "điểm B2", "điểm B"), b2_score, required=False, filled=False),
    Column("minority", ("DTTS", "dân tộc thiểu số"), yes_no, required=False, filled=False),
    Column("unable", ("không có khả năng lao động", "không có KNLĐ"), yes_no, required=False, filled=False),
    Column("merit", ("thành viên có công", "người có công"), yes_no, required=False, filled=False),
    Column("causes", ("nguyên nhân nghèo",), words, required=False, filled=False),
    Column("persons", ("số nhân khẩu", "số khẩu"), whole_number(1, _MOST_PERSONS), required=False, filled=False),
)
HOUSEHOLD_COLUMNS = ColumnSet((*_HEAD, *_PERSON))
_HEAD_NAMES = tuple(column.name for column in _HEAD)
_PERSON_NAMES = tuple(column.name for column in _PERSON)
_UNIT_WORD = re.compile(rf"^(?:{'|'.join(comparable(word) for word in UNIT_LEVEL['village'])})\s+")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the caller answers for the whole file."""

    villages: Mapping[str, str] | None
    area: Area | None
    ambiguous: Mapping[str, str]

    def village(self, code: str | None, name: str | None) -> str:
        """Return the village's code (or, with no villages given, what the list says); `CellError` if unknown."""
        if code is None and name is None:
            raise CellError(Problem.BLANK)
        if self.villages is None:
            return code or name or ""
        if code in self.ambiguous or (code is None and self._in_several(name)):
            raise CellError(Problem.VILLAGE_AMBIGUOUS)
        if code is None:
            return self._called(self.villages, name or "")
        if code not in self.villages:
            raise CellError(Problem.VILLAGE_UNKNOWN)
        if name is not None and _village_key(self.villages[code]) != _village_key(name):
            raise CellError(Problem.VILLAGE_MISMATCH, unit=code, name=self.villages[code])
        return code

    @staticmethod
    def _called(villages: Mapping[str, str], name: str) -> str:
        """Return the code of the one village of this name: its own, though its commune's may go before it too."""
        same = {code for code, known in villages.items() if _village_key(known) == _village_key(name)}
        own = [code for code in same if code.rpartition(".")[2] not in same - {code}]
        if len(own) != 1:
            raise CellError(Problem.VILLAGE_UNKNOWN)
        return own[0]

    def _in_several(self, name: str | None) -> bool:
        return any(_village_key(known) == _village_key(name or "") for known in self.ambiguous.values())


def read_households(
    path: Path | str,
    *,
    sheet: str | None = None,
    villages: Mapping[str, str] | None = None,
    area: Area | None = None,
    ambiguous: Mapping[str, str] | None = None,
) -> Parsed[HouseholdRecord]:
    """Read a household list. A fault in any row refuses its whole household, and no other.

    `villages` (code → name) are those of the commune: rows are checked against them, and a name becomes a code.
    `ambiguous` (code → name) are villages of several communes: a row that names one is refused until the caller says
    which commune's list it is. `area` answers for a list without a “khu vực” column (the official Phụ lục VI has none):
    it is asked of the caller, never derived.
    """
    try:
        table = read_table(path, HOUSEHOLD_COLUMNS, sheet=sheet)
        drafts = [Draft[HouseholdRecord](rows) for rows in _grouped(table)]
    except TableError as error:
        return Parsed.unreadable(error.fault)
    asked = _Asked(villages, area, ambiguous or {})
    people = [entry for draft in drafts for entry in _fill(table, draft, asked)]
    mark_repeated(table, people, "identity", Problem.IDENTITY_TWICE)
    mark_repeated(table, [(d, d.rows[0], _code(d.rows[0])) for d in drafts], "code", Problem.KEY_TWICE)
    return outcome(table, drafts)


def _grouped(table: Table) -> Iterator[list[Row]]:
    """Gather the rows of each household; rows before the first head form a group of their own."""
    group: list[Row] = []
    for row in table:
        if group and _begins(row, group[0]):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _begins(row: Row, head: Row) -> bool:
    """Whether `row` begins a household, given the head's row above it. A list may repeat code and head on each row."""
    code, name = _code(row), _name(row, "head")
    if code is None:
        return name is not None and name != _name(head, "head")
    return code != _code(head) or _is_head(row) or (name is not None and name != _name(head, "head"))


def _code(row: Row) -> str | None:
    return shown(row.known.get("code")).strip() or None


def _name(row: Row, column: str) -> str | None:
    return comparable(shown(row.known.get(column))) or None


def _is_head(row: Row) -> bool:
    return _name(row, "relation") == comparable("chủ hộ")


def _fill(
    table: Table, draft: Draft[HouseholdRecord], asked: _Asked
) -> list[tuple[Draft[HouseholdRecord], Row, str | None]]:
    """Read a household into its draft; returns each row with its identity number, for comparing over the file."""
    first = draft.rows[0]
    if _code(first) is None and is_blank(first.known.get("head")):
        for row in draft.rows:
            draft.blame(table, row, Fault("code", CellError(Problem.MEMBER_BEFORE_HEAD), ""))
        return []
    head = draft.read(table, first, _HEAD_NAMES)
    people = [draft.read(table, row, _PERSON_NAMES) for row in draft.rows]
    _check_members(table, draft)
    _settle_head(table, draft, head, asked)
    if not draft.errors:
        draft.record = _record(table, draft, head, people)
    return [(draft, row, person["identity"]) for row, person in zip(draft.rows, people, strict=True)]


def _check_members(table: Table, draft: Draft[HouseholdRecord]) -> None:
    """One head, in the first row; every other row names a person and the relation."""
    first = draft.rows[0]
    named_twice = _name(first, "member") not in (None, _name(first, "head"))
    if named_twice or not (_is_head(first) or _name(first, "relation") is None):
        column = "member" if named_twice else "relation"
        draft.blame(table, first, Fault(column, CellError(Problem.NOT_HEAD), shown(first.known.get(column))))
    for row in draft.rows[1:]:
        for column in ("member", "relation"):
            if is_blank(row.known.get(column)):
                draft.blame(table, row, Fault(column, CellError(Problem.BLANK), ""))
        if _is_head(row):
            draft.blame(table, row, Fault("relation", CellError(Problem.NOT_HEAD), shown(row.known["relation"])))


def _settle_head(table: Table, draft: Draft[HouseholdRecord], head: dict[str, Any], asked: _Asked) -> None:
    """Check what the head's row says against the rest of the household and against what the caller answered."""
    row = draft.rows[0]
    faulty = {error.column for error in draft.errors if error.row == row.number}

    def expect(column: str, problem: Problem, *, met: bool, **fields: object) -> None:
        if not met and table.heading_of(column) not in faulty:
            draft.blame(table, row, Fault(column, CellError(problem, **fields), shown(row.known.get(column))))

    head["origin"] = head["origin"] or "managed"
    asks = head["origin"] == "request"
    head["class"] = head["class"] or ("none" if asks else None)  # who asks for the first time holds no class yet
    head["area"] = head["area"] or asked.area
    expect("class", Problem.BLANK, met=head["class"] is not None)
    expect("area", Problem.AREA_UNASKED, met=head["area"] is not None)
    expect("requested_on", Problem.REQUEST_UNDATED, met=not asks or head["requested_on"] is not None)
    expect("persons", Problem.PERSON_COUNT, met=head["persons"] in (None, len(draft.rows)), found=len(draft.rows))
    if {table.heading_of("village"), table.heading_of("village_code")} & faulty:
        return
    try:
        head["village"] = asked.village(head["village_code"], head["village"])
    except CellError as error:
        column = "village" if head["village_code"] is None else "village_code"
        draft.blame(table, row, Fault(column, error, shown(row.known.get(column))))


def _record(
    table: Table, draft: Draft[HouseholdRecord], head: dict[str, Any], people: list[dict[str, Any]]
) -> HouseholdRecord:
    return HouseholdRecord(
        code=head["code"],
        village=head["village"],
        members=tuple(_member(row, p, head["head"]) for row, p in zip(draft.rows, people, strict=True)),
        class_before=head["class"],
        area=head["area"],
        origin=head["origin"],
        ethnic_minority=bool(head["minority"]),
        unable_to_work=bool(head["unable"]),
        merit=bool(head["merit"]),
        causes=head["causes"],
        requested_on=head["requested_on"],
        listed_on=head["listed_on"],
        decision_number=head["decision_number"],
        decided_on=head["decided_on"],
        b1=head["b1"],
        b2=head["b2"],
        file=table.file,
        sheet=table.sheet,
        row=draft.rows[0].number,
    )


def _member(row: Row, person: dict[str, Any], head: str) -> MemberRecord:
    return MemberRecord(
        name=person["member"] or head,
        relation=person["relation"] or "chủ hộ",
        birth=person["birth"],
        sex=person["sex"],
        identity=person["identity"],
        ethnicity=person["ethnicity"],
        row=row.number,
    )


def _village_key(name: str) -> str:
    """Return a village's name without its kind: “Thôn 1” and “1” are one."""
    return _UNIT_WORD.sub("", comparable(name))

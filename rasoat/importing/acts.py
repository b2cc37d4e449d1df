"""Act files: screenings, surveys, meetings, postings, complaints, changes, documents; and the actors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import terms
from .cells import b2_score, choice, day, whole_number, words, yes_no
from .columns import Column, ColumnSet, Fault
from .drafts import Draft, mark_repeated, outcome
from .faults import CellError, Parsed, Problem, TableError, shown
from .households import B1_LIMIT
from .shapes import (
    ActorRow,
    ChangeRow,
    ComplaintRow,
    DocumentRow,
    MeetingRow,
    NoticeRow,
    PostingRow,
    ScreeningRow,
    SurveyRow,
)
from .tables import Row, Table, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

__all__ = [
    "ACTORS",
    "CHANGES",
    "COMPLAINTS",
    "DOCUMENTS",
    "MEETINGS",
    "NOTICES",
    "POSTINGS",
    "SCREENINGS",
    "SURVEYS",
    "ActKind",
    "read_acts",
]

T = TypeVar("T")

_COUNT = whole_number(0, 100_000)
_ROUND = whole_number(1, 20)
_MOST_SIGNS = 9  # Phiếu A has nine columns


@dataclass(frozen=True)
class ActKind(Generic[T]):
    """A kind of act file: its row type, its columns, the key no two rows share, and pairs that must be in order.

    `ordered` holds (smaller, larger) names of columns, for counts and for days alike.
    """

    record: Callable[..., T]
    columns: ColumnSet
    key: str
    ordered: tuple[tuple[str, str], ...] = ()


def read_acts(
    path: Path | str,
    kind: ActKind[T],
    *,
    sheet: str | None = None,
    known: Mapping[str, Collection[str]] | None = None,
) -> Parsed[T]:
    """Read an act file. `known` maps a column (“household”, “village”, “surveyor”…) to the codes it may hold."""
    try:
        table = read_table(path, kind.columns, sheet=sheet)
        drafts = [_read(table, row, kind, known or {}) for row in table]
    except TableError as error:
        return Parsed.unreadable(error.fault)
    keys = [(draft, draft.rows[0], shown(draft.rows[0].known[kind.key]).strip() or None) for draft in drafts]
    mark_repeated(table, keys, kind.key, Problem.KEY_TWICE)
    return outcome(table, drafts)


def _read(table: Table, row: Row, kind: ActKind[T], known: Mapping[str, Collection[str]]) -> Draft[T]:
    draft = Draft[T]([row])
    values = draft.read(table, row)
    for column, codes in known.items():
        if values.get(column) is not None and values[column] not in codes:
            draft.blame(table, row, Fault(column, CellError(Problem.UNKNOWN), shown(row.known[column])))
    for smaller, larger in kind.ordered:
        _check_order(table, draft, values, smaller, larger)
    if not draft.errors:
        draft.record = kind.record(**values, row=row.number)
    return draft


def _check_order(table: Table, draft: Draft[T], values: dict[str, Any], smaller: str, larger: str) -> None:
    low, high = values[smaller], values[larger]
    if low is None or high is None or low <= high:
        return
    row = draft.rows[0]
    if isinstance(low, int):
        error = CellError(Problem.NOT_ABOVE, other=table.heading_of(larger), limit=shown(high))
        draft.blame(table, row, Fault(smaller, error, shown(low)))
    else:
        error = CellError(Problem.NOT_BEFORE, other=table.heading_of(smaller), limit=shown(low))
        draft.blame(table, row, Fault(larger, error, shown(high)))


def _optional(name: str, *headings: str, read: Any = words) -> Column:
    return Column(name, headings, read, required=False, filled=False)


_HOUSEHOLD = Column("household", ("mã hộ", "mã hộ gia đình"), words)
_CONCERNED = _optional("household", "mã hộ", "mã hộ gia đình")
_VILLAGE = Column("village", ("mã thôn",), words)
_SURVEYOR = Column("surveyor", ("mã rà soát viên", "rà soát viên", "mã điều tra viên", "điều tra viên"), words)
_UNIT = Column("unit", ("mã đơn vị",), words)

ACTORS = ActKind(
    ActorRow,
    ColumnSet((Column("code", ("mã cán bộ",), words), Column("role", ("vai trò",), choice(terms.ROLE)), _UNIT)),
    key="code",
)
SCREENINGS = ActKind(
    ScreeningRow,
    ColumnSet(
        (
            _HOUSEHOLD,
            Column("screened_on", ("ngày", "ngày khảo sát"), day),
            Column("signs", ("số chỉ tiêu", "số tiêu chí"), whole_number(0, _MOST_SIGNS)),
            _SURVEYOR,
            _optional("reply_number", "số văn bản trả lời"),
            _optional("reason", "lý do không đưa vào danh sách"),
        )
    ),
    key="household",
)
SURVEYS = ActKind(
    SurveyRow,
    ColumnSet(
        (
            Column("code", ("mã phiếu",), words),
            _HOUSEHOLD,
            Column("round", ("lần", "lần khảo sát"), _ROUND),
            Column("surveyed_on", ("ngày", "ngày khảo sát"), day),
            Column("area", ("khu vực",), choice(terms.AREA)),
            Column("b1", ("B1", "điểm B1", "điểm A"), whole_number(0, B1_LIMIT)),
            Column("b2", ("B2", "điểm B2", "điểm B"), b2_score),
            _SURVEYOR,
            Column("respondent", ("người cung cấp thông tin", "người trả lời"), choice(terms.RESPONDENT)),
            Column("kind", ("loại khảo sát",), choice(terms.SURVEY)),
        )
    ),
    key="code",
)
MEETINGS = ActKind(
    MeetingRow,
    ColumnSet(
        (
            Column("code", ("mã biên bản",), words),
            _VILLAGE,
            Column("round", ("lần", "lần họp"), _ROUND),
            Column("held_on", ("ngày", "ngày họp"), day),
            Column("attendees", ("số người tham dự", "tổng số người tham dự"), whole_number(1, 100_000)),
            Column("in_favour", ("số người đồng ý",), _COUNT),
            Column("households_represented", ("số hộ có đại diện",), _COUNT),
            Column("households_listed", ("số hộ trong danh sách",), _COUNT),
            Column("chair", ("người chủ trì", "chủ trì"), words),
            Column("signed_by_chair", ("chủ trì ký",), yes_no),
            Column("signed_by_secretary", ("thư ký ký",), yes_no),
            Column("signed_by_households", ("đại diện hộ ký",), yes_no),
            Column("copies", ("số bản",), _COUNT),
            _CONCERNED,
        )
    ),
    key="code",
    ordered=(("in_favour", "attendees"), ("households_represented", "households_listed")),
)
POSTINGS = ActKind(
    PostingRow,
    ColumnSet(
        (
            Column("code", ("mã niêm yết",), words),
            _VILLAGE,
            _CONCERNED,
            Column("posted_on", ("từ ngày", "ngày niêm yết"), day),
            Column("at_village_house", ("tại nhà văn hóa thôn", "tại nhà sinh hoạt cộng đồng"), yes_no),
            Column("at_commune_office", ("tại trụ sở UBND xã", "tại trụ sở UBND cấp xã"), yes_no),
            Column("radio", ("phát thanh", "đài truyền thanh"), yes_no),
            Column("kind", ("loại",), choice(terms.POSTING)),
            _optional("notice", "số thông báo"),
        )
    ),
    key="code",
)
COMPLAINTS = ActKind(
    ComplaintRow,
    ColumnSet(
        (
            Column("code", ("mã khiếu nại",), words),
            _HOUSEHOLD,
            Column("received_on", ("ngày nhận",), day),
            Column("entered_on", ("ngày nhập",), day),
            Column("subject_code", ("mã nội dung",), words),
            Column("outcome", ("kết quả",), choice(terms.OUTCOME)),
        )
    ),
    key="code",
    ordered=(("received_on", "entered_on"),),
)
CHANGES = ActKind(
    ChangeRow,
    ColumnSet(
        (
            _HOUSEHOLD,
            Column("kind", ("loại", "loại biến động"), choice(terms.CHANGE)),
            Column("happened_on", ("ngày",), day),
            Column("reason", ("nội dung",), words),
        )
    ),
    key="household",
)
DOCUMENTS = ActKind(
    DocumentRow,
    ColumnSet(
        (
            Column("code", ("mã văn bản",), words),
            Column("kind", ("loại", "loại văn bản"), choice(terms.DOCUMENT)),
            Column("number", ("số", "số văn bản", "số, ký hiệu"), words, filled=False),
            Column("issued_on", ("ngày", "ngày ban hành"), day),
            _UNIT,
            Column("signer", ("người ký",), words),
            Column("title", ("trích yếu",), words),
        )
    ),
    key="code",
)
NOTICES = ActKind(
    NoticeRow,
    ColumnSet(
        (
            Column("number", ("số thông báo",), words),
            Column("posted_on", ("ngày", "từ ngày"), day),
            Column("group", ("nhóm",), choice(terms.NOTICE_GROUP)),
            Column("households", ("số hộ",), _COUNT),
            Column("persons", ("số khẩu", "số nhân khẩu"), _COUNT),
        )
    ),
    key="group",
    ordered=(("households", "persons"),),
)
